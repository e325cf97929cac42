import type { CatalogRecord, Metadata, Namespace, NamespaceRecord } from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';
import { offeredCatalog, type OfferedCatalog } from './find-catalog.ts';

export interface CatalogsWanted {
  /** Only this namespace and those below it; null: all. */
  readonly under: Namespace | null;
  /** Whether the caller may know of these namespaces' catalogs; default: yes. */
  readonly mayKnow?: (names: readonly Namespace[]) => boolean;
}

/** Returns namespaces with a catalog, by name. */
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

/** Returns the latest version of each catalog, by namespace. */
export async function listCatalogs(
  metadata: Metadata,
  wanted: CatalogsWanted,
  signal: AbortSignal,
): Promise<readonly OfferedCatalog[]> {
  const found: OfferedCatalog[] = [];
  for (const record of await namespacesWithCatalogs(metadata, wanted, signal)) {
    // Another process may have removed it.
    const latest: CatalogRecord | undefined = await metadata.catalogVersion(record.id, null, signal);
    if (latest !== undefined) found.push(offeredCatalog(record, latest));
  }
  return found;
}

function isAtOrUnder(top: Namespace | null, path: Namespace | undefined): boolean {
  return top === null || path === top || path?.startsWith(`${top}/`) === true;
}
