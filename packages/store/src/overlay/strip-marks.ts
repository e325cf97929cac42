import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import { childPath, parentPath, rootPath, type BytePath } from '@cachelane/core';
import { byteNames, filePath, type FilePath } from '../files/file-path.ts';
import type { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';

/** How to take marks off the directories of one upper directory. */
export interface StripPlace {
  readonly files: StoreFiles;
  readonly access: OpenAccess;
  /** A directory of our own on the same file system. */
  readonly scratch: string;
}

/**
 * Makes directories anew, without their extended attributes, and moves what is in them over: 5 us for each direct child,
 * and no program is needed that machines may lack. Modes are what they were, times to a microsecond.
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
