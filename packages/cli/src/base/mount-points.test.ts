import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isWithin, mountPointProblems, realPathOf } from './mount-points.ts';

const rules = {
  workDir: '/home/ann/web/docs',
  projectDir: '/home/ann/web',
  homeDir: '/home/ann',
  storeDir: '/home/ann/.cache/cachelane',
};
const problems = (...paths: string[]): readonly (string | null)[] => mountPointProblems(paths, rules);

describe('volume paths', () => {
  test('side by side are allowed, even with a common prefix', () => {
    expect(problems('/home/ann/.npm', '/home/ann/.npm-2', '/home/ann/web/cache')).toEqual([null, null, null]);
  });

  test('that are longer than a file system allows are refused', () => {
    const name = 'n'.repeat(256);
    expect(problems(`/opt/${name}/x`, `/opt/${'é'.repeat(128)}`, `/opt/${name.slice(1)}`)).toEqual([
      `a name in its path is longer than 255 bytes: ${name.slice(0, 40)}…`,
      expect.stringContaining('longer than 255 bytes'),
      null,
    ]);
    const long = '/0123456'.repeat(512);
    expect(problems(long, long.slice(1))).toEqual(['its path is longer than 4095 bytes', null]);
  });

  test.each(['/', '/home', '/home/ann/web'])('%s would hide the working directory', (path) => {
    expect(problems(path)[0]).toContain('would hide the working directory');
  });

  test.each([
    ['/users/ann', 'would hide the home directory'],
    ['/users', 'would hide the home directory'],
    ['/srv/web', 'the project'],
    ['/srv', 'the project'],
    ['/', 'would hide the working directory'],
    ['/home', 'a system directory'],
    ['/data', 'the store of cachelane'],
  ])('%s, with home, project and store apart', (path, why) => {
    const apart = { workDir: '/tmp/x', projectDir: '/srv/web', homeDir: '/users/ann', storeDir: '/data/cachelane' };
    expect(mountPointProblems([path, '/users/ann/.npm', '/srv/web/cache'], apart)).toEqual([
      expect.stringContaining(why),
      null,
      null,
    ]);
  });

  test.each(['/home/ann/.cache', '/home/ann/.cache/cachelane', '/home/ann/.cache/cachelane/x'])(
    '%s is the store',
    (path) => {
      expect(problems(path)[0]).toContain('the store of cachelane');
    },
  );

  test.each(['/etc', '/usr', '/usr/lib', '/lib64', '/var', '/var/lib', '/run', '/proc/1', '/sys/fs', '/dev/shm/x'])(
    '%s is the system’s',
    (path) => {
      expect(problems(path)[0]).toBe(`${path} is or contains a system directory`);
    },
  );

  test('deeper directories are allowed', () => {
    expect(problems('/var/cache/npm', '/opt/cache', '/var/lib/ci/cache', '/usr/src/cache')).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test.each([
    '/home/ann/web/.git',
    '/home/ann/web/.git/objects',
    '/home/ann/web/lib/.git',
    '/srv/main/.git/worktrees/x',
  ])('%s is git’s', (path) => {
    expect(problems(path)[0]).toBe(`a volume at ${path} would hide the git repository`);
  });

  test('names with the same prefix are allowed', () => {
    expect(problems('/home/ann/web/.github/cache', '/home/ann/web/x.git')).toEqual([null, null]);
  });

  test('of overlapping volumes the first one stays', () => {
    expect(problems('/a', '/a')).toEqual([null, 'another volume is already at /a']);
    expect(problems('/a/b', '/a')).toEqual([null, '/a and the volume at /a/b contain each other']);
    expect(problems('/a', '/a/b', '/c')).toEqual([null, '/a/b and the volume at /a contain each other', null]);
  });

  test('a volume that is left out excludes no other', () => {
    expect(problems('/a', '/a/b', '/a/b/c', '/d')[3]).toBeNull();
    expect(problems('/', '/a')).toEqual([expect.any(String), null]);
  });
});

test('within', () => {
  expect(isWithin('/a', '/a')).toBe(true);
  expect(isWithin('/a/..b', '/a')).toBe(true);
  expect(isWithin('/', '/a')).toBe(false);
  expect(isWithin('/a', '/')).toBe(true);
});

test('symlinks to one place count as one, existing or not', () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-place-')));
  mkdirSync(join(dir, 'real'));
  symlinkSync('real', join(dir, 'link'));
  expect(realPathOf(join(dir, 'link/a/b'))).toBe(join(dir, 'real/a/b'));
  expect(realPathOf(`${dir}/link/../link/./x`)).toBe(join(dir, 'real/x'));
  rmSync(dir, { recursive: true });
});
