import type { CatalogRecord, Metadata, Namespace, NamespaceRecord } from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';
import { offeredCatalog, type OfferedCatalog } from './find-catalog.ts';

export interface CatalogsWanted {
  /** Only that of this namespace and of those below it; null: all. */
  readonly under: Namespace | null;
  /** Whether whoever asks may know of what these names offer; left out: yes. */
  readonly mayKnow?: (names: readonly Namespace[]) => boolean;
}

/** Namespaces that offer something, by their names. */
async function namespacesWithCatalogs(
  metadata: Metadata,
  { under, mayKnow = () => true }: CatalogsWanted,
  signal: AbortSignal,
): Promise<readonly NamespaceRecord[]> {
  const offering = new Set((await metadata.listCatalogs(signal)).map(({ namespaceId }) => namespaceId));
  const all = await metadata.listNamespaces(signal);
  return all
    .filter(({ id, paths }) => offering.has(id) && mayKnow(paths) && isAtOrUnder(under, paths[0]))
    .toSorted((a, b) => compareText(a.paths[0] ?? '', b.paths[0] ?? ''));
}

/** The latest of each, by the names of the namespaces. */
export async function listCatalogs(
  metadata: Metadata,
  wanted: CatalogsWanted,
  signal: AbortSignal,
): Promise<readonly OfferedCatalog[]> {
  const found: OfferedCatalog[] = [];
  for (const record of await namespacesWithCatalogs(metadata, wanted, signal)) {
    // One may have been removed meanwhile.
    const latest: CatalogRecord | undefined = await metadata.catalogVersion(record.id, null, signal);
    if (latest !== undefined) found.push(offeredCatalog(record, latest));
  }
  return found;
}

function isAtOrUnder(top: Namespace | null, path: Namespace | undefined): boolean {
  return top === null || path === top || path?.startsWith(`${top}/`) === true;
}
