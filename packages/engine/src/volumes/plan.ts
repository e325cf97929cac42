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

/** Errors: E_VOLUME when no tool of that name exists, or a volume without a tool has no path. */
export function planVolume(
  tools: readonly Tool[],
  context: Context,
  environment: ToolEnvironment,
  request: VolumeRequest,
): PlannedVolume {
  const tool = tools.find((candidate) => candidate.name === request.tool);
  if (tool === undefined) {
    const known = tools.map(({ name }) => name).join(', ');
    throw new CachelaneError('E_VOLUME', `volume ${request.name}: there is no tool named ${request.tool}`, {
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
    throw new CachelaneError('E_VOLUME', `volume ${request.name}: it is not known where its directory is`, { hint });
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
    // A file of the project may win over the environment.
    isRedirectable: place.byProject !== true && tool.redirect(place.path) !== null,
    targetSource: place.source,
    compat: { ...tool.compat(environment), ...request.compat },
    commit: request.commit ?? tool.commitWhen,
    sync: request.sync ?? tool.sync,
    own,
    chain,
    warnings: deprecations(request.defined),
    grant: grantFor(context, request, own),
    company: context.bounds === undefined ? null : companyOf(context, request, chain),
    boundedTo: context.bounds === undefined ? null : context.namespace,
    tiers: isOwn ? [...context.parents, ...personal.map(({ namespace }) => namespace)] : [],
    defaultLane: context.defaultLane,
  };
}

/** Whose volume it is (null: the context's own), and its name. */
interface ChainedVolume {
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
}

/** A volume of another namespace is read and written there, on the same lanes; it has no part in the project's own chain. Links that the context's bounds do not reach are none. */
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

/** A directory that runs share shows what the first of them found. So those that are bounded share with those who find the same, and whose grants are the same. */
function companyOf({ namespace }: Context, { seed }: VolumeRequest, chain: readonly ChainLink[]): string {
  return JSON.stringify([namespace, chain, seed]);
}

/** `mayLock`: only who may save has something to keep from others. */
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
