import { linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import {
  CachelaneError,
  invariant,
  limits,
  parseId,
  type Lease,
  type LeaseStore,
  type SessionId,
} from '@cachelane/core';
import { checkAborted } from '../sqlite/sqlite-database.ts';
import { fromSqlite, isSqliteBusy } from '../sqlite/sqlite-errors.ts';
import { lockExclusively } from './hold-file.ts';
import { clientLock, commandLock } from './locks.ts';

export interface LeaseStoreOptions {
  /** An absolute path, created if missing. Nothing else may open its lease files, see {@link openLeaseStore}. */
  readonly sessionsDir: string;
  /** The command that tests flock(2) locks. */
  readonly flock?: string;
}

export interface SweepingLeaseStore extends LeaseStore {
  /**
   * Deletes the files of dead sessions that have no record, if they are older than `limits.sweepGraceMs`. Returns
   * the sessions.
   */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly SessionId[]>;
}

/**
 * Opens the leases of sessions, two locked files each (docs/reference/store-format.md, "Leases"). The kernel frees a
 * lock when the last holder dies, in any PID namespace.
 * The client's lock is an fcntl(2) lock, which ends with this process and is not inherited. Only SQLite can take it
 * from Node. POSIX drops it when the process closes any descriptor of the file, so only SQLite may open that file. The
 * command's lock is a flock(2) lock. The program that starts the command takes it, and the command's children inherit
 * it.
 * Errors of `acquire`: E_HOME_UNUSABLE, E_DISK_FULL, E_ABORTED, E_INTERNAL for an id that was used before.
 */
export function openLeaseStore({ sessionsDir, flock = 'flock' }: LeaseStoreOptions): SweepingLeaseStore {
  const clientFile = (id: SessionId): string => `${sessionsDir}/${id}.client`;
  const commandFile = (id: SessionId): string => `${sessionsDir}/${id}.command`;
  const testCommand = commandLock(flock);

  const acquire = (id: SessionId): Lease => {
    const connection = lockNewFile(sessionsDir, clientFile(id));
    return {
      commandFile: commandFile(id),
      [Symbol.asyncDispose]: () => {
        // Delete the files before unlocking, so that no process finds an unlocked one. The client's file goes last: a
        // command's file never exists alone.
        removeFiles(commandFile(id), clientFile(id));
        if (connection.isOpen) connection.close();
        return Promise.resolve();
      },
    };
  };

  const isHeld = (id: SessionId): boolean => {
    const client = clientLock(clientFile(id));
    if (client === 'held' || testCommand(commandFile(id)) === 'held') return true;
    // A client's file is created locked, so an unlocked one is dead. A missing one may be about to be created.
    if (client === 'free') removeFiles(commandFile(id), clientFile(id));
    return false;
  };

  const sweep = (nowMs: number): readonly SessionId[] =>
    sessionsWithFiles(sessionsDir).filter((id) => {
      const times = [clientFile(id), commandFile(id), unfinished(clientFile(id))].map(modifiedMs);
      if (Math.max(...times) > nowMs - limits.sweepGraceMs || isHeld(id)) return false;
      removeFiles(unfinished(clientFile(id)), commandFile(id));
      return true;
    });

  return {
    acquire: (id, signal) => calling(signal, () => acquire(id)),
    isHeld: (id, signal) => calling(signal, () => isHeld(id)),
    sweep: (nowMs, signal) => calling(signal, () => sweep(nowMs)),
  };
}

function calling<T>(signal: AbortSignal, call: () => T): Promise<T> {
  return new Promise((resolve) => {
    checkAborted(signal);
    resolve(call());
  });
}

/** Returns the name of a client's file before it is locked. */
function unfinished(file: string): string {
  return `${file}-new`;
}

/** Creates a file that gets its name only once it is locked. */
function lockNewFile(dir: string, file: string): DatabaseSync {
  const hidden = unfinished(file);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const connection = new DatabaseSync(hidden, { timeout: 0 });
    try {
      lockExclusively(connection);
      publish(hidden, file);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    invariant(code !== 'EEXIST' && !isSqliteBusy(error), `the lease ${file} was acquired before`);
    throw fromSystem(error, file);
  }
}

/** Gives the file its name. Unlike rename, link fails if the name exists. */
function publish(hidden: string, file: string): void {
  try {
    linkSync(hidden, file);
  } finally {
    rmSync(hidden);
  }
}

function fromSystem(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('ERR_')) return fromSqlite(error, file);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CachelaneError('E_DISK_FULL', `no space left to create ${file}`, {
      hint: 'free some space',
      cause: error,
    });
  }
  return new CachelaneError('E_HOME_UNUSABLE', `cannot create ${file} (${code})`, {
    hint: 'make its directory writable, or set CACHELANE_HOME to one that is',
    cause: error,
  });
}

/** Deletes files. Skips those that are gone or belong to another user. */
function removeFiles(...files: readonly string[]): void {
  for (const file of files) {
    try {
      rmSync(file, { force: true });
    } catch {
      continue;
    }
  }
}

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function sessionsWithFiles(dir: string): readonly SessionId[] {
  let names: readonly string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  const ids = names.flatMap((name) => /^(ses_[0-9a-f]{32})\.(client|client-new|command)$/.exec(name)?.[1] ?? []);
  return [...new Set(ids)].map((id) => parseId('session', id));
}
