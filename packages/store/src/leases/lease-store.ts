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
  /** Absolute; made where it is missing. Nothing else may open the lease files in it, see {@link openLeaseStore}. */
  readonly sessionsDir: string;
  /** The command that tests flock(2) locks. */
  readonly flock?: string;
}

export interface SweepingLeaseStore extends LeaseStore {
  /**
   * Removes what sessions left that died without ever being looked after: before they were recorded, or with the machine.
   * Only files older than `limits.sweepGraceMs`. Returns the sessions.
   */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly SessionId[]>;
}

/**
 * Leases as locked files, two for each session (docs/reference/store-format.md, "Leases"): the kernel frees a lock when the last
 * process that holds it is gone, however it went, and shows it to every process that shares the file, whatever its PID namespace.
 *
 * The client's is an fcntl(2) lock, which dies with this very process and is not inherited; SQLite takes it, the one
 * thing in Node that can. POSIX drops such a lock when its process closes ANY descriptor of the file, so nothing but
 * SQLite, which knows, may ever open it here. The command's is a flock(2) lock, which whoever starts the command
 * has it take, and which its children inherit.
 *
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
        // The session is over, whatever still runs. The files go first: nobody finds one that is not locked. The
        // client's goes last, so that a command's file never lies alone.
        removeFiles(commandFile(id), clientFile(id));
        if (connection.isOpen) connection.close();
        return Promise.resolve();
      },
    };
  };

  const isHeld = (id: SessionId): boolean => {
    const client = clientLock(clientFile(id));
    if (client === 'held' || testCommand(commandFile(id)) === 'held') return true;
    // A client's file is born locked, so this one is dead for good; where there is none it may be about to be born.
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

/** The name of a client's file until it is locked. */
function unfinished(file: string): string {
  return `${file}-new`;
}

/** A new file with an exclusive lock on it, which appears under its name with the lock already held. */
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

/** Gives the file its name; unlike a rename this does not replace another one. */
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
    return new CachelaneError('E_DISK_FULL', `there is no space left to make ${file}`, {
      hint: 'free some space',
      cause: error,
    });
  }
  return new CachelaneError('E_HOME_UNUSABLE', `${file} cannot be made (${code})`, {
    hint: 'make its directory writable, or set CACHELANE_HOME to one that is',
    cause: error,
  });
}

/** Files that are gone, or that are not ours to remove, are left to whoever owns them. */
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
