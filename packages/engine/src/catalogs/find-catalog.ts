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

/** A catalog as a store has it. */
export interface OfferedCatalog extends Catalog {
  readonly namespaceId: NamespaceId;
  /** Who published it, for people. */
  readonly by: string;
  /** What whoever goes by it has to be told, one sentence. */
  readonly note?: string;
  /** That the project's lock made it this version. `alone`: the store has not got it, and what it says is that file's word. Left out: it is the latest of the store, or its number was given. */
  readonly byLock?: ByLock;
  /** Where it is by the lock, and the store has a later one: the latest, for what has to be told of it. */
  readonly later?: Pick<Catalog, 'version' | 'definitions'>;
  /** What the project's code must not get by its name. */
  readonly stale?: readonly StaleDefinition[];
}

export interface CatalogQuestion {
  /** Any of its names. */
  readonly namespace: Namespace;
  /** Null: the latest. */
  readonly version: number | null;
  /** What it has to come to, where somebody locked it; null: whatever it does. */
  readonly digest: Digest | null;
  /** Whether whoever asks may know of what these names offer; left out: yes. */
  readonly mayKnow?: (names: readonly Namespace[]) => boolean;
}

/**
 * What a namespace offers. Errors: E_NOT_FOUND where it offers nothing and where the asker may not know of it, in the same words, and then before anything is looked up; E_CATALOG for a version that is not there, or is not the one that was
 * locked.
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
      `version ${found.version} of the catalog of ${namespace} is not the one that was locked`,
      { hint: 'it was published anew, or in another store: lock it again with cachelane add' },
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

/** The same words, whether there is one or not. */
function unknownCatalog(namespace: Namespace): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `there is no catalog of ${namespace}`, {
    hint: 'cachelane catalog ls has those that there are; cachelane catalog publish makes one',
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
  const why = version < latest.version ? 'it was removed' : 'it is not published';
  return new CachelaneError(
    'E_CATALOG',
    `there is no version ${version} of the catalog of ${namespace}: ${why}; the latest is ${latest.version}`,
    { hint: `cachelane catalog show ${namespace} has what it offers now` },
  );
}
