import {
  isCachelaneError,
  lockedAs,
  parseCatalogText,
  type LockedCatalog,
  type Metadata,
  type NamespaceId,
  type NamespaceRecord,
} from '@cachelane/core';
import { requireCatalog, type CatalogQuestion, type OfferedCatalog } from './find-catalog.ts';

/** `version` null: the project's locked version, else the latest. */
export interface LockedQuestion extends CatalogQuestion {
  /** The locked catalogs of the asking project. */
  readonly locked: readonly LockedCatalog[];
  /** The project's alias for the catalog; by default found by namespace. */
  readonly alias?: string | undefined;
}

/**
 * Returns a catalog for a project. If the locked version is missing or differs here, the lock's copy is used, which has all that a volume
 * needs. Adds a note if the store has the catalog in other versions. Errors: those of {@link requireCatalog} if the lock has no copy
 * either.
 */
export async function catalogOrLock(
  metadata: Metadata,
  { locked, alias, ...question }: LockedQuestion,
  signal: AbortSignal,
): Promise<OfferedCatalog> {
  const own = await lockedFor(metadata, { ...question, locked, alias }, signal);
  if (own === undefined) return await requireCatalog(metadata, question, signal);
  const isAskedByName = question.version === null;
  const { version, digest } = isAskedByName ? own : question;
  const stale = isAskedByName ? { stale: [...own.gone, ...own.changed] } : {};
  try {
    const found = await requireCatalog(metadata, { ...question, version, digest }, signal);
    if (found.digest !== own.digest) return found;
    return { ...found, byLock: 'confirmed', ...stale, ...(await laterThan(metadata, found, signal)) };
  } catch (error) {
    if (!isCachelaneError(error, 'E_CATALOG', 'E_NOT_FOUND')) throw error;
    const found = standIn(own, (await publisherOf(metadata, question, signal))?.id ?? noNamespaceId);
    const note = error.code === 'E_CATALOG' ? { note: noteOf(own) } : {};
    return { ...found, ...stale, ...note, ...(await laterThan(metadata, found, signal)) };
  }
}

async function laterThan(
  metadata: Metadata,
  { namespaceId, namespace, version }: OfferedCatalog,
  signal: AbortSignal,
): Promise<Pick<OfferedCatalog, 'later'>> {
  const latest = await metadata.catalogVersion(namespaceId, null, signal);
  if (latest === undefined || latest.version <= version) return {};
  const source = `version ${latest.version} of the catalog of ${namespace}`;
  return { later: { version: latest.version, definitions: parseCatalogText(latest.text, source).definitions } };
}

async function lockedFor(
  metadata: Metadata,
  { locked, alias, ...question }: LockedQuestion,
  signal: AbortSignal,
): Promise<LockedCatalog | undefined> {
  const { namespace, version, digest } = question;
  if (locked.length === 0) return undefined;
  // A renamed namespace matches by any of its names.
  const names = [namespace, ...((await publisherOf(metadata, question, signal))?.paths ?? [])];
  if (version === null) return lockedAs(locked, { names, alias });
  return locked.find(
    (each) => names.includes(each.namespace) && each.version === version && (digest === null || each.digest === digest),
  );
}

/** An id that no namespace has, so no uses are found. */
const noNamespaceId = '' as NamespaceId;

async function publisherOf(
  metadata: Metadata,
  { namespace, mayKnow = () => true }: CatalogQuestion,
  signal: AbortSignal,
): Promise<NamespaceRecord | undefined> {
  const record = await metadata.findNamespace(namespace, signal);
  return record !== undefined && mayKnow(record.paths) ? record : undefined;
}

function standIn({ namespace, version, digest, content }: LockedCatalog, namespaceId: NamespaceId): OfferedCatalog {
  const published = { publishedAtMs: 0, by: 'cachelane.lock' };
  return { ...content, namespaceId, namespace, version, digest, ...published, byLock: 'alone' };
}

function noteOf({ namespace, version }: LockedCatalog): string {
  return `version ${version} of the catalog of ${namespace} is not available as locked: its copy in cachelane.lock is used until cachelane add locks another version`;
}
