import {
  type Bounds,
  CachelaneError,
  type ChainLink,
  type Context,
  type Namespace,
  type NamespaceId,
  type Revocation,
  type ToolEnvironment,
  type VolumeRecord,
  type VolumeSeed,
  lowLevelId,
  unknownToolName,
} from '@cachelane/core';
import {
  type ListedHead,
  type PlannedVolume,
  type VolumeRequest,
  chooseMounter,
  explainTiers,
  judgeName,
  listHeadsOf,
  missingGrant,
  planVolume,
  provideVolume,
  providerReport,
} from '@cachelane/engine';
import { explainLifetime } from './explain-lifetime.ts';
import { explainRemote } from './explain-remote.ts';
import { explainedRequest } from './explained-request.ts';
import type { Explained } from './explained.ts';
import { compatText } from '../context/find-volume.ts';
import type { Host } from '../host/host.ts';
import { lanePolicyOf } from '../config/lane-policy.ts';
import type { OpenProject } from '../context/project.ts';
import { openProviders } from '../providers/open-providers.ts';
import type { ProviderWishes } from '../providers/provider-wishes.ts';
import { settledParents } from '../context/settled-parents.ts';
import type { ReadStore } from '../home/store.ts';
import { readUserConfig } from '../config/user-config.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';
import { toolInFile } from '../volumes/tool-in-file.ts';
import { type SelectionRequest, addressText, plainSelection, selectVolumes } from '../volumes/volumes.ts';

interface Surroundings {
  readonly host: Host;
  readonly store: ReadStore;
  readonly providers: ProviderWishes;
}

/** Limits of the caller. */
interface ExplainedFor {
  /** Replaces the seed of the project's configuration; null: no seed. */
  readonly seed?: VolumeSeed | null;
  /** The bounds of a confined session. */
  readonly bounds?: Bounds | undefined;
  /** False: a stored volume may be explained without a path. */
  readonly needsPlace?: boolean;
}

/** The project as it was already read. */
interface ExplainedIn {
  readonly project: OpenProject;
  readonly environment: ToolEnvironment;
}

/** Returns what a run here would get for a volume. Errors: E_VOLUME, E_CONFIG. */
export async function explainVolume(
  { host, store, providers }: Surroundings,
  { project: found, environment }: ExplainedIn,
  argument: VolumeArgument,
  { seed, bounds, needsPlace = true }: ExplainedFor = {},
): Promise<Explained> {
  const project = await settledParents(found, store);
  const { context } = project;
  const tools = await host.pieces.loadTools();
  const selection = plainSelection(project, { tools, environment, storeDir: store.homeDir, providers });
  const { request: asked, hasPlace } = await explainedRequest(store, argument, { context, selection, needsPlace });
  const place = { context: withBounds(context, bounds), environment };
  const deps = { metadata: store.metadata, tools, providers: openProviders(host, store.homeDir) };
  const request = await provideVolume(deps, place, asked, store.signal);
  const planned = planVolume(tools, place.context, environment, request);
  const namespace = planned.request.namespace ?? context.namespace;
  const record = await store.metadata.findNamespace(namespace, store.signal);
  const namespaceId = record?.id ?? null;
  const lane = planned.chain[0]?.lane ?? context.lane;
  const { name: volume } = planned.request;
  const chain = await heldBy(store, planned);
  return {
    context,
    namespace,
    namespaceId,
    lowLevelId: namespaceId === null ? null : lowLevelId({ namespaceId, volume, compat: planned.compat, lane }),
    planned,
    hasPlace,
    flag: flagOf(asked, context, hasPlace),
    inFile:
      hasPlace || asked.tool === unknownToolName
        ? null
        : toolInFile(
            { namespace: asked.namespace ?? context.namespace, name: asked.name, tool: asked.tool },
            context.namespace,
          ),
    refused: hasPlace ? refusalOf(selection, argument) : null,
    seed: seed === undefined || isSeededBy(request) ? request.seed : seed,
    provider: providerReport(planned),
    overridden: request.provider?.overridden ?? [],
    chain,
    tiers: await explainTiers(
      { metadata: store.metadata, layers: await store.layers() },
      { context, planned, isConfined: bounds !== undefined },
      store.signal,
    ),
    ungranted: await missingGrant(store, planned, store.signal),
    revoked: await revokedOf(store, namespaceId),
    remote: await explainRemote({ host, store }, planned, chain[0]?.held?.head ?? null),
    lifetime: await explainLifetime(
      { host, store },
      { project, planned, namespace, record, held: chain[0]?.held ?? null },
    ),
    chosenBy: argument.namespace === null ? chosenBy(selection, asked.name) : null,
    ...(await catalogWord({ host, store, providers }, project, planned)),
    note: await otherMeaning(store, argument),
    // The choice of a plain run.
    choice: chooseMounter(planned, {
      wanted: null,
      cannotMount: await whyNoMounts(host, store),
      mode: 'write',
      purpose: 'run',
      canWrite: context.canWrite,
      isLookDue: false,
    }),
  };
}

