import { hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';
import { childPath, rootPath, type BytePath } from '@cachelane/core';
import { byteNames, filePath } from '../files/file-path.ts';
import { readMarks } from '../files/markers.ts';

/** Everything visible about one path of a tree. */
export interface Listed {
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'whiteout' | 'special';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: string;
  /** For files and symlinks. */
  readonly sizeBytes: number | null;
  /** SHA-256 of the content or target. */
  readonly digest: string | null;
  /** Overlay marks, for directories. */
  readonly marks: readonly string[];
}

/** Returns the listing in byte order of the paths, without the root. */
export function listTree(root: string): readonly Listed[] {
  const seen: Listed[] = [];
  const pending: BytePath[] = [rootPath];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const name of readdirSync(filePath(root, directory), byteNames)) {
      const listed = look(root, childPath(directory, name));
      seen.push(listed);
      if (listed.kind === 'dir') pending.push(listed.path as BytePath);
    }
  }
  const directories = seen.filter(({ kind }) => kind === 'dir');
  const marks = readMarks(
    root,
    directories.map(({ path }) => path as BytePath),
  );
  const marksOf = new Map(directories.map(({ path }, i) => [path, [...(marks[i] ?? [])].toSorted()]));
  return seen
    .map((each) => ({ ...each, marks: marksOf.get(each.path) ?? [] }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function look(root: string, path: BytePath): Listed {
  const file = filePath(root, path);
  const stat = lstatSync(file, { bigint: true });
  const kind = kindOf(stat);
  const content = kind === 'file' ? readFileSync(file) : kind === 'symlink' ? readlinkSync(file, 'buffer') : null;
  return {
    path,
    kind,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: String(stat.mtimeNs),
    sizeBytes: content === null ? null : Number(stat.size),
    digest: content === null ? null : hash('sha256', content, 'hex'),
    marks: [],
  };
}

function kindOf(stat: BigIntStats): Listed['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isCharacterDevice() && stat.rdev === 0n ? 'whiteout' : 'special';
}

if (import.meta.main) process.stdout.write(JSON.stringify(process.argv.slice(2).map(listTree)));
