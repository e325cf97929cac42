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

/** What the store has of a catalog; where it has not got it, what the project has locked, `byLock` then. Errors: those of {@link catalogOfStore}, where the project has not locked it either. */
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

/** What the project has locked; nothing where there is no project, or no lock that can be read: nobody asked for that. */
export async function lockedHere(host: Host, directory: string | undefined): Promise<readonly LockedCatalog[]> {
  try {
    return readProjectLock(await projectOf(host, { directory, namespace: undefined })).catalogs;
  } catch (error) {
    if (isCachelaneError(error)) return [];
    throw error;
  }
}
