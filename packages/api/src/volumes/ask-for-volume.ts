import { type Namespace, type SharingMode, canonicalCompat, scopeNamespace } from '@cachelane/core';
import { type OfferedCatalog, definedVolume, deprecations, requireDefinition } from '@cachelane/engine';
import type { ApiRequest } from '../request/request.ts';
import type { VolumePlace } from '../request/world.ts';
import { keyIn, namespaceIn, placeOf } from './find-volume.ts';
import { noteAsked } from './note-asked.ts';
import { parseVolumeOwner } from './owner.ts';
import { type SourceInput, sourceIn } from './volume-source.ts';
import type { VolumeSubject } from './volume-subject.ts';

/** The common arguments of requests for a volume. */
interface Wish {
  readonly namespace?: string | null;
  readonly scope?: readonly string[] | null;
  readonly compat?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly sharing?: SharingMode | null;
  readonly source?: SourceInput | null;
  readonly owner?: string | null;
}

export interface CacheVolumeArguments extends Wish {
  readonly key: string;
}

export interface OfferedVolumeArguments extends Wish {
  /** The definition's name. */
  readonly name: string;
}

/**
 * Returns the volume with this key. Errors: E_VOLUME, E_NAMESPACE, E_LIMIT, E_USAGE for owner and source; E_NOT_FOUND
 * for a namespace or source that the caller may not see.
 */
export async function askForVolume(
  request: ApiRequest,
  { key, ...wish }: CacheVolumeArguments,
): Promise<VolumeSubject> {
  return await askFor(request, { namespace: wantedPlace(request, wish), key: keyIn(key) }, wish);
}

/** Returns the volume of a definition. Errors: as {@link askForVolume}; E_CATALOG for an unknown name. */
export async function askForOffered(
  request: ApiRequest,
  catalog: OfferedCatalog,
  { name, ...wish }: OfferedVolumeArguments,
): Promise<VolumeSubject> {
  const definition = await requireDefinition(request.world.deps.metadata, { catalog, name }, request.signal);
  const defined = definedVolume(catalog, definition);
  const namespace = defined.namespace ?? wantedPlace(request, wish);
  return await askFor(request, { namespace, key: defined.key, defined }, wish);
}

function wantedPlace({ caller }: ApiRequest, { namespace, scope }: Wish): Namespace {
  return scopeNamespace(namespaceIn(namespace) ?? caller.project.context.namespace, scope ?? []);
}

async function askFor(request: ApiRequest, asked: VolumePlace, wish: Wish): Promise<VolumeSubject> {
  const { key, defined } = asked;
  const meaning = request.caller.project.meaningOf(asked);
  const compat = canonicalCompat({
    ...meaning.compat,
    ...Object.fromEntries((wish.compat ?? []).map(({ name, value }) => [name, value])),
  });
  const subject = { ...(await placeOf(request, asked.namespace, key)), key, compat, defined };
  const sharing = wish.sharing ?? meaning.sharing;
  const owner = wish.owner === null || wish.owner === undefined ? null : parseVolumeOwner(wish.owner);
  const source = await sourceIn(request, wish.source);
  const warnings = [...deprecations(defined), ...noteAsked(request, subject, { sharing, owner, source })];
  return { ...subject, tool: meaning.tool.name, sharing, owner, source, warnings };
}
