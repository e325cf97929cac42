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

/** pnpm 12: a package under another digest of its tarball. */
const aliases = {
  name: 'package_index_alias',
  columns: ['key', 'target'],
  sql: 'CREATE TABLE package_index_alias (key TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID',
} as const;

/**
 * `index.db` of pnpm's store v11: for each package the list of its files, which grows by what build scripts made of it on
 * some platform. pnpm takes a package with a row for a package that is there, so a row without its files is worse than none.
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
    // An alias for a row of another layer is left: pnpm looks the row up and finds none.
    return rows.filter(({ table, key, value }) => !gone.has(table === packages.name ? key : String(value)));
  },
});

/** Null for a row that cannot be read: nobody knows what it needs. */
export function filesOf({ value }: Pick<SqliteRow, 'value'>): readonly PackageFile[] | null {
  try {
    return typeof value === 'string' ? null : filesOfPackage(readMessagePack(value), toFile);
  } catch {
    return null;
  }
}

function toFile(value: unknown): PackageFile {
  const { digest, mode } = Object(value) as { readonly digest?: unknown; readonly mode?: unknown };
  if (typeof digest !== 'string' || typeof mode !== 'number') throw new Error('not the description of a file');
  return { digest, mode };
}
