import { defaultParents, isOwn, parseCatalogArgument, type Context, type Namespace } from '@cachelane/core';
import { definitionVolume } from '../catalogs/definition-volume.ts';
import type { EngineDependencies, VolumeRequest } from '../engine.ts';

/** The volume that a definition of a catalog means, in place of the one that was asked for. Errors: those of {@link definitionVolume}. */
export async function provideFromCatalog(
  { metadata }: Pick<EngineDependencies, 'metadata'>,
  context: Context,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<VolumeRequest> {
  const { catalog: namespace, definition: name } = parseCatalogArgument(request.provider?.ref.argument ?? '');
  const mayKnow = (names: readonly Namespace[]): boolean => isMeantFor(context, names);
  const defined = await definitionVolume(metadata, { namespace, version: null, digest: null, name, mayKnow }, signal);
  return {
    ...request,
    namespace: defined.namespace,
    name: defined.key,
    tool: defined.tool,
    sharing: request.sharing ?? defined.sharing,
    compat: { ...defined.compat, ...request.compat },
    defined,
    provided: { as: request.name, backing: { kind: 'volume' } },
  };
}

/** What a namespace offers is meant for those below it, also for a confined session. */
function isMeantFor({ bounds, namespace }: Context, names: readonly Namespace[]): boolean {
  if (bounds === undefined || isOwn(bounds, names)) return true;
  return defaultParents(namespace).some((parent) => names.includes(parent));
}
