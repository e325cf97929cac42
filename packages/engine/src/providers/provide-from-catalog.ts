import {
  CachelaneError,
  defaultParents,
  isCachelaneError,
  isOwn,
  parseCatalogArgument,
  type Context,
  type Namespace,
} from '@cachelane/core';
import { definitionVolume } from '../catalogs/definition-volume.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';

/** The volume that a definition of a catalog means, in place of the one that was asked for: in the version that the project has locked, else in the latest. Errors: those of {@link definitionVolume}. */
export async function provideFromCatalog(
  { metadata }: Pick<EngineDependencies, 'metadata'>,
  context: Context,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<VolumeRequest> {
  const { catalog: namespace, definition: name } = parseCatalogArgument(request.provider?.ref.argument ?? '');
  const mayKnow = (names: readonly Namespace[]): boolean => isMeantFor(context, names);
  const { locked = () => [], alias } = request.provider ?? {};
  const question = { namespace, alias, version: null, digest: null, name, mayKnow, locked: locked() };
  const defined = await definitionVolume(metadata, question, signal).catch((error: unknown) => {
    throw isCachelaneError(error, 'E_NOT_FOUND') ? unlocked(error, namespace) : error;
  });
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

/** Neither the store nor the project's lock has it. */
function unlocked(error: CachelaneError, namespace: Namespace): CachelaneError {
  const hint = namespace.includes('/')
    ? `cachelane add ${namespace}, where it is published, writes what it says into cachelane.lock: commit that, and it is known wherever the project is`
    : `name its namespace under catalogs: in cachelane.yaml, or lock it where it is published, and commit cachelane.lock: cachelane add NAMESPACE --as ${namespace}`;
  return new CachelaneError('E_NOT_FOUND', error.message, { hint, cause: error });
}
