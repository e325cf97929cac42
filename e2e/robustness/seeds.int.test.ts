import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { requireCommands, tarArchive, type TarMember } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectNoSessions, expectWholeHeads, headsIn } from './store.fixture.ts';

const content = '_cacache/content-v2/sha512/aa/bb/cc';

const inVolume = async (world: World, script: string, volume = 'data:data'): Promise<string> =>
  (await world.run(['sh', '-ec', script], { options: ['-v', volume, '--strict'] })).stdout;

/** Packs an archive like actions/cache: from the workspace, with paths from a file. */
function actionsCache(world: World, { paths, program, absolute = false }: Packed): string {
  const file = join(world.dir, 'cache');
  const workspace = join(world.dir, 'runner/work/web/web');
  mkdirSync(workspace, { recursive: true });
  const named = paths.map((path) => (absolute ? join(workspace, path) : path));
  writeFileSync(join(world.dir, 'manifest.txt'), named.join('\n'));
  execFileSync('tar', [
    '--posix',
    '-cf',
    file,
    '--exclude',
    file,
    '-P',
    '-C',
    workspace,
    '--files-from',
    join(world.dir, 'manifest.txt'),
    '--use-compress-program',
    program,
  ]);
  return file;
}

interface Packed {
  /** Relative to the workspace. */
  readonly paths: readonly string[];
  readonly program: string;
  readonly absolute?: boolean;
}

requireCommands(
  'bwrap',
  'flock',
  'tar',
  'zstd',
  'gzip',
)('an archive of actions/cache', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test.each([
      ['zstd -T0 --long=30', false],
      ['zstd -T0', true],
      ['gzip', false],
    ])('made with %s, absolute: %s, can be imported', async (program, absolute) => {
      using world = openWorld({ user });
      world.write({
        [`runner/.npm/${content}`]: 'content',
        'runner/.npm/_logs/log': 'log',
        'runner/work/web/web/node_modules/x/index.js': 'x',
      });
      const file = actionsCache(world, { paths: ['../../../.npm', 'node_modules'], program, absolute });
      const at = absolute ? join(world.dir, 'runner/.npm') : '../../../.npm';
      const told = await world.cachelane(['import', file, '--as', 'npm']);
      expect(told).toMatchObject({
        code: 0,
        stderr: `cachelane: taken from ${at} in the archive\ncachelane: warning: not imported: 3 entries of the archive outside that directory\n`,
      });
      expect(told.stdout).toMatch(/^imported \S+ into npm: 1 added, 7 B, as layer [0-9a-f]{12}\n$/);
      expect(await inVolume(world, 'cd ~/.npm; find . -type f', 'npm')).toBe(`./${content}\n`);
      expect(existsSync(join(world.home, '.npm'))).toBe(false);
      await expectWholeHeads(world);
    });
  });

  test('with several directories lists them for a directory volume, and imports the chosen one', async () => {
    using world = openWorld();
    world.write({
      'runner/out/a': '1',
      'runner/work/web/web/node_modules/x': 'x',
      'runner/work/web/web/node_modules/.bin/y': 'y',
    });
    const file = actionsCache(world, { paths: ['../../../out', 'node_modules'], program: 'gzip' });
    expect(await world.cachelane(['import', file, '--as', 'data:data'])).toMatchObject({
      code: 2,
      stderr: `cachelane: ${file} has 2 directories that may hold the volume: ../../../out, node_modules\n  choose one: --from DIRECTORY\n`,
    });
    expect(await headsIn(world)).toEqual([]);
    expect(await world.cachelane(['import', file, '--as', 'data:data', '--from', 'dist'])).toMatchObject({
      code: 1,
      stderr: `cachelane: ${file} has no directory dist\n  it has ../../../out, node_modules\n`,
    });
    expect(await world.json(['import', file, '--as', 'data:data', '--from', './node_modules/'])).toMatchObject({
      kind: 'seed',
      from: 'node_modules',
      elsewhere: 2,
      linksLeftOut: 0,
      volume: { name: 'data', skipped: null },
    });
    expect(await inVolume(world, 'cd data; find . -type f | sort')).toBe('./.bin/y\n./x\n');
    // The volume has the same path here, so no choice is needed.
    expect(await world.cachelane(['import', file, '--as', 'deps:app/node_modules'])).toMatchObject({ code: 0 });
  });

  test('is merged with the volume’s contents', async () => {
    using world = openWorld();
    await inVolume(world, 'echo mine > data/mine; echo mine > data/both');
    world.write({ 'runner/out/both': 'theirs\n', 'runner/out/new': 'theirs\n' });
    const file = actionsCache(world, { paths: ['../../../out'], program: 'zstd' });
    expect((await world.cachelane(['import', file, '--as', 'data:data'])).stdout).toContain('2 added, 14 B');
    expect(await inVolume(world, 'cd data; cat both mine new')).toBe('theirs\nmine\ntheirs\n');
  });
});

