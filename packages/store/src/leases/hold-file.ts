import { DatabaseSync } from 'node:sqlite';
import { fromSqlite, isSqliteBusy } from '../sqlite/sqlite-errors.ts';

/**
 * Has the file for this process alone, until it is given back or the process ends, in whatever way; makes it where it is missing, and leaves it there. Null: another
 * process has it. Nothing but this may open the file, see {@link openLeaseStore}. Errors: E_HOME_UNUSABLE, E_DISK_FULL.
 */
export function holdFile(file: string): Disposable | null {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(file, { timeout: 0 });
    lockExclusively(connection);
  } catch (error) {
    connection?.close();
    if (isSqliteBusy(error)) return null;
    throw fromSqlite(error, file);
  }
  return connection;
}

/** Without a journal in memory the lock would make a second file. Nothing is ever written. */
export function lockExclusively(connection: DatabaseSync): void {
  connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
}
