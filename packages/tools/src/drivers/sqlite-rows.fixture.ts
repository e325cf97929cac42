import { DatabaseSync } from 'node:sqlite';

/** `[key, value]`. */
export type Pair = readonly [string, string | Uint8Array];

/** Returns a database as the tool may leave it, with pages, statistics and row order of its own. */
export function database(
  tables: Readonly<Record<string, readonly Pair[]>>,
  sql: Readonly<Record<string, string>>,
): Uint8Array {
  using db = new DatabaseSync(':memory:');
  for (const [table, pairs] of Object.entries(tables)) {
    db.exec(sql[table] ?? '');
    if (pairs.length === 0) continue;
    const insert = db.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?)`);
    for (const [key, value] of pairs) insert.run(key, value);
  }
  const image = db.serialize();
  image[18] = image[19] = 2;
  return image;
}
