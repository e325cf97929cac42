import { isCachelaneError, type LockedCatalog, type Metadata } from '@cachelane/core';
import { catalogOrLock, type OfferedCatalog } from '@cachelane/engine';
import { projectOf } from '../context/find-volume.ts';
import type { Host } from '../host/host.ts';
import { readProjectLock } from '../context/project-lock.ts';
import type { CatalogArgument } from './catalog-argument.ts';
import { catalogOfStore } from './catalog-of-store.ts';

interface Surroundings {
  readonly host: Host;
  readonly metadata: Metadata;
}

/** Returns the store's catalog, or the project's locked one (`byLock`). Errors: those of {@link catalogOfStore} if neither exists. */
export async function offeredHere(
  { host, metadata }: Surroundings,
  { namespace, version, directory, alias }: CatalogArgument,
  signal: AbortSignal,
): Promise<OfferedCatalog> {
  const question = { namespace, version, digest: null };
  try {
    return await catalogOfStore(metadata, question, signal);
  } catch (error) {
    if (!isCachelaneError(error, 'E_NOT_FOUND', 'E_CATALOG')) throw error;
    const locked = await lockedHere(host, directory);
    return await catalogOrLock(metadata, { ...question, locked, alias }, signal).catch((again: unknown) => {
      throw isCachelaneError(again, 'E_NOT_FOUND') ? error : again;
    });
  }
}

/** Returns the project's locked catalogs; none without a project or a readable lock. */
export async function lockedHere(host: Host, directory: string | undefined): Promise<readonly LockedCatalog[]> {
  try {
    return readProjectLock(await projectOf(host, { directory, namespace: undefined })).catalogs;
  } catch (error) {
    if (isCachelaneError(error)) return [];
    throw error;
  }
}
