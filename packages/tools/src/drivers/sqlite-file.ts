import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { toText } from './text.ts';

export interface SqliteTable {
  readonly name: string;
  /** The first is the key. Empty for a table that must exist but whose rows are not merged. */
  readonly columns: readonly string[];
  /** The statement with which the tool creates the table. */
  readonly sql: string;
  /** Statements of its indexes, by name. */
  readonly indexes?: Readonly<Record<string, string>>;
  /** Whether the table must have exactly this statement, since the tool depends on more than the columns. */
  readonly isExact?: true;
}

export interface SqliteRow {
  readonly table: string;
  readonly key: string;
  /** With several columns besides the key: the JSON text of their values in column order. */
  readonly value: string | Uint8Array;
}

/** `foreign` means that the tables differ or the file is no database. */
export type SqliteContent =
  | { readonly kind: 'rows'; readonly rows: readonly SqliteRow[] }
  | { readonly kind: 'foreign' | 'damaged' };

// Offsets in the header of a database (sqlite.org/fileformat2.html, 1.3).
const magic = 'SQLite format 3\0';
const header = {
  bytes: 100,
  writeVersion: 18,
  readVersion: 19,
  changes: 24,
  validFor: 92,
  libraryVersion: 96,
} as const;

const journalMode = { rollback: 1, wal: 2 } as const;

/** Loads SQLite on first use, since most runs never need it. */
function openMemory(): DatabaseSync {
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite');
  // Added rows may refer to rows of other versions.
  return new Database(':memory:', { allowExtension: false, enableForeignKeyConstraints: false });
}

/**
 * Reads the rows of a database file in memory, without its log. An empty file is a database without tables. Inconsistent pages show that
 * its writer died while it wrote the log back.
 */
export function readSqlite(content: Uint8Array, tables: readonly SqliteTable[]): SqliteContent {
  if (content.length === 0) return { kind: 'rows', rows: [] };
  if (toText(content.subarray(0, magic.length)) !== magic || content.length < header.bytes) return { kind: 'foreign' };
  const image = Uint8Array.from(content);
  // SQLite refuses to open an in-memory database whose header says it has a log.
  image[header.writeVersion] = image[header.readVersion] = journalMode.rollback;
  using db = openMemory();
  try {
    db.deserialize(image);
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    const check = db.prepare('PRAGMA quick_check(1)').get();
    if (check === undefined || !Object.values(check).includes('ok')) return { kind: 'damaged' };
    const made = schemaOf(db);
    const found = tables.filter(({ name }) => made.get(name)?.type === 'table');
    const known = new Set(found.flatMap(({ name, indexes = {} }) => [name, ...Object.keys(indexes)]));
    if (![...made.keys()].every((name) => known.has(name))) return { kind: 'foreign' };
    if (!found.every((table) => isAsDeclared(db, table, made.get(table.name)?.sql))) return { kind: 'foreign' };
    const rows = found.flatMap((table) => readTable(db, table));
    return rows.every((row) => row !== null) ? { kind: 'rows', rows } : { kind: 'foreign' };
  } catch {
    return { kind: 'damaged' };
  }
}

interface SchemaEntry {
  readonly type: unknown;
  readonly sql: string;
}

/** Returns the schema without SQLite's own entries: statistics, and indexes that belong to a table's definition. */
function schemaOf(db: DatabaseSync): ReadonlyMap<string, SchemaEntry> {
  const select = "SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
  const rows = db.prepare(select).all();
  return new Map(rows.map(({ name, type, sql }) => [String(name), { type, sql: String(sql) }]));
}

function isAsDeclared(db: DatabaseSync, { name, columns, sql, isExact }: SqliteTable, made = ''): boolean {
  if (isExact === true) return withoutSpace(made) === withoutSpace(sql);
  const found = db.prepare('SELECT name FROM pragma_table_xinfo(?)').all(name);
  return found.length === columns.length && found.every((column, index) => column['name'] === columns[index]);
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function readTable(db: DatabaseSync, { name, columns }: SqliteTable): readonly (SqliteRow | null)[] {
  if (columns.length === 0) return [];
  return db
    .prepare(`SELECT ${columns.map((column) => `"${column}"`).join()} FROM "${name}"`)
    .all()
    .map((row) => {
      const [key, ...values] = columns.map((column) => row[column]);
      const value = values.length > 1 ? packed(values) : values[0];
      const isRow = typeof key === 'string' && (typeof value === 'string' || value instanceof Uint8Array);
      return isRow ? { table: name, key, value } : null;
    });
}

/** Returns null for values that JSON cannot represent. */
function packed(values: readonly unknown[]): string | null {
  const isPlain = values.every((value) => value === null || typeof value === 'string' || Number.isSafeInteger(value));
  return isPlain ? JSON.stringify(values) : null;
}

function unpacked(value: SqliteRow['value'], columns: readonly string[]): readonly SQLInputValue[] {
  return columns.length > 2 && typeof value === 'string' ? (JSON.parse(value) as SQLInputValue[]) : [value];
}

/**
 * Returns a database file with these rows and all tables; empty without rows. The same order of rows gives the same bytes. The header says
 * that it has a log, as the tools that keep one write it.
 */
export function writeSqlite(rows: readonly SqliteRow[], tables: readonly SqliteTable[]): Uint8Array {
  if (rows.length === 0) return new Uint8Array();
  using db = openMemory();
  db.exec('PRAGMA page_size = 4096; BEGIN');
  for (const { name, columns, sql, indexes = {} } of tables) {
    for (const statement of [sql, ...Object.values(indexes)]) db.exec(statement);
    if (columns.length === 0) continue;
    const insert = db.prepare(`INSERT INTO "${name}" VALUES (${columns.map(() => '?').join()})`);
    for (const { table, key, value } of rows) if (table === name) insert.run(key, ...unpacked(value, columns));
  }
  db.exec('COMMIT');
  const image = db.serialize();
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  image[header.writeVersion] = image[header.readVersion] = journalMode.wal;
  // Counters and the SQLite version would make equal rows differ in bytes.
  view.setUint32(header.changes, 1);
  view.setUint32(header.validFor, 1);
  view.setUint32(header.libraryVersion, 3_040_000);
  return image;
}
