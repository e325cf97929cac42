import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CachelaneError, limits, type Clock, type Random } from '@cachelane/core';
import { applicationId, currentVersion, schema } from './schema.ts';
import { fromSqlite, isSqliteBusy, newerStore, otherStore } from './sqlite-errors.ts';

export interface SqliteOptions {
  /** An absolute path in an existing directory. A missing file is created. */
  readonly file: string;
  /** For waits and their jitter. */
  readonly clock: Clock;
  readonly random: Random;
  /** How long to wait for other processes' transactions. */
  readonly busyMs?: number;
}

/** A `durable` write is on the disk when the call returns. A `fast` one survives the process, but a power cut may lose it. */
type Durability = 'durable' | 'fast';

/** Runs SQL inside the caller's transaction. Each statement is prepared once. */
export interface Sql {
  get<Row>(text: string, ...parameters: readonly SQLInputValue[]): Row | undefined;
  all<Row>(text: string, ...parameters: readonly SQLInputValue[]): readonly Row[];
  run(text: string, ...parameters: readonly SQLInputValue[]): void;
}

/**
 * Transactions over one connection. A body runs from BEGIN to COMMIT without yielding to the event loop. It runs again
 * when another process has the file locked, so it must not keep state of its own.
 */
export interface SqliteDatabase {
  readonly file: string;
  read<T>(signal: AbortSignal, body: (sql: Sql) => T): Promise<T>;
  write<T>(durability: Durability, signal: AbortSignal, body: (sql: Sql) => T): Promise<T>;
  close(): void;
}

const pauseMaxMs = 25;
/** 1 MB. The first process to open a store reads the whole log; about every 20th command copies it into the database. */
const logPages = 250;

export function checkAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted(signal.reason);
}

function aborted(cause: unknown): CachelaneError {
  return new CachelaneError('E_ABORTED', 'stopped before it was done', { cause });
}

/** Opens the file and creates missing tables. Errors: those of the `Metadata` port, and E_HOME_UNUSABLE. */
export async function openSqliteDatabase(options: SqliteOptions, signal: AbortSignal): Promise<SqliteDatabase> {
  const whenFree = waiting(options);
  const { connection, sql } = await whenFree(signal, () => connect(options.file));
  const requireSame = sameFile(options.file);
  let synchronous: Durability | undefined;

  // SQLite refuses this pragma inside a transaction.
  const setDurability = (wanted: Durability): void => {
    if (wanted === synchronous) return;
    connection.exec(`PRAGMA synchronous = ${wanted === 'durable' ? 'FULL' : 'NORMAL'}`);
    synchronous = wanted;
  };

  const transact = <T>(begin: string, body: (sql: Sql) => T): T => {
    requireSame();
    connection.exec(begin);
    try {
      // A newer cachelane may have changed the tables since this process opened them.
      checkFormat(sql, options.file);
      const result = body(sql);
      connection.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself rolls back after some errors, such as a full disk.
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

/** Returns a check that the path still names the opened file: writes to a removed file are lost. Errors: E_HOME_UNUSABLE. */
function sameFile(file: string): () => void {
  const identity = (): string | null => {
    const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
    return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
  };
  const opened = identity();
  return () => {
    // An in-memory database has no file.
    if (opened === null) return;
    const now = identity();
    if (now === opened) return;
    const what = now === null ? 'removed' : 'replaced';
    throw new CachelaneError('E_HOME_UNUSABLE', `${file} was ${what} while it was in use`, {
      hint: 'run the command again: it creates a new store',
    });
  };
}

/**
 * Returns a function that repeats an attempt while other processes hold the file, for `busyMs` in total. SQLite's own
 * `busy_timeout` blocks signals and aborts, and does not apply to the switch to WAL mode or to a recovery.
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
 * Closes the connection and leaves the log in place. When the last connection closes, SQLite copies the log into the
 * database and deletes it, which costs three fsyncs per command. A read-only connection that closes last does not.
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
    if (isEmpty(sql)) create(connection, sql, file);
    else checkFormat(sql, file);
    if (sql.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode !== 'wal') useLog(connection);
    connection.exec(`PRAGMA wal_autocheckpoint = ${logPages}`);
    return { connection, sql };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Creates the tables, unless another process does so first. */
function create(connection: DatabaseSync, sql: Sql, file: string): void {
  useLog(connection);
  connection.exec('BEGIN IMMEDIATE');
  try {
    if (isEmpty(sql)) {
      connection.exec(schema);
      connection.exec(`PRAGMA application_id = ${applicationId}`);
      connection.exec(`PRAGMA user_version = ${currentVersion}`);
    } else {
      checkFormat(sql, file);
    }
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** In WAL mode, readers and the writer do not wait for each other. The file keeps this setting, but a restored dump loses it. */
function useLog(connection: DatabaseSync): void {
  connection.exec('PRAGMA journal_mode = WAL');
}

/** Tables and numbers appear in one commit, so a false answer means that all of them are there. */
function isEmpty(sql: Sql): boolean {
  if (identityOf(sql) !== 0 || versionOf(sql) !== 0) return false;
  return sql.get('SELECT 1 FROM sqlite_schema') === undefined;
}

/** Throws E_STORE_CORRUPT for a database of another program or an earlier build, E_STORE_NEWER for a later format. */
function checkFormat(sql: Sql, file: string): void {
  const version = versionOf(sql);
  if (identityOf(sql) !== applicationId || version < currentVersion) throw otherStore(file);
  if (version > currentVersion) throw newerStore(file, version, currentVersion);
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
