import { dirname } from 'node:path';
import { CachelaneError } from '@cachelane/core';

/** Primary result codes (https://sqlite.org/rescode.html): the low byte of the extended codes that node:sqlite reports. */
const codes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
} as const;

/** The shared-memory file cannot grow. SQLite has no other code for a full disk there. */
const ioErrorShmSize = 10 | (19 << 8);
const ioErrorCorruptFs = 10 | (33 << 8);

/** Returns the extended result code of an error that SQLite raised, undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code : undefined;
}

/** Returns whether another process holds the file: the same call may succeed in a moment. */
export function isSqliteBusy(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  // PROTOCOL: this process lost the race for the log many times in a row.
  return primary === codes.busy || primary === codes.locked || primary === codes.protocol;
}

/** Returns whether the file or its directory is missing or cannot be opened. */
export function isSqliteUnopened(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === codes.cannotOpen;
}

/** A database that this cachelane did not make. */
export function otherStore(file: string): CachelaneError {
  const dir = dirname(file);
  return new CachelaneError('E_STORE_CORRUPT', `an earlier build of cachelane or another program made ${file}`, {
    hint: `remove ${dir} if it is a cachelane home (the caches start cold), or set CACHELANE_HOME to another directory`,
  });
}

export function newerStore(file: string, found: number, known: number): CachelaneError {
  return new CachelaneError('E_STORE_NEWER', `${file} has format ${found}, and this cachelane reads format ${known}`, {
    hint: 'update cachelane, or set CACHELANE_HOME to another directory',
  });
}

export function corruptStore(file: string, what: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_STORE_CORRUPT', `${file} ${what}`, {
    hint: `move it and its -wal and -shm files away (mv ${file} ${file}.broken): the caches start cold, nothing else is lost`,
    cause,
  });
}

/** Returns the error for the store in `file` that an error of SQLite means; other errors unchanged. */
export function fromSqlite(error: unknown, file: string): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (isSqliteBusy(error)) {
    return new CachelaneError('E_STORE_BUSY', `${file} is in use by other commands`, {
      hint: 'try again in a moment',
      retryable: true,
      cause: error,
    });
  }
  if (code === ioErrorCorruptFs) return corruptStore(file, `is on a damaged file system (${detail})`, error);
  if (code === ioErrorShmSize) return diskFull(file, error);
  switch (code & 0xff) {
    case codes.full:
      return diskFull(file, error);
    case codes.corrupt:
      return corruptStore(file, `is damaged (${detail})`, error);
    case codes.notADatabase:
      return corruptStore(file, 'is not a database', error);
    case codes.readOnly:
    case codes.cannotOpen:
      return new CachelaneError('E_HOME_UNUSABLE', `${file} cannot be opened for writing (${detail})`, {
        hint: 'make its directory writable, or set CACHELANE_HOME to one that is',
        cause: error,
      });
    case codes.ioError:
      return new CachelaneError('E_HOME_UNUSABLE', `${file} cannot be read or written (${detail})`, {
        hint: 'check the disk and its quota, or set CACHELANE_HOME to another directory',
        cause: error,
      });
    default:
      // SQLite parses JSON only in columns of the store.
      if (detail === 'malformed JSON') return corruptStore(file, 'is damaged (a row cannot be read)', error);
      return new CachelaneError('E_INTERNAL', `SQLite: ${detail}`, { cause: error });
  }
}

function diskFull(file: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_DISK_FULL', `no space is left to write ${file}`, {
    hint: 'free some space',
    cause,
  });
}