const link = (name: string, linkName: string): TarMember => ({ name, type: '2', linkName });
const file = (name: string, text = name): TarMember => ({ name, content: text });
const dir = (name: string): TarMember => ({ name, type: '5', mode: 0o755 });
const good = tarArchive([dir('v'), file('v/a', 'a'.repeat(5000)), file('v/b')]);

requireCommands(
  'bwrap',
  'flock',
  'mkfifo',
)('a hostile or broken import', () => {
  test.each<readonly [string, Buffer | readonly TarMember[], number, string]>([
    [
      'a path with ..',
      [dir('v'), file('v/a'), file('v/../../../../evil')],
      1,
      'v/../../../../evil leads out of its directory',
    ],
    [
      'a path with .., beside the volume',
      [dir('v'), file('v/a'), file('../../evil')],
      2,
      'directories that may hold the volume: ../.., v',
    ],
    [
      'an absolute path, beside the volume',
      [dir('v'), file('v/a'), file('/tmp/cachelane-evil')],
      2,
      'directories that may hold the volume: /tmp, v',
    ],
    [
      'a symlink out, and a file through it',
      [dir('v'), link('v/out', '/tmp'), file('v/out/cachelane-evil')],
      1,
      'out is a directory and something else at once',
    ],
    [
      'a symlink up, and a file through it',
      [dir('v'), link('v/out', '../../..'), file('v/out/evil')],
      1,
      'out is a directory and something else at once',
    ],
    [
      'a hard link to a file of the machine',
      [dir('v'), { name: 'v/x', type: '1', linkName: '/etc/passwd' }],
      1,
      'v/x is a hard link to /etc/passwd, which no earlier member has',
    ],
    ['a device', [dir('v'), { name: 'v/null', type: '3' }], 1, 'v/null is a device'],
    ['a fifo', [dir('v'), { name: 'v/p', type: '6' }], 1, 'v/p is a fifo'],
    [
      'a name that is a file and a directory',
      [dir('v'), file('v/x'), file('v/x/y')],
      1,
      'x/y is a directory and something else at once',
    ],
    [
      'a name that is a directory and a file',
      [dir('v'), file('v/x/y'), file('v/x')],
      1,
      'x is a directory and something else at once',
    ],
    ['a sparse file', [dir('v'), { name: 'v/x', type: 'S' }], 2, 'it has sparse files'],
    ['a file larger than any disk', [dir('v'), { ...file('v/x'), sizeBytes: 8 ** 11 - 1 }], 2, 'it ends too early'],
    ['cut gzip', gzipSync(good).subarray(0, 80), 2, 'it ends too early'],
    ['cut zstd', zstdCompressSync(good).subarray(0, 60), 2, 'it ends too early'],
    ['a truncated archive', good.subarray(0, 3000), 2, 'it ends too early'],
    ['an archive without its end', good.subarray(0, -1024), 2, 'it ends too early'],
    ['damaged gzip', gzipSync(good).fill(0x55, 30, 60), 2, 'cannot be read: '],
    ['no archive', Buffer.from('#!/bin/sh\n'.repeat(200)), 2, 'it is not a tar archive'],
    ['an empty file', Buffer.alloc(0), 2, 'seed is empty'],
    ['an empty archive', [], 2, 'it is empty'],
    ['xz', Buffer.from('\xfd7zXZ\0 and so on', 'latin1'), 2, 'it is compressed with xz'],
  ])('%s: one line and a hint, and the volume is unchanged', async (_, archive, code, why) => {
    using world = openWorld();
    await inVolume(world, 'echo mine > data/mine');
    const before = await headsIn(world);
    const seed = join(world.dir, 'seed');
    writeFileSync(seed, Buffer.isBuffer(archive) ? archive : tarArchive(archive));
    const told = await world.cachelane(['import', seed, '--as', 'data:data']);
    expect(told).toMatchObject({ code, stdout: '' });
    expect(told.stderr).toMatch(/^cachelane: [^\n]+\n {2}[^\n]+\n$/);
    expect(told.stderr).toContain(why);
    expect(await headsIn(world)).toEqual(before);
    expect(await inVolume(world, 'cd data; find . -mindepth 1')).toBe('./mine\n');
    expect(readdirSync(join(world.store, 'staging'))).toEqual([]);
    await expectNoSessions(world);
    for (const evil of ['/tmp/cachelane-evil', join(world.dir, 'evil'), join(world.store, 'evil')])
      expect(existsSync(evil)).toBe(false);
  });

  test.each([
    ['a fifo', 'mkfifo seed/p', 'p is a fifo'],
    ['an unreadable file', 'echo 1 > seed/p; chmod 0 seed/p', 'permission denied'],
  ])('a directory with %s', async (_, make, why) => {
    using world = openWorld({ user: 'ordinary user' });
    world.exec(['sh', '-c', `mkdir seed; echo 1 > seed/a; ${make}`]);
    const told = await world.cachelane(['import', join(world.dir, 'seed'), '--as', 'data:data']);
    expect(told.code).not.toBe(0);
    expect(told.stderr).toMatch(/^cachelane: [^\n]+\n/);
    expect(told.stderr).toContain(why);
    expect(await headsIn(world)).toEqual([]);
    await expectNoSessions(world);
  });

  test('a path that is neither a file nor a directory', async () => {
    using world = openWorld();
    world.exec(['mkfifo', 'seed']);
    expect(await world.cachelane(['import', join(world.dir, 'seed'), '--as', 'data:data'])).toMatchObject({ code: 2 });
    expect((await world.cachelane(['import', join(world.dir, 'none'), '--as', 'data:data'])).stderr).toContain(
      'does not exist',
    );
  });

  test('links out of it are skipped and counted, and the last entry of a name is kept', async () => {
    using world = openWorld();
    const members = [
      dir('v'),
      link('v/in', 'b'),
      link('v/out', '../..'),
      link('v/abs', '/etc'),
      file('v/b', 'old'),
      file('v/b', 'new'),
    ];
    writeFileSync(join(world.dir, 'seed'), tarArchive(members));
    const told = await world.cachelane(['import', join(world.dir, 'seed'), '--as', 'data:data']);
    expect(told).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('warning: not imported: 2 symlinks out of the volume') as unknown,
    });
    expect(await inVolume(world, 'cd data; ls; cat in')).toBe('b\nin\nnew');
    // The imported contents can be exported and imported elsewhere.
    await world.cachelane(['export', 'data', '-o', join(world.dir, 'export')]);
    await world.cachelane(['rm', 'data']);
    expect(await world.cachelane(['import', join(world.dir, 'export'), '--as', 'data:data'])).toMatchObject({
      code: 0,
    });
    world.exec(['sh', '-c', 'mkdir d; ln -s /etc d/out; echo 1 > d/one']);
    const directory = await world.cachelane(['import', join(world.dir, 'd'), '--as', 'other:other']);
    expect(directory.stderr).toContain('not imported: 1 symlink out of the volume');
  });
});
