import type { Metadata } from '@cachelane/core';
import { catalogStore } from './catalogs.ts';
import { collectionStore } from './collection.ts';
import { headStore } from './heads.ts';
import { growthStore } from './noted-paths.ts';
import { namespaceStore } from './namespaces.ts';
import { revocationStore } from './revocations.ts';
import { decoderOf } from './rows/rows.ts';
import { sessionStore } from './sessions.ts';
import { sharingStore } from './sharing.ts';
import { squashStore } from './squashes.ts';
import { syncStore } from './synced-heads.ts';
import { openSqliteDatabase, type SqliteOptions } from '../sqlite/sqlite-database.ts';

/**
 * Opens the metadata of a home in one SQLite file (docs/reference/store-format.md, "state.db"), which many processes
 * may share. Creates a missing file. Errors: those of the `Metadata` port, and E_HOME_UNUSABLE if the file cannot be
 * written.
 */
export async function openSqliteMetadata(options: SqliteOptions, signal: AbortSignal): Promise<Metadata> {
  const database = await openSqliteDatabase(options, signal);
  const decode = decoderOf(options.file);
  return {
    ...namespaceStore(database),
    ...headStore(database, decode),
    ...squashStore(database, decode),
    ...revocationStore(database, decode),
    ...sessionStore(database, decode),
    ...syncStore(database, decode),
    ...collectionStore(database, decode),
    ...growthStore(database),
    ...sharingStore(database),
    ...catalogStore(database),
    [Symbol.asyncDispose]: () => {
      database.close();
      return Promise.resolve();
    },
  };
}
