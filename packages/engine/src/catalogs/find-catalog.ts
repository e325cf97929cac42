import {
  CachelaneError,
  type Catalog,
  type CatalogRecord,
  type Digest,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type StaleDefinition,
  parseCatalogText,
} from '@cachelane/core';
import type { ByLock } from '../model/defined-volume.ts';

/** A stored catalog. */
export interface OfferedCatalog extends Catalog {
  readonly namespaceId: NamespaceId;
  /** Who published it; display name. */
  readonly by: string;
  /** One sentence for the users of the catalog. */
  readonly note?: string;
  /** Set if the lock chose this version. `alone`: the store does not have it, so its contents are the file's claim. */
  readonly byLock?: ByLock;
  /** The store's latest version, if the lock has an older one. */
  readonly later?: Pick<Catalog, 'version' | 'definitions'>;
  /** Definitions that the project's code must not use under their old names. */
  readonly stale?: readonly StaleDefinition[];
}

export interface CatalogQuestion {
  /** Any of its names. */
  readonly namespace: Namespace;
  /** Null: the latest. */
  readonly version: number | null;
  /** The locked digest; null accepts any. */
  readonly digest: Digest | null;
  /** Whether the caller may know of these namespaces' catalogs; default: yes. */
  readonly mayKnow?: (names: readonly Namespace[]) => boolean;
}

/**
 * Returns a namespace's catalog. Throws the same E_NOT_FOUND whether there is no catalog or the caller may not know of it; then nothing is
 * looked up. Throws E_CATALOG for an unknown version or another digest than the locked one.
 */
export async function requireCatalog(
  metadata: Metadata,
  { namespace, version, digest, mayKnow = () => true }: CatalogQuestion,
  signal: AbortSignal,
): Promise<OfferedCatalog> {
  if (!mayKnow([namespace])) throw unknownCatalog(namespace);
  const record = await metadata.findNamespace(namespace, signal);
  if (record === undefined) throw unknownCatalog(namespace);
  const found = await metadata.catalogVersion(record.id, version, signal);
  if (found === undefined) throw await noVersion(metadata, { record, namespace, version }, signal);
  if (digest !== null && found.digest !== digest) {
    throw new CachelaneError(
      'E_CATALOG',
      `version ${found.version} of the catalog of ${namespace} is not the locked one`,
      { hint: 'it was published again, or in another store; lock it again with cachelane add' },
    );
  }
  return offeredCatalog(record, found);
}

export function offeredCatalog({ id, paths }: NamespaceRecord, stored: CatalogRecord): OfferedCatalog {
  const namespace = paths[0] as Namespace;
  const { version, digest, publishedAtMs, by } = stored;
  const content = parseCatalogText(stored.text, `version ${version} of the catalog of ${namespace}`);
  return { ...content, namespaceId: id, namespace, version, digest, publishedAtMs, by };
}

/** The error does not reveal whether the catalog exists. */
function unknownCatalog(namespace: Namespace): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `there is no catalog of ${namespace}`, {
    hint: 'cachelane catalog ls lists catalogs; cachelane catalog publish creates one',
  });
}

interface MissingVersion {
  readonly record: NamespaceRecord;
  readonly namespace: Namespace;
  readonly version: number | null;
}

async function noVersion(
  metadata: Metadata,
  { record, namespace, version }: MissingVersion,
  signal: AbortSignal,
): Promise<CachelaneError> {
  const [latest] = await metadata.catalogVersions(record.id, signal);
  if (version === null || latest === undefined) return unknownCatalog(namespace);
  const why = version < latest.version ? 'it was removed' : 'it was not published';
  return new CachelaneError(
    'E_CATALOG',
    `there is no version ${version} of the catalog of ${namespace}: ${why}; the latest is ${latest.version}`,
    { hint: `cachelane catalog show ${namespace} shows the latest version` },
  );
}
