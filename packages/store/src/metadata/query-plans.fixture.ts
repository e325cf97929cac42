import { DatabaseSync } from 'node:sqlite';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

/** Returns the steps in which SQLite would scan a whole table or index for these statements. */
export function scansOf(file: string, statements: ReadonlySet<string>): readonly string[] {
  using raw = new DatabaseSync(file);
  return [...statements].flatMap((text) => {
    const steps = raw
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    return steps.filter((step) => /^SCAN \w/.test(step) && !isSmall(step, text)).map((step) => `${step}: ${text}`);
  });
}

/** Returns whether the scan is over the query's own list or a small table. */
function isSmall(step: string, text: string): boolean {
  if (step.includes(' VIRTUAL TABLE ')) return true;
  const [, name = ''] = /^SCAN (\w+)/.exec(step) ?? [];
  const [, table = name] = new RegExp(`\\b(?:FROM|JOIN) (\\w+) (?:AS )?${name}\\b`).exec(text) ?? [];
  return ['asked', 'sessions', 'session_volumes', 'policies', 'lane_policies', 'loose_layers'].includes(table);
}

export function listeningTo(sql: Sql, statements: Set<string>): Sql {
  return {
    get: (text, ...parameters) => sql.get(statements.add(text) && text, ...parameters),
    all: (text, ...parameters) => sql.all(statements.add(text) && text, ...parameters),
    run: (text, ...parameters) => {
      sql.run(statements.add(text) && text, ...parameters);
    },
  };
}

/** Returns the database, with all its statements added to `statements`. */
export function overheard(database: SqliteDatabase, statements: Set<string>): SqliteDatabase {
  return {
    ...database,
    read: async (signal, body) => await database.read(signal, (sql) => body(listeningTo(sql, statements))),
    write: async (durability, signal, body) =>
      await database.write(durability, signal, (sql) => body(listeningTo(sql, statements))),
  };
}
