import { DatabaseSync } from 'node:sqlite';
import { fromSqlite, isSqliteBusy } from '../sqlite/sqlite-errors.ts';

/**
 * Locks the file for this process until disposal or the end of the process. Creates the file if missing, and never
 * deletes it. Returns null if another process holds it. Nothing else may open the file, see {@link openLeaseStore}.
 * Errors: E_HOME_UNUSABLE, E_DISK_FULL.
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

/**
 * Locks the file. The journal stays in memory because a lock would otherwise create a second file. Nothing is
 * written.
 */
export function lockExclusively(connection: DatabaseSync): void {
  connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
}
