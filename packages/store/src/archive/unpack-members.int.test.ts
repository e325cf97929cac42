import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TarMember } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { archivePlace, noAbort, type ArchivePlace } from './archive.fixture.ts';
import { readDirectory } from './read-directory.ts';
import { unpackMembers } from './unpack-members.ts';

const list = (place: ArchivePlace): readonly string[] =>
  (readdirSync(place.out, { recursive: true }) as string[]).toSorted();
const dir = (name: string): TarMember => ({ name, type: '5', mode: 0o755 });
const link = (name: string, linkName: string): TarMember => ({ name, type: '2', linkName });
const hard = (name: string, linkName: string): TarMember => ({ name, type: '1', linkName });
const file = (name: string, content = name): TarMember => ({ name, content });

describe('the members below the root of an archive', () => {
  test.each(['../../.npm', '/home/ann/.npm', 'a/b', '..', '/'])('come into the volume: %s', async (root) => {
    using place = archivePlace();
    const at = root === '/' ? '' : root;
    const members = [
      dir(`${root}/`),
      file(`${at}/x`, '1'),
      dir(`${at}/./d/`),
      file(`${at}/d//y`, '2'),
      file('elsewhere/z'),
    ];
    expect(await place.unpack(place.write(members), root)).toEqual({ entries: 3, elsewhere: 1, linksLeftOut: 0 });
    expect(list(place)).toEqual(['d', 'd/y', 'x']);
    expect(readFileSync(join(place.out, 'd/y'), 'utf8')).toBe('2');
  });

  test('have their times, and the mode bits that a volume keeps', async () => {
    using place = archivePlace();
    const members = [
      { ...dir('d'), mode: 0o4500, mtime: 1_000_000 },
      { ...file('d/x'), mode: 0o6751, mtime: 5, pax: { mtime: '1000000000.123456789' } },
      { ...file('d/secretive'), mode: 0 },
    ];
    await place.unpack(place.write(members));
    const mode = (name: string): number => statSync(join(place.out, name)).mode & 0o7777;
    expect([mode('d'), mode('d/x'), mode('d/secretive')]).toEqual([0o500, 0o751, 0o400]);
    expect(statSync(join(place.out, 'd')).mtimeMs).toBe(1_000_000_000);
    const { mtimeNs } = statSync(join(place.out, 'd/x'), { bigint: true });
    expect(Math.abs(Number(mtimeNs - 1_000_000_000_123_456_789n))).toBeLessThan(1000);
  });

  test('the last of several entries with one name stays', async () => {
    using place = archivePlace();
    const members = [
      file('a', '1'),
      file('a', '2'),
      link('b', 'a'),
      file('b', '3'),
      file('c'),
      link('c', 'a'),
      dir('d'),
      dir('d'),
    ];
    await place.unpack(place.write(members));
    expect(readFileSync(join(place.out, 'a'), 'utf8')).toBe('2');
    expect(lstatSync(join(place.out, 'b')).isFile()).toBe(true);
    expect(readlinkSync(join(place.out, 'c'))).toBe('a');
  });

  test('replacing one name of a hard link leaves the other', async () => {
    using place = archivePlace();
    const members = [
      file('r/a', '1'),
      hard('r/b', 'r/a'),
      hard('r/d/c', './r//a'),
      hard('r/a', 'r/a'),
      file('r/a', '2'),
      link('r/l', 'a'),
      hard('r/m', 'r/l'),
    ];
    await place.unpack(place.write(members), 'r');
    expect(['a', 'b', 'd/c'].map((name) => readFileSync(join(place.out, name), 'utf8'))).toEqual(['2', '1', '1']);
    expect(statSync(join(place.out, 'b')).nlink).toBe(2);
    expect(readlinkSync(join(place.out, 'm'))).toBe('a');
  });

  test('a hard link to a file elsewhere in the archive becomes that file', async () => {
    using place = archivePlace();
    const members = [
      file('store/x', '1'),
      hard('store/y', 'store/x'),
      file('store/unused'),
      hard('r/a', 'store/y'),
      hard('r/b', 'store/x'),
    ];
    expect(await place.unpack(place.write(members), 'r')).toMatchObject({ entries: 2, elsewhere: 3 });
    expect(list(place)).toEqual(['a', 'b']);
    expect(readFileSync(join(place.out, 'a'), 'utf8')).toBe('1');
  });

  test('symlinks that lead out are skipped and counted, and others are kept', async () => {
    using place = archivePlace();
    const members = [
      link('out', '/etc'),
      link('up', '..'),
      link('d/up', '../../x'),
      link('d/in', '../x'),
      link('sly', 'd/../..'),
      link('gone', 'nowhere'),
    ];
    expect(await place.unpack(place.write(members))).toEqual({ entries: 6, elsewhere: 0, linksLeftOut: 4 });
    expect(list(place)).toEqual(['d', 'd/in', 'gone']);
  });
});

