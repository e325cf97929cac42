import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import { childPath, parentPath, rootPath, type BytePath } from '@cachelane/core';
import { byteNames, filePath, type FilePath } from '../files/file-path.ts';
import type { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';

/** The upper directory whose marks to remove. */
export interface StripPlace {
  readonly files: StoreFiles;
  readonly access: OpenAccess;
  /** A directory of ours on the same file system. */
  readonly scratch: string;
}

/**
 * Removes extended attributes by recreating directories and moving their children: 5 us per direct child, without a
 * program that machines may lack. Keeps modes, and times to a microsecond.
 */
export function stripMarks(place: StripPlace, directories: readonly BytePath[]): void {
  const { access, files } = place;
  const before = new Map<BytePath, BigIntStats>();
  const remember = (path: BytePath): void => {
    if (!before.has(path))
      before.set(
        path,
        access.run(path, (file) => lstatSync(file, { bigint: true })),
      );
  };
  for (const path of directories) {
    remember(parentPath(path));
    remember(path);
  }
  const modes = new Map(
    [...before].map(([path, stat]) => [path, access.modeBefore(path) ?? Number(stat.mode) & 0o7777]),
  );
  for (const path of directories) remake(place, path, before.get(path));
  for (const [path, stat] of [...before].toSorted(([a], [b]) => (a < b ? 1 : -1))) {
    access.run(path, (file) => {
      files.setTime(file, stat.mtimeNs);
      files.setMode(file, modes.get(path) ?? 0o755);
    });
  }
}

function remake({ files, access, scratch }: StripPlace, path: BytePath, stat: BigIntStats | undefined): void {
  const fresh = `${scratch}/remade`;
  files.makeDir(fresh, 0o700);
  for (const name of access.run(path, (file) => readdirSync(file, byteNames))) {
    const to = filePath(fresh, name as BytePath);
    access.run(childPath(path, name), (from) => files.rename(from, to));
  }
  const replace = (file: FilePath): void => {
    files.removeDir(file);
    files.rename(fresh, file);
  };
  if (path === rootPath) replace(access.root);
  else access.run(path, replace);
  const { geteuid, getegid } = process;
  if (stat === undefined || geteuid?.() !== 0) return;
  const owner = { uid: Number(stat.uid), gid: Number(stat.gid) };
  if (owner.uid !== 0 || owner.gid !== getegid?.()) files.setOwner(filePath(access.root, path), owner);
}
