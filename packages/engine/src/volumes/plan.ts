import {
  CachelaneError,
  type ChainLink,
  type Context,
  type Namespace,
  type OpenVolume,
  type Random,
  type Tool,
  type ToolEnvironment,
  type ToolLocation,
  type VolumeName,
  invariant,
  isPersonal,
  linksWithin,
  mergesByPath,
  newId,
  personalLink,
  sharedLinks,
  unknownToolName,
  verifiedOf,
} from '@cachelane/core';
import { deprecations } from '../model/defined-volume.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { ReachQuestion } from '../model/reach-question.ts';
import { keepingSecrets } from './keep-secrets.ts';

/** Plans a requested volume. Errors: E_VOLUME for an unknown tool, or for a volume with neither tool nor path. */
export function planVolume(
  tools: readonly Tool[],
  context: Context,
  environment: ToolEnvironment,
  request: VolumeRequest,
): PlannedVolume {
  const tool = tools.find((candidate) => candidate.name === request.tool);
  if (tool === undefined) {
    const known = tools.map(({ name }) => name).join(', ');
    throw new CachelaneError('E_VOLUME', `volume ${request.name}: unknown tool ${request.tool}`, {
      hint: `tools: ${known}`,
    });
  }
  const place: ToolLocation | null =
    request.path === null ? tool.locate(environment) : { path: request.path, source: request.source };
  if (place === null) {
    const hint =
      tool.name === unknownToolName
        ? `name its directory: -v ${request.name}:/path`
        : `give its directory: -v ${request.name}:/path`;
    throw new CachelaneError('E_VOLUME', `volume ${request.name}: its directory is unknown`, { hint });
  }
  const isOwn = request.namespace === null || request.namespace === context.namespace;
  const hasPersonal = isOwn && context.personalTier && !isPersonal(context.namespace) && verifiedOf(tool) !== null;
  const personal = hasPersonal ? [personalLink] : [];
  const chain = [...chainFor(context, request), ...personal];
  const own = chain[0];
  invariant(own !== undefined, 'a read chain starts with the own lane');
  return {
    request,
    tool: keepingSecrets(tool, { target: place.path, homeDir: environment.homeDir, tools }),
    target: place.path,
    // A project file may override the environment variable.
    isRedirectable: place.byProject !== true && tool.redirect(place.path) !== null,
    targetSource: place.source,
    compat: { ...tool.compat(environment), ...request.compat },
    commit: request.commit ?? tool.commitWhen,
    sync: request.sync ?? tool.sync,
    own,
    chain,
    warnings: deprecations(request.defined),
    grant: grantFor(context, request, own),
    sharingKey: context.bounds === undefined ? null : sharingKeyOf(context, request, chain),
    boundedTo: context.bounds === undefined ? null : context.namespace,
    tiers: isOwn ? [...context.parents, ...personal.map(({ namespace }) => namespace)] : [],
    defaultLane: context.defaultLane,
  };
}

/** The volume's namespace (null: the context's own) and name. */
interface ChainedVolume {
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
}

/** Returns the read chain of a volume, within the context's bounds. A volume of another namespace uses the same lanes there. */
export function chainFor(context: Context, volume: ChainedVolume): readonly ChainLink[] {
  return linksWithin(context.bounds, wholeChain(context, volume), volume.name);
}

function wholeChain(context: Context, { namespace, name }: ChainedVolume): readonly ChainLink[] {
  if (namespace === null || namespace === context.namespace) return sharedLinks(context, context.readChain, name);
  return context.readChain
    .filter((link) => link.namespace === context.namespace)
    .map(({ lane }) => ({ namespace, lane }));
}

function grantFor(
  context: Context,
  { word = 'person', name: volume }: VolumeRequest,
  own: ChainLink,
): ReachQuestion | null {
  if (word === 'person' || own.namespace === context.namespace) return null;
  const { namespace: caller, parents } = context;
  return { word, caller, parents, volume, access: 'write', ...own };
}

/** Confined sessions share a directory only if they have the same namespace, read chain and seed. */
function sharingKeyOf({ namespace }: Context, { seed }: VolumeRequest, chain: readonly ChainLink[]): string {
  return JSON.stringify([namespace, chain, seed]);
}

/** `mayLock`: only a run that may save takes the lock. */
export function toOpenVolume(planned: PlannedVolume, random: Random, mayLock: boolean): OpenVolume {
  return {
    name: planned.request.name,
    compat: planned.compat,
    tool: planned.tool.name,
    sync: planned.sync,
    chain: planned.chain,
    firstSnapshot: !mergesByPath(planned.tool),
    lock: mayLock && planned.request.sharing === 'LOCKED',
    freshId: newId('volume', random.bytes(16)),
    freshNamespaceId: newId('namespace', random.bytes(16)),
  };
}