describe('a member that a volume cannot hold', () => {
  test.each<readonly [string, readonly TarMember[], string]>([
    ['a name that leads up', [file('r/d/../../../evil')], 'r/d/../../../evil leads out of its directory'],
    ['a file through a symlink', [link('r/d', '/tmp'), file('r/d/evil')], 'd is a directory and something else'],
    ['a directory through a symlink', [link('r/d', '/tmp'), dir('r/d/evil')], 'd is a directory and something else'],
    ['a directory in place of a symlink', [link('r/d', '/tmp'), dir('r/d')], 'd is a directory and something else'],
    ['a symlink in place of a directory', [dir('r/d'), link('r/d', '/tmp')], 'd is a directory and something else'],
    [
      'a symlink in place of a directory with contents',
      [file('r/d/x'), link('r/d', 'e')],
      'd is a directory and something else',
    ],
    [
      'a hard link through a symlink',
      [file('r/x'), link('r/d', '/tmp'), hard('r/d/evil', 'r/x')],
      'd is a directory and something else',
    ],
    [
      'a hard link to a path through a symlink',
      [link('r/d', '/etc'), hard('r/x', 'r/d/passwd')],
      'which no earlier member has',
    ],
    ['a hard link to a file of the machine', [hard('r/x', '/etc/passwd')], 'is a hard link to /etc/passwd, which no'],
    ['a hard link that leads up', [file('r/x'), hard('r/y', 'r/d/../../x')], 'leads out of its directory'],
    ['a hard link to a directory', [dir('r/d'), hard('r/x', 'r/d')], 'which no earlier member has'],
    ['a file in place of a directory', [file('r/d/x'), file('r/d')], 'd is a directory and something else'],
    ['a directory in place of a file', [file('r/d'), dir('r/d')], 'd is a directory and something else'],
    ['something below a file', [file('r/d'), file('r/d/x')], 'd/x is a directory and something else'],
    ['a device', [{ name: 'r/sda', type: '4' }], 'r/sda is a device'],
    ['a fifo', [{ name: 'r/p', type: '6' }], 'r/p is a fifo'],
    ['an unknown type', [{ name: 'r/p', type: 'Z' }], 'r/p is an entry of the unknown type "Z"'],
    ['a root that is not a directory', [file('r')], 'r is a file, not a directory'],
    [
      'a time out of range',
      [{ ...file('r/x'), pax: { mtime: '99999999999' } }],
      'x has a time that no file system can store',
    ],
    ['a symlink to nothing', [link('r/x', '')], 'x is a symlink with an invalid target'],
    ['a long name', [{ ...file('r/x'), pax: { path: `r/${'n'.repeat(300)}` } }], 'a name over 255 bytes'],
    ['a long path', [{ ...file('r/x'), pax: { path: `r/${'n/'.repeat(3000)}x` } }], 'longer than 4096 bytes'],
  ])('%s is refused', async (_, members, why) => {
    using place = archivePlace();
    await expect(place.unpack(place.write(members), 'r')).rejects.toMatchObject({
      code: 'E_LAYER_REFUSED',
      message: expect.stringContaining(why) as unknown,
    });
    expect(existsSync(join(place.dir, 'evil'))).toBe(false);
  });
});

test('a directory gives the same result as an archive of it', async () => {
  using place = archivePlace();
  place.sh(`mkdir -p in/d out; echo 1 > in/d/x; ln in/d/x in/y; ln -s d/x in/l; ln -s ../.. in/up; touch -d @5 in/d`);
  const members = readDirectory(join(place.dir, 'in'), noAbort);
  expect(await unpackMembers(members, { dir: place.out, root: '', hardLinks: [] })).toEqual({
    entries: 5,
    elsewhere: 0,
    linksLeftOut: 1,
  });
  expect(list(place)).toEqual(['d', 'd/x', 'l', 'y']);
  expect(statSync(join(place.out, 'y')).nlink).toBe(2);
  expect(statSync(join(place.out, 'd')).mtimeMs).toBe(5000);
  for (const [make, what] of [
    ['mkfifo in/p', 'p is a fifo'],
    ['python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'in/p\')"', 'p is a socket'],
  ] as const) {
    place.sh(`rm -rf out in/p; mkdir out; ${make}`);
    const again = unpackMembers(readDirectory(join(place.dir, 'in'), noAbort), {
      dir: place.out,
      root: '',
      hardLinks: [],
    });
    await expect(again).rejects.toMatchObject({
      code: 'E_LAYER_REFUSED',
      message: expect.stringContaining(what) as unknown,
    });
  }
});
