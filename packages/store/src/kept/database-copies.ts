import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { limits, type BytePath, type Change } from '@cachelane/core';
import { filePath } from '../files/file-path.ts';
import type { OpenAccess } from '../files/open-access.ts';
import { readFirst } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';

const magic = 'SQLite format 3\0';

export function isDatabase(access: OpenAccess, change: Change): boolean {
  if (change.kind !== 'file' || change.sizeBytes < magic.length) return false;
  const head = access.run(change.path, (file) => readFirst(file, magic.length));
  return Buffer.from(head).toString('latin1') === magic;
}

export interface CopyPlace {
  readonly files: StoreFiles;
  /** A fresh directory. */
  readonly dir: string;
  readonly isNeverSaved: (path: BytePath, isDirectory: boolean) => boolean;
}

/**
 * Copies databases, each in one transaction, while other processes write to them. Only databases whose log is never
 * saved need copies. Skips databases that stay locked, are damaged, or are larger than a merge driver reads.
 */
export function copyDatabases(
  access: OpenAccess,
  changes: readonly Change[],
  { files, dir, isNeverSaved }: CopyPlace,
): ReadonlyMap<BytePath, string> {
  rmSync(dir, { recursive: true, force: true });
  const copies = new Map<BytePath, string>();
  for (const change of changes) {
    if (change.kind !== 'file' || change.sizeBytes > limits.mergedFileBytes || !isDatabase(access, change)) continue;
    if (!['-wal', '-shm'].every((end) => isNeverSaved(`${change.path}${end}` as BytePath, false))) continue;
    if (copies.size === 0) files.makeDir(dir, 0o700);
    const copy = `${dir}/${copies.size}`;
    if (copyDatabase(filePath(access.root, change.path), copy)) copies.set(change.path, copy);
  }
  return copies;
}

const busyMs = 2000;

function copyDatabase(from: string | Buffer, to: string): boolean {
  try {
    using database = new DatabaseSync(from, { readOnly: true, timeout: busyMs });
    database.prepare('VACUUM INTO ?').run(to);
    return true;
  } catch {
    rmSync(to, { force: true });
    return false;
  }
}
