import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CachelaneError, limits, type Clock, type Random } from '@cachelane/core';
import { applicationId, currentVersion, migrations } from './schema.ts';
import { corruptStore, fromSqlite, isSqliteBusy } from './sqlite-errors.ts';

export interface SqliteOptions {
  /** Absolute; its directory must exist. Made where it is missing. */
  readonly file: string;
  /** For waits, and their jitter. */
  readonly clock: Clock;
  readonly random: Random;
  /** How long to wait for other processes' transactions. */
  readonly busyMs?: number;
}

/** `durable` is on the disk when the call returns; `fast` outlives the process in any case, and the machine's power soon. */
type Durability = 'durable' | 'fast';

/** Runs SQL inside the transaction that its caller opened; statements are prepared once, when they are first used. */
export interface Sql {
  get<Row>(text: string, ...parameters: readonly SQLInputValue[]): Row | undefined;
  all<Row>(text: string, ...parameters: readonly SQLInputValue[]): readonly Row[];
  run(text: string, ...parameters: readonly SQLInputValue[]): void;
}

/**
 * Transactions over one connection. A body runs from BEGIN to COMMIT without giving way, so methods of one process do
 * not interleave either. It may run again after a lost race for the file and must not keep state of its own.
 */
export interface SqliteDatabase {
  readonly file: string;
  read<T>(signal: AbortSignal, body: (sql: Sql) => T): Promise<T>;
  write<T>(durability: Durability, signal: AbortSignal, body: (sql: Sql) => T): Promise<T>;
  close(): void;
}

const pauseMaxMs = 25;
/** 1 MB: whoever opens the store first reads the log once, and a copy into the database is due every 20 commands or so. */
const logPages = 250;

export function checkAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted(signal.reason);
}

function aborted(cause: unknown): CachelaneError {
  return new CachelaneError('E_ABORTED', 'stopped before it was done', { cause });
}

