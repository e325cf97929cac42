import type { BytePath, MergeDriver, Version } from '@cachelane/core';
import { linesDriver, type LineFormat } from './lines.ts';
import { isOversize } from './pick.ts';
import { readSqlite, writeSqlite, type SqliteRow, type SqliteTable } from './sqlite-file.ts';
import { toBytes } from './text.ts';

/** A database that a tool only ever adds rows to, or makes them say more. */
export interface SqliteFormat {
  /** In the order in which they are written. */
  readonly tables: readonly SqliteTable[];
  /**
   * Rows that are left once those are gone whose content is; `has` tells what the view holds, `path` is the database's own.
   */
  close(rows: readonly SqliteRow[], path: BytePath, has: (path: BytePath) => boolean): readonly SqliteRow[];
  /** Whether a row says something new though it is no longer than the one that was there. */
  isRenewed?(before: SqliteRow, mine: SqliteRow): boolean;
}

/**
 * Class Q: what a run stores is a database with the rows that it added, a view is the union. Of two rows for one key the
 * longer one says more; equally long ones say the same (a time may differ), and the greater bytes stand for both. What the
 * database's log alone holds is not looked at: its rows are missing, and the tool makes them again.
 */
export function sqliteRowsDriver({ tables, ...names }: SqliteFormat): MergeDriver {
  const order = new Map(tables.map(({ name }, index) => [name, index]));
  const byPlace = (a: SqliteRow, b: SqliteRow): number =>
    Number(order.get(a.table)) - Number(order.get(b.table)) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

  const format: LineFormat<SqliteRow> = {
    name: 'rows',
    parse(content) {
      const read = readSqlite(content, tables);
      return read.kind === 'rows' ? read.rows : null;
    },
    write: (rows) => writeSqlite(rows, tables),
    unite(rows) {
      const byName = new Map<string, SqliteRow>();
      for (const row of rows) {
        const known = byName.get(nameOf(row));
        if (known === undefined || saysMore(row, known)) byName.set(nameOf(row), row);
      }
      return [...byName.values()].toSorted(byPlace);
    },
    added(pinned, mine) {
      const known = new Map(pinned.map((row) => [nameOf(row), row]));
      return mine.filter((row) => {
        const before = known.get(nameOf(row));
        return (
          before === undefined || row.value.length > before.value.length || names.isRenewed?.(before, row) === true
        );
      });
    },
    clamp: (row) => row,
    contents: () => null,
  };

  const read = (version: Version): ReturnType<typeof readSqlite> =>
    isOversize(version) ? { kind: 'foreign' } : readSqlite(version.content(), tables);

  return {
    ...linesDriver(format),
    // Its pages do not fit each other: nothing of it may be stored.
    clean: (mine) => (read(mine).kind === 'damaged' ? new Uint8Array() : null),
    close(version, path, has) {
      const found = read(version);
      if (found.kind !== 'rows') return null;
      const left = names.close(found.rows, path, has);
      return left.length === found.rows.length ? null : format.write(left.toSorted(byPlace));
    },
  };
}

function nameOf({ table, key }: SqliteRow): string {
  return `${table}\0${key}`;
}

function saysMore(a: SqliteRow, b: SqliteRow): boolean {
  const [mine, other] = [bytesOf(a), bytesOf(b)];
  return mine.length === other.length ? Buffer.compare(mine, other) > 0 : mine.length > other.length;
}

function bytesOf({ value }: SqliteRow): Uint8Array {
  return typeof value === 'string' ? toBytes(value) : value;
}
