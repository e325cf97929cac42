import { CachelaneError, isCachelaneError, parseNamespace, type Digest, type Namespace } from '@cachelane/core';
import {
  catalogOrLock,
  definedVolume,
  requireDefinition,
  type DefinedVolume,
  type LockedQuestion,
  type OfferedCatalog,
} from '@cachelane/engine';
import { mayKnowOffer } from '../request/caller.ts';
import { parseNodeId, type NamedDefinition, type VolumeNodeId } from '../values/node-id.ts';
import type { VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';

export interface CatalogArguments {
  readonly namespace: string;
  readonly version?: number | null;
  readonly digest?: string | null;
}

/**
 * Returns the catalog in the requested version, else the locked one, else the latest. Errors: those of {@link
 * catalogOrLock}; E_NAMESPACE for text that is neither a namespace nor an alias.
 */
export async function catalogIn(
  request: ApiRequest,
  { namespace, version = null, digest = null }: CatalogArguments,
): Promise<OfferedCatalog> {
  const named = request.caller.project.catalogs.get(namespace) ?? parseNamespace(namespace, 'namespace');
  const question = { namespace: named, alias: namespace, version, digest: digest as Digest | null };
  return await offered(request, question);
}

async function offered(
  { world, caller, signal }: ApiRequest,
  question: Pick<LockedQuestion, 'namespace' | 'alias' | 'version' | 'digest'>,
): Promise<OfferedCatalog> {
  const mayKnow = (names: readonly Namespace[]): boolean => mayKnowOffer(caller, names);
  const locked = caller.project.lock?.catalogs ?? [];
  return await catalogOrLock(world.deps.metadata, { ...question, mayKnow, locked }, signal);
}

/** The digest matters because another store may have other content under the same version. */
function lockedDigest(
  { caller }: ApiRequest,
  { namespace, version }: Pick<NamedDefinition, 'namespace' | 'version'>,
): Digest | null {
  const all = caller.project.lock?.catalogs ?? [];
  return all.find((each) => each.namespace === namespace && each.version === version)?.digest ?? null;
}

/**
 * Returns the current definition that an id names; undefined if it names none or the definition was removed. Opened
 * volumes remain usable.
 */
export async function definedAt(request: ApiRequest, id: VolumeNodeId): Promise<DefinedVolume | undefined> {
  if (id.definition === null) return undefined;
  try {
    return await requireDefined(request, id);
  } catch (error) {
    if (isCachelaneError(error, 'E_CATALOG', 'E_NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * Requires that the id's definition still exists, for new forks. Errors: those of {@link catalogOrLock}, and E_CATALOG
 * for an unknown name.
 */
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
  const { metadata } = request.world.deps;
  const { name, ...question } = definition as NonNullable<typeof definition>;
  const catalog = await offered(request, { ...question, digest: lockedDigest(request, question) });
  const defined = definedVolume(catalog, await requireDefinition(metadata, { catalog, name }, request.signal));
  const record = await metadata.findNamespace(namespace, request.signal);
  const isThere = defined.namespace === null || (record?.paths ?? [namespace]).includes(defined.namespace);
  if (defined.key === key && isThere) return defined;
  throw new CachelaneError('E_CATALOG', `${name} of ${question.namespace} now means another volume than this id`);
}
