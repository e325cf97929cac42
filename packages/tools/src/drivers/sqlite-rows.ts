import type { BytePath, MergeDriver, Version } from '@cachelane/core';
import { linesDriver, type LineFormat } from './lines.ts';
import { isOversize } from './pick.ts';
import { readSqlite, writeSqlite, type SqliteRow, type SqliteTable } from './sqlite-file.ts';
import { toBytes } from './text.ts';

/** A database in which a tool only adds rows or extends them. */
export interface SqliteFormat {
  /** In the order in which they are written. */
  readonly tables: readonly SqliteTable[];
  /** Removes rows whose content is missing. `has` returns whether the view contains a path; `path` is the database's own. */
  close(rows: readonly SqliteRow[], path: BytePath, has: (path: BytePath) => boolean): readonly SqliteRow[];
  /** By table, where the longer row is not the better one. */
  readonly orders?: Readonly<Record<string, RowOrder>>;
}

/** Which of two rows with one key wins. */
export interface RowOrder {
  /** Positive if the first wins. On 0, the greater bytes win. */
  compare(a: SqliteRow, b: SqliteRow): number;
  /** Whether a replacing row is worth storing. Must be false for a row that loses in a view of both. */
  isNews(before: SqliteRow, mine: SqliteRow): boolean;
}

const byLength: RowOrder = {
  compare: (a, b) => bytesOf(a).length - bytesOf(b).length,
  isNews: (before, mine) => mine.value.length > before.value.length,
};

/**
 * Class Q: a run stores a database with the rows that it added; a view is the union. Of two rows with one key the longer wins, unless the
 * format defines an order. Equally long rows mean the same (a time may differ), and the greater bytes win.
 * Rows that exist only in the database's log are missing; the tool creates them again.
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
    // Inconsistent pages: nothing of it may be stored.
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
