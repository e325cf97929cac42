import { parentPath, type MergeDriver } from '@cachelane/core';
import { readMessagePack } from '../drivers/message-pack.ts';
import { filesOfPackage, pnpmContentPath, type PackageFile } from './pnpm-content.ts';
import { sqliteRowsDriver } from '../drivers/sqlite-rows.ts';
import type { SqliteRow } from '../drivers/sqlite-file.ts';

const packages = {
  name: 'package_index',
  columns: ['key', 'data'],
  sql: 'CREATE TABLE package_index (key TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID',
} as const;

/** pnpm 12: maps another digest of a package's tarball to the package. */
const aliases = {
  name: 'package_index_alias',
  columns: ['key', 'target'],
  sql: 'CREATE TABLE package_index_alias (key TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID',
} as const;

/**
 * `index.db` of pnpm's store v11: the file list of each package. A list grows when build scripts add files on a platform. pnpm assumes that
 * the files of a row exist, so a row without them is worse than none.
 */
export const pnpmIndexDriver: MergeDriver = sqliteRowsDriver({
  tables: [packages, aliases],
  close(rows, path, has) {
    const store = parentPath(path);
    const gone = new Set<string>();
    for (const row of rows) {
      const files = row.table === packages.name ? filesOf(row) : null;
      if (files !== null && !files.every((file) => has(pnpmContentPath(store, file)))) gone.add(row.key);
    }
    // An alias of a missing row is harmless.
    return rows.filter(({ table, key, value }) => !gone.has(table === packages.name ? key : String(value)));
  },
});

/** Returns null for an unreadable row. */
export function filesOf({ value }: Pick<SqliteRow, 'value'>): readonly PackageFile[] | null {
  try {
    return typeof value === 'string' ? null : filesOfPackage(readMessagePack(value), toFile);
  } catch {
    return null;
  }
}

function toFile(value: unknown): PackageFile {
  const { digest, mode } = Object(value) as { readonly digest?: unknown; readonly mode?: unknown };
  if (typeof digest !== 'string' || typeof mode !== 'number') throw new Error('not a file description');
  return { digest, mode };
}
