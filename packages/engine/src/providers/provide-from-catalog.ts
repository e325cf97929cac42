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

/**
 * Returns the request for the volume that a catalog's definition means, in the locked version, else the latest. Errors: those of {@link
 * definitionVolume}.
 */
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

/** A catalog is meant for the namespaces below it, also in confined sessions. */
function isMeantFor({ bounds, namespace }: Context, names: readonly Namespace[]): boolean {
  if (bounds === undefined || isOwn(bounds, names)) return true;
  return defaultParents(namespace).some((parent) => names.includes(parent));
}

/** Neither the store nor the project's lock has the catalog. */
function unlocked(error: CachelaneError, namespace: Namespace): CachelaneError {
  const hint = namespace.includes('/')
    ? `run cachelane add ${namespace} where it is published, and commit cachelane.lock: it then works wherever the project is`
    : `name its namespace under catalogs: in cachelane.yaml, or run cachelane add NAMESPACE --as ${namespace} where it is published and commit cachelane.lock`;
  return new CachelaneError('E_NOT_FOUND', error.message, { hint, cause: error });
}