/** Opens the file, makes or updates its tables. Errors: those of the `Metadata` port, and E_HOME_UNUSABLE. */
export async function openSqliteDatabase(options: SqliteOptions, signal: AbortSignal): Promise<SqliteDatabase> {
  const whenFree = waiting(options);
  const { connection, sql } = await whenFree(signal, () => connect(options.file));
  const requireSame = sameFile(options.file);
  let synchronous: Durability | undefined;

  // SQLite refuses to change this inside a transaction.
  const setDurability = (wanted: Durability): void => {
    if (wanted === synchronous) return;
    connection.exec(`PRAGMA synchronous = ${wanted === 'durable' ? 'FULL' : 'NORMAL'}`);
    synchronous = wanted;
  };

  const transact = <T>(begin: string, body: (sql: Sql) => T): T => {
    requireSame();
    connection.exec(begin);
    try {
      // A newer command may have changed the tables while this process had them open.
      checkVersion(options.file, versionOf(sql));
      const result = body(sql);
      connection.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (connection.isTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  };

  return {
    file: options.file,
    read: (signal, body) => whenFree(signal, () => transact('BEGIN', body)),
    write: (durability, signal, body) =>
      whenFree(signal, () => {
        setDurability(durability);
        return transact('BEGIN IMMEDIATE', body);
      }),
    close: () => {
      if (connection.isOpen) closeKeepingLog(connection, options.file);
    },
  };
}

/** What is written to a file that was removed is gone when the last process closes it, and nobody else sees it before. Errors: E_HOME_UNUSABLE. */
function sameFile(file: string): () => void {
  const identity = (): string | null => {
    const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
    return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
  };
  const opened = identity();
  return () => {
    // A database in memory has no file.
    if (opened === null) return;
    const now = identity();
    if (now === opened) return;
    const what = now === null ? 'was removed' : 'was replaced by another one';
    throw new CachelaneError('E_HOME_UNUSABLE', `${file} ${what} while it was in use, and the store with it`, {
      hint: 'start again: a store is made where there is none',
    });
  };
}

/**
 * Repeats an attempt while other processes are in the way, for `busyMs` in total. The waits are our own instead of
 * SQLite's `busy_timeout`: that one blocks the whole process (signals, aborts), and the switch to the write-ahead log
 * and a recovery that another process is doing ignore it. The jitter keeps a crowd from coming back in step.
 */
function waiting({ file, clock, random, busyMs = limits.storeBusyMs }: SqliteOptions) {
  return async <T>(signal: AbortSignal, attempt: () => T): Promise<T> => {
    let waitedMs = 0;
    for (let round = 0; ; round++) {
      checkAborted(signal);
      try {
        return attempt();
      } catch (error) {
        if (!isSqliteBusy(error) || waitedMs >= busyMs) throw fromSqlite(error, file);
      }
      const longest = Math.min(pauseMaxMs, 2 ** round);
      const pauseMs = 1 + Math.floor((longest * (random.bytes(1)[0] ?? 0)) / 256);
      waitedMs += pauseMs;
      await pause(clock, pauseMs, signal);
    }
  };
}

async function pause(clock: Clock, pauseMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(pauseMs, signal);
  } catch (error) {
    throw signal.aborted ? aborted(error) : error;
  }
}

/**
 * Closes without what SQLite does when the last connection goes: copying the log into the database and deleting it,
 * which costs three fsyncs in each command, and makes the next one sync the head of its new log. Every state of the log
 * is a state that a kill leaves, too. A read-only connection that goes last cannot tidy up; where it cannot be opened,
 * SQLite tidies, which is only slower.
 */
function closeKeepingLog(connection: DatabaseSync, file: string): void {
  try {
    using last = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    versionOf(sqlOver(last));
    connection.close();
  } catch {
    if (connection.isOpen) connection.close();
  }
}

function connect(file: string): { readonly connection: DatabaseSync; readonly sql: Sql } {
  const connection = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    const sql = sqlOver(connection);
    if (versionOf(sql) < currentVersion || identityOf(sql) !== applicationId) prepare(connection, sql, file);
    else checkVersion(file, versionOf(sql));
    if (sql.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode !== 'wal') useLog(connection);
    connection.exec(`PRAGMA wal_autocheckpoint = ${logPages}`);
    return { connection, sql };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Makes a new store, or brings an older one to the format of today. */
function prepare(connection: DatabaseSync, sql: Sql, file: string): void {
  // In one look: between two of them another process may make the store, and half of each is no store of ours.
  connection.exec('BEGIN');
  try {
    refuseForeign(sql, file);
  } finally {
    connection.exec('ROLLBACK');
  }
  useLog(connection);
  connection.exec('BEGIN IMMEDIATE');
  try {
    // Again, now that nobody else can write: another process may have been first.
    refuseForeign(sql, file);
    const found = versionOf(sql);
    checkNotNewer(file, found);
    for (const { version, sql: step } of migrations) {
      if (version > found) connection.exec(step);
    }
    connection.exec(`PRAGMA application_id = ${applicationId}`);
    connection.exec(`PRAGMA user_version = ${Math.max(found, currentVersion)}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** Readers and the writer do not wait for each other. A setting of the file; a store restored from a dump has lost it. */
function useLog(connection: DatabaseSync): void {
  connection.exec('PRAGMA journal_mode = WAL');
}

function refuseForeign(sql: Sql, file: string): void {
  const identity = identityOf(sql);
  if (identity === applicationId) return;
  const isEmpty = sql.get('SELECT 1 FROM sqlite_schema') === undefined;
  if (identity !== 0 || !isEmpty || versionOf(sql) !== 0)
    throw corruptStore(file, 'is the database of another program');
}

function checkNotNewer(file: string, found: number): void {
  if (found <= currentVersion) return;
  throw new CachelaneError(
    'E_STORE_NEWER',
    `${file} has format ${found}, and this cachelane knows formats up to ${currentVersion}`,
    { hint: 'update cachelane, or set CACHELANE_HOME to another directory' },
  );
}

function checkVersion(file: string, found: number): void {
  checkNotNewer(file, found);
  if (found < currentVersion) throw corruptStore(file, `lost its format number (${found})`);
}

function versionOf(sql: Sql): number {
  return sql.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
}

function identityOf(sql: Sql): number {
  return sql.get<{ application_id: number }>('PRAGMA application_id')?.application_id ?? 0;
}

function sqlOver(connection: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>();
  const statement = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const made = connection.prepare(text);
    prepared.set(text, made);
    return made;
  };
  return {
    get: <Row>(text: string, ...parameters: readonly SQLInputValue[]) =>
      statement(text).get(...parameters) as Row | undefined,
    all: <Row>(text: string, ...parameters: readonly SQLInputValue[]) =>
      statement(text).all(...parameters) as unknown as readonly Row[],
    run: (text, ...parameters) => {
      statement(text).run(...parameters);
    },
  };
}
