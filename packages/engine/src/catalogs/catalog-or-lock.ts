import { isCachelaneError, type LockedCatalog, type Metadata, type NamespaceId } from '@cachelane/core';
import { requireCatalog, type CatalogQuestion, type OfferedCatalog } from './find-catalog.ts';

export interface LockedQuestion extends CatalogQuestion {
  /** What the project of whoever asks has locked. */
  readonly locked: readonly LockedCatalog[];
}

/**
 * What a namespace offers. Where the version that is asked for is not to be had, or is not the one that was locked, the project's lock stands in for it, with a note: it has all that a volume is made of. Errors: those of {@link requireCatalog}, where the lock has not got it
 * either.
 */
export async function catalogOrLock(
  metadata: Metadata,
  { locked, ...question }: LockedQuestion,
  signal: AbortSignal,
): Promise<OfferedCatalog> {
  try {
    return await requireCatalog(metadata, question, signal);
  } catch (error) {
    if (!isCachelaneError(error, 'E_CATALOG', 'E_NOT_FOUND')) throw error;
    const { namespace, version, digest } = question;
    const own = locked.find(
      (each) => each.namespace === namespace && each.version === version && (digest === null || each.digest === digest),
    );
    if (own === undefined) throw error;
    return standIn(own, await publisherId(metadata, question, signal));
  }
}

/** Of nobody: then nobody is told who uses what it offers. */
const nobody = '' as NamespaceId;

async function publisherId(
  metadata: Metadata,
  { namespace, mayKnow = () => true }: CatalogQuestion,
  signal: AbortSignal,
): Promise<NamespaceId> {
  const record = await metadata.findNamespace(namespace, signal);
  return record !== undefined && mayKnow(record.paths) ? record.id : nobody;
}

function standIn({ namespace, version, digest, content }: LockedCatalog, namespaceId: NamespaceId): OfferedCatalog {
  const note = `version ${version} of the catalog of ${namespace} is not to be had as it was locked: what it says is taken from cachelane.lock`;
  return { ...content, namespaceId, namespace, version, digest, publishedAtMs: 0, by: 'cachelane.lock', note };
}
