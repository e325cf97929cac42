import { lstatSync, mkdirSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tarArchive, type TarMember } from '@cachelane/testkit';
import type { ArchiveMember } from '../archive/archive-member.ts';
import { readArchive } from '../archive/read-archive.ts';
import { unpackMembers } from '../archive/unpack-members.ts';
import { requireThat, type FuzzTarget, type TargetOptions } from './fuzz-target.fixture.ts';
import { surroundings } from './surroundings.fixture.ts';
import { mendSums, tarPieces } from './tar-pieces.fixture.ts';

type Unpack = typeof unpackMembers;
type Read = readonly Pick<ArchiveMember, 'name' | 'kind' | 'linkName' | 'sizeBytes'>[];

const noAbort = new AbortController().signal;

const long = `${'long/'.repeat(30)}name`;

const archives: readonly (readonly TarMember[])[] = [
  [{ name: 'f', content: 'x' }],
  [{ name: 'out', type: '2', linkName: '../f' }],
  [
    { name: 'd/', type: '5', mode: 0o755 },
    { name: 'd/f', content: 'content' },
    { name: 'l', type: '2', linkName: 'd/f' },
  ],
  [
    { name: './', type: '5' },
    { name: './a/b/c', content: 'x'.repeat(1000), pax: { mtime: '1700000000.123456789' } },
    { name: './a/up', type: '2', linkName: '../a/b' },
    { name: './a/hard', type: '1', linkName: './a/b/c' },
    { name: './a/b/c', content: 'again' },
  ],
  [
    { name: '././@LongLink', type: 'L', content: `${long}\0` },
    { name: long.slice(0, 100), content: 'long' },
    { name: '././@LongLink', type: 'K', content: `${long}\0` },
    { name: 'link', type: '2', linkName: long.slice(0, 100) },
  ],
  [
    { name: 'pax', type: 'g', content: '19 path=everything\n' },
    { name: 'x', content: 'x', pax: { path: long, size: '1', mtime: '-1.5', 'SCHILY.xattr.user.x': 'y' } },
    { name: 'y', type: '2', pax: { linkpath: long } },
  ],
  [
    { name: 'old/', type: '\0' },
    { name: 'old/f', type: '\0', content: 'v7' },
    { name: 'seven', type: '7', content: 'x' },
  ],
];

/** Tests the reader of imported archives, and the unpacking of their members. */
export function archiveTarget({ dir }: Pick<TargetOptions, 'dir'>, unpack: Unpack = unpackMembers): FuzzTarget<Read> {
  const { inside, requireUntouched } = surroundings(dir);
  const [file, out] = [join(inside, 'archive'), join(inside, 'out')];
  mkdirSync(inside);
  const plain = archives.map((members) => tarArchive(members));
  return {
    refusals: ['E_USAGE', 'E_LAYER_REFUSED'],
    // Few are compressed, because most mutations of compressed data are plain damage.
    bases: [...plain, ...plain.slice(2, 3).flatMap((each) => [gzipSync(each), zstdCompressSync(each)])].toSorted(
      (a, b) => a.length - b.length,
    ),
    pieces: tarPieces,
    mend: mendSums,
    async accept(input) {
      writeFileSync(file, input);
      mkdirSync(out);
      const read: Read[number][] = [];
      for await (const { name, kind, linkName, sizeBytes, data } of readArchive(file, noAbort)) {
        let bytes = 0;
        for await (const part of data) bytes += part.length;
        requireThat(bytes === sizeBytes, 'the size of a member differs from its header');
        read.push({ name, kind, linkName, sizeBytes });
      }
      const hardLinks = read.filter(({ kind }) => kind === 'hard link');
      const { entries, elsewhere } = await unpack(readArchive(file, noAbort), { dir: out, root: '', hardLinks });
      requireThat(entries + elsewhere <= read.length, 'the directory has more entries than the archive');
      return read;
    },
    async hold(_, read) {
      await Promise.resolve();
      const root = realpathSync(out);
      const found = readdirSync(out, { recursive: true, encoding: 'buffer' });
      for (const name of found) requireHarmless(root, Buffer.concat([Buffer.from(`${root}/`), name]));
      requireThat(found.length === 0 || read.length > 0, 'an empty archive made a file');
    },
    after() {
      rmSync(out, { recursive: true, force: true });
      requireUntouched();
    },
    close: () => {},
  };
}

function requireHarmless(root: string, path: Buffer): void {
  const stat = lstatSync(path);
  requireThat(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink(), 'a special file was created');
  requireThat((stat.mode & 0o6000) === 0, 'a file has setuid or setgid bits');
  if (!stat.isSymbolicLink()) return;
  const target = readlinkSync(path, 'latin1');
  const to = resolve(dirname(path.toString('latin1')), target);
  requireThat(!target.startsWith('/') && (to === root || to.startsWith(`${root}/`)), 'a symlink leads out');
}
