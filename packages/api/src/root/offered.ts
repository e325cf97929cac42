import { CachelaneError, isCachelaneError, parseNamespace, type Digest, type Namespace } from '@cachelane/core';
import { definitionVolume, requireCatalog, type DefinedVolume, type OfferedCatalog } from '@cachelane/engine';
import { mayKnowOffer } from '../caller.ts';
import { parseNodeId, type VolumeNodeId } from '../node-id.ts';
import type { VolumeSubject } from '../nodes/volume-subject.ts';
import type { ApiRequest } from '../request.ts';

export interface CatalogArguments {
  readonly namespace: string;
  readonly version?: number | null;
  readonly digest?: string | null;
}

/** Errors: those of {@link requireCatalog}; E_NAMESPACE for what is neither a namespace nor called so by anybody. */
export async function catalogIn(
  request: ApiRequest,
  { namespace, version = null, digest = null }: CatalogArguments,
): Promise<OfferedCatalog> {
  const { world, caller, signal } = request;
  const question = { namespace: offererIn(request, namespace), version, digest: digest as Digest | null };
  const mayKnow = (names: readonly Namespace[]): boolean => mayKnowOffer(caller, names);
  return await requireCatalog(world.deps.metadata, { ...question, mayKnow }, signal);
}

function offererIn({ caller }: ApiRequest, text: string): Namespace {
  return caller.project.catalogs.get(text) ?? parseNamespace(text, 'namespace');
}

/** What the definition that an id names says now; undefined where it names none, or one that is not there any more: what was opened by it goes on. */
export async function definedAt(request: ApiRequest, id: VolumeNodeId): Promise<DefinedVolume | undefined> {
  if (id.definition === null) return undefined;
  try {
    return await requireDefined(request, id);
  } catch (error) {
    if (isCachelaneError(error, 'E_CATALOG', 'E_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** For what begins anew. Errors: those of {@link definitionVolume}. */
export async function requireStillDefined(request: ApiRequest, text: string, subject: VolumeSubject): Promise<void> {
  const id = parseNodeId(text);
  if (id?.kind === 'volume' && id.definition !== null && subject.defined === undefined) {
    await requireDefined(request, id);
  }
}

async function requireDefined(
  request: ApiRequest,
  { key, namespace, definition }: VolumeNodeId,
): Promise<DefinedVolume> {
  const { world, caller, signal } = request;
  const mayKnow = (names: readonly Namespace[]): boolean => mayKnowOffer(caller, names);
  const question = { ...(definition as NonNullable<typeof definition>), digest: null, mayKnow };
  const defined = await definitionVolume(world.deps.metadata, question, signal);
  const record = await world.deps.metadata.findNamespace(namespace, signal);
  const isThere = defined.namespace === null || (record?.paths ?? [namespace]).includes(defined.namespace);
  if (defined.key === key && isThere) return defined;
  throw new CachelaneError(
    'E_CATALOG',
    `${question.name} of ${question.namespace} is another volume than this id says`,
  );
}
