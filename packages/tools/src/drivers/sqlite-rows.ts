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
  /** By table, where another row than the longer one says more. */
  readonly orders?: Readonly<Record<string, RowOrder>>;
}

/** Which of two rows for one key stands. */
export interface RowOrder {
  /** Above zero where the first stands; of rows that it holds for equal the greater bytes do. */
  compare(a: SqliteRow, b: SqliteRow): number;
  /** Whether a row in place of another one is worth storing; never where it does not stand in a view of both. */
  isNews(before: SqliteRow, mine: SqliteRow): boolean;
}

const byLength: RowOrder = {
  compare: (a, b) => bytesOf(a).length - bytesOf(b).length,
  isNews: (before, mine) => mine.value.length > before.value.length,
};

/**
 * Class Q: what a run stores is a database with the rows that it added, a view is the union. Of two rows for one key the
 * longer one says more, unless the format has an order for their table; equally long ones say the same (a time may differ), and
 * the greater bytes stand for both. What the database's log alone holds is not looked at: its rows are missing, and the tool makes them again.
 */
export function sqliteRowsDriver({ tables, ...names }: SqliteFormat): MergeDriver {
  const order = new Map(tables.map(({ name }, index) => [name, index]));
  const byPlace = (a: SqliteRow, b: SqliteRow): number =>
    Number(order.get(a.table)) - Number(order.get(b.table)) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

  const orderOf = ({ table }: SqliteRow): RowOrder => names.orders?.[table] ?? byLength;
  const stands = (a: SqliteRow, b: SqliteRow): boolean =>
    (orderOf(a).compare(a, b) || Buffer.compare(bytesOf(a), bytesOf(b))) > 0;

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
        if (known === undefined || stands(row, known)) byName.set(nameOf(row), row);
      }
      return [...byName.values()].toSorted(byPlace);
    },
    added(pinned, mine) {
      const known = new Map(pinned.map((row) => [nameOf(row), row]));
      return mine.filter((row) => {
        const before = known.get(nameOf(row));
        return before === undefined || orderOf(row).isNews(before, row);
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

function bytesOf({ value }: SqliteRow): Uint8Array {
  return typeof value === 'string' ? toBytes(value) : value;
}
