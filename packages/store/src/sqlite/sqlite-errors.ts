import { CachelaneError } from '@cachelane/core';

/** Primary result codes (https://sqlite.org/rescode.html); node:sqlite reports extended ones, whose low byte they are. */
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

/** The shared-memory file could not be grown: SQLite has no other word for a full disk there. */
const ioErrorShmSize = 10 | (19 << 8);
const ioErrorCorruptFs = 10 | (33 << 8);

/** The extended result code of an error that SQLite raised; undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code : undefined;
}

/** True where another process holds what this one needs: the same call may succeed in a moment. */
export function isSqliteBusy(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  // PROTOCOL: the race for the log was lost too many times in a row, which is how a crowd at the door looks like.
  return primary === codes.busy || primary === codes.locked || primary === codes.protocol;
}

/** True where the file, or the directory that it lies in, is not there, or not to be opened. */
export function isSqliteUnopened(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === codes.cannotOpen;
}

export function corruptStore(file: string, what: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_STORE_CORRUPT', `${file} ${what}`, {
    hint: `move it and its -wal and -shm files away (mv ${file} ${file}.broken): the caches start cold, nothing else is lost`,
    cause,
  });
}

/** What an error of SQLite means for the store in `file`; errors that are not SQLite's own come back as they are. */
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
  if (code === ioErrorCorruptFs) return corruptStore(file, `lies on a damaged file system (${detail})`, error);
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
        hint: 'look for a disk quota or a failing disk, or set CACHELANE_HOME to another one',
        cause: error,
      });
    default:
      // Only what was written here is read as JSON.
      if (detail === 'malformed JSON') return corruptStore(file, 'is damaged (a row cannot be read)', error);
      return new CachelaneError('E_INTERNAL', `SQLite: ${detail}`, { cause: error });
  }
}

function diskFull(file: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_DISK_FULL', `there is no space left to write ${file}`, {
    hint: 'free some space',
    cause,
  });
}