/** Returns whether the provider decides the seed. */
function isSeededBy({ seed, provided }: VolumeRequest): boolean {
  return provided !== undefined && seed?.kind === 'directory' && seed.of !== undefined;
}

async function catalogWord(
  { host, store: { metadata, signal } }: Surroundings,
  { config }: OpenProject,
  planned: PlannedVolume,
): Promise<Pick<Explained, 'catalog' | 'isLeftOut'>> {
  const policy = (await readUserConfig(host))?.policy ?? {};
  const verdict = await judgeName({ metadata, policy }, { lanePolicy: lanePolicyOf(config), signal }, planned);
  const isLeftOut = verdict?.policy === 'refuse';
  const message = verdict?.message ?? planned.request.defined?.deprecated ?? null;
  return { catalog: isLeftOut ? `${message}; a run leaves it out` : message, isLeftOut };
}

function withBounds(context: Context, bounds: Bounds | undefined): Context {
  return bounds === undefined ? context : { ...context, bounds };
}

async function revokedOf(
  { metadata, signal }: ReadStore,
  namespaceId: NamespaceId | null,
): Promise<readonly Revocation[]> {
  const found: Revocation[] = [];
  if (namespaceId === null) return [];
  for (const revocation of await metadata.revokedRuns(namespaceId, signal)) {
    // A person's revocation applies everywhere; show it in the namespace of the run.
    if (revocation.namespaceId === namespaceId) found.push(revocation);
    else if ((await metadata.run(revocation.run, signal))?.namespaceId === namespaceId) found.push(revocation);
  }
  return found;
}

/** Returns a note for `teams:npm`: it means a volume with a directory, although listings print volumes of a namespace without a slash like that. */
async function otherMeaning({ metadata, signal }: ReadStore, argument: VolumeArgument): Promise<string | null> {
  const { namespace, name, path } = argument;
  if (namespace !== null || path === null || !/^[^./~][^/]*$/.test(path)) return null;
  if ((await metadata.findNamespace(name as string as Namespace, signal)) === undefined) return null;
  return `${name}:${path} means the volume ${name} with the directory ${path}; for the volume ${path} of the namespace ${name}: -n ${name} ${path}`;
}

/** Returns why a run here cannot mount volumes; null: it can. */
async function whyNoMounts({ os, pieces }: Host, { homeDir }: ReadStore): Promise<string | null> {
  if (os !== 'linux') return 'volumes are mounted on Linux only';
  const probe = await pieces.probeMounts(homeDir);
  return probe.ok ? null : `volumes cannot be mounted here: ${probe.reason}`;
}

/** Returns what each link of the read chain holds of a volume, own lane first; null: nothing. */
export async function heldBy({ metadata, signal }: ReadStore, planned: PlannedVolume): Promise<Explained['chain']> {
  const compat = compatText(planned.compat);
  const isMeant = ({ name, compat: own }: VolumeRecord): boolean =>
    name === planned.request.name && compatText(own) === compat;
  const chain: { readonly link: ChainLink; readonly held: ListedHead | null }[] = [];
  for (const link of planned.chain) {
    const record = await metadata.findNamespace(link.namespace, signal);
    const volumes = record === undefined ? [] : await metadata.volumesOf(record.id, signal);
    const heads = await listHeadsOf(metadata, volumes.filter(isMeant), signal);
    chain.push({ link, held: heads.find(({ head }) => head.lane === link.lane) ?? null });
  }
  return chain;
}

function flagOf({ namespace, name, path, source }: VolumeRequest, context: Context, hasPlace: boolean): string {
  const address = addressText({ namespace: namespace === context.namespace ? null : namespace, name });
  if (!hasPlace) return `${address}:PATH`;
  return path !== null && source === '-v' ? `${address}:${path}` : address;
}

function refusalOf(selection: SelectionRequest, argument: VolumeArgument): string | null {
  try {
    return selectVolumes({ ...selection, asked: [argument] }).dropped[0]?.problem ?? null;
  } catch (error) {
    if (error instanceof CachelaneError) return null;
    throw error;
  }
}

function chosenBy(selection: SelectionRequest, name: string): string | null {
  try {
    return selectVolumes(selection).volumes.find(({ request }) => request.name === name)?.request.source ?? null;
  } catch (error) {
    // `run` reports other invalid volumes of the configuration.
    if (error instanceof CachelaneError) return null;
    throw error;
  }
}
