import {
  type Bounds,
  CachelaneError,
  type ChainLink,
  type Context,
  type Namespace,
  type NamespaceId,
  type Revocation,
  type Tool,
  type ToolEnvironment,
  type VolumeRecord,
  type VolumeSeed,
  configFileName,
  lowLevelId,
  seedText,
} from '@cachelane/core';
import {
  type ListedHead,
  type PlannedVolume,
  type VolumeRequest,
  chooseMounter,
  explainTiers,
  isUnstored,
  judgeName,
  listHeadsOf,
  missingGrant,
  planVolume,
  provideVolume,
  providerReport,
} from '@cachelane/engine';
import { explainLifetime, lifetimeFields, lifetimeJson } from './explain-lifetime.ts';
import { definitionFields, definitionJson, providerFields, providerJson } from './explain-provider.ts';
import { explainRemote, explainedRemoteJson, explainedRemoteText } from './explain-remote.ts';
import { tiersJson, tiersText } from './explain-tiers.ts';
import { explainedRequest } from './explained-request.ts';
import type { Explained } from './explained.ts';
import { compatText } from '../context/find-volume.ts';
import { formatBytes, formatFields, formatTable, formatTime, plural, printable } from '../base/format.ts';
import type { Host } from '../host/host.ts';
import { lanePolicyOf } from '../config/lane-policy.ts';
import { isoTime, shortId } from '../host/print.ts';
import type { OpenProject } from '../context/project.ts';
import { openProviders } from '../providers/open-providers.ts';
import type { ProviderWishes } from '../providers/provider-wishes.ts';
import { linkText } from '../reporters/words.ts';
import { settledParents } from '../context/settled-parents.ts';
import type { ReadStore } from '../home/store.ts';
import { commitText, isUntried, storedLines, syncText, triedText } from '../inspect/tool-words.ts';
import { readUserConfig } from '../config/user-config.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';
import { type SelectionRequest, plainSelection, selectVolumes } from '../volumes/volumes.ts';

interface Surroundings {
  readonly host: Host;
  readonly store: ReadStore;
  readonly providers: ProviderWishes;
}

/** Whom it is explained to. */
interface ExplainedFor {
  /** Instead of what the project's file says; null: none. */
  readonly seed?: VolumeSeed | null;
  /** Of a confined session. */
  readonly bounds?: Bounds | undefined;
  /** False: a stored volume may be explained without a path. */
  readonly needsPlace?: boolean;
}

/** Where it is asked, as that was found: files are not looked at again. */
interface ExplainedIn {
  readonly project: OpenProject;
  readonly environment: ToolEnvironment;
}

/** Errors: E_VOLUME, E_CONFIG. */
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
    // As a plain run here would choose.
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

/** Its provider says what lies below it, whatever else was asked for. */
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
    // A person's word counts everywhere, and is told where the run was.
    if (revocation.namespaceId === namespaceId) found.push(revocation);
    else if ((await metadata.run(revocation.run, signal))?.namespaceId === namespaceId) found.push(revocation);
  }
  return found;
}

/** `teams:npm` is a volume and a directory, as after `run -v`, though listings write the volumes of a namespace without a slash so. */
async function otherMeaning({ metadata, signal }: ReadStore, argument: VolumeArgument): Promise<string | null> {
  const { namespace, name, path } = argument;
  if (namespace !== null || path === null || !/^[^./~][^/]*$/.test(path)) return null;
  if ((await metadata.findNamespace(name as string as Namespace, signal)) === undefined) return null;
  return `${name}:${path} means the volume ${name} with the directory ${path}; for the volume ${path} of the namespace ${name}: -n ${name} ${path}`;
}

/** As a run finds it out, by mounting something; null where that works. */
async function whyNoMounts({ os, pieces }: Host, { homeDir }: ReadStore): Promise<string | null> {
  if (os !== 'linux') return 'volumes are mounted on Linux only';
  const probe = await pieces.probeMounts(homeDir);
  return probe.ok ? null : `volumes cannot be mounted here: ${probe.reason}`;
}

/** What each link of the read chain holds of a volume, the own lane first; null where that is nothing yet. */
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

function chosenBy(selection: SelectionRequest, name: string): string | null {
  try {
    return selectVolumes(selection).volumes.find(({ request }) => request.name === name)?.request.source ?? null;
  } catch (error) {
    // Another volume of the file is wrong: that is for `run` to say.
    if (error instanceof CachelaneError) return null;
    throw error;
  }
}

export function explainJson(explained: Explained): unknown {
  const { context, namespace, namespaceId, planned, chain, chosenBy } = explained;
  const { request, tool, compat } = planned;
  const lane = chain[0]?.link.lane ?? context.lane;
  return {
    namespace,
    volume: request.name,
    lowLevelId: explained.lowLevelId,
    inputs: { namespaceId, volume: request.name, compat, lane },
    lane,
    trust: context.trust,
    canWrite: context.canWrite,
    path: explained.hasPlace ? planned.target : null,
    pathSource: explained.hasPlace ? planned.targetSource : null,
    mounter: { mounter: explained.choice.mounter, why: explained.choice.why },
    sharing: { sharing: explained.choice.sharing, asked: request.sharing },
    chosenBy,
    provider: providerJson(explained),
    definition: definitionJson(request),
    compat,
    seed: explained.seed === null ? null : seedText(explained.seed),
    tool: toolJson(tool),
    commit: planned.commit,
    sync: planned.sync,
    remote: explainedRemoteJson(explained.remote),
    revoked: explained.revoked.map(({ run, atMs, by }) => ({ run, at: isoTime(atMs), by })),
    ...lifetimeJson(explained.lifetime),
    chain: chain.map(({ link, held }) => ({
      namespace: link.namespace,
      lane: link.lane,
      generation: held?.head.generation ?? 0,
      layers: held?.head.layers ?? [],
      files: held?.files ?? 0,
      sizeBytes: held?.sizeBytes ?? 0,
      updatedAt: held === null ? null : isoTime(held.head.updatedAtMs),
    })),
    tiers: tiersJson(explained.tiers),
    why: whyText(explained),
    catalog: explained.catalog,
    note: explained.note,
  };
}

function toolJson(tool: Tool): unknown {
  const { name, summary, commitWhen, prune, versions, tried } = tool;
  return { name, summary, commitWhen, prune, versions, stored: storedLines(tool), tried };
}

export function explainText(explained: Explained): string {
  const { context, namespace, namespaceId, planned, chain, chosenBy, choice } = explained;
  const { request, tool, compat } = planned;
  const lane = chain[0]?.link.lane ?? context.lane;
  const fields = formatFields([
    ['volume', `${namespace}:${request.name}`],
    ['lane', `${lane} (level ${context.trust})`],
    ['path', pathText(explained)],
    ['mounter', `${choice.mounter}: ${choice.why}`],
    ['sharing', sharingText(explained)],
    ...providerFields(explained),
    ...definitionFields(request),
    ...(explained.seed === null
      ? []
      : [['seed', `${seedText(explained.seed)}, below all that is read and never saved`] as const]),
    ...(explained.catalog === null ? [] : [['catalog', explained.catalog] as const]),
    ['attached by', chosenBy === null ? `-v ${request.name}` : `cachelane run, because of ${chosenBy}`],
    ['tool', `${tool.name}: ${tool.summary}`],
    ['saved', savedText(explained)],
    ['sync', `${syncText(planned.sync)}${request.sync === null ? '' : `, says ${configFileName}`}`],
    ['shared', explainedRemoteText(explained.remote)],
    ...explained.revoked.map(
      ({ run, atMs, by }) => ['revoked', `${shortId(run)}, ${formatTime(atMs)} by ${by}`] as const,
    ),
    ...lifetimeFields(explained.lifetime),
    ['checks', checksText(tool)],
    ['tried', triedText(tool)],
    ['compat', compatText(compat)],
    ['versions', tool.versions],
    ['low-level id', explained.lowLevelId ?? 'none yet: the namespace gets its id in its first run'],
    ['made of', `namespace ${namespaceId ?? '?'}, volume ${request.name}, compat ${compatText(compat)}, lane ${lane}`],
  ]);
  const table = formatTable(
    [
      { title: 'READS' },
      { title: 'GEN', align: 'right' },
      { title: 'LAYERS', align: 'right' },
      { title: 'FILES', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'UPDATED' },
    ],
    chain.map(({ link, held }) => [
      linkText(link, namespace),
      String(held?.head.generation ?? 0),
      String(held?.head.layers.length ?? 0),
      String(held?.files ?? 0),
      formatBytes(held?.sizeBytes ?? 0),
      held === null ? '-' : formatTime(held.head.updatedAtMs),
    ]),
  );
  const note = explained.note === null ? '' : `\n${explained.note}\n`;
  return `${answerText(explained)}\n\n${fields}\n${table}\n${tiersText(explained.tiers)}${whyText(explained)}\n${note}`;
}

function pathText({ planned, hasPlace }: Explained): string {
  return hasPlace
    ? `${planned.target} (${planned.targetSource})`
    : `each run names it: -v ${planned.request.name}:PATH`;
}

/** Returns one sentence: which volume a run gets, and why. */
function answerText({ namespace, planned, hasPlace, chosenBy }: Explained): string {
  const { name } = planned.request;
  const where = hasPlace ? ` at ${planned.target}` : '';
  const why = chosenBy === null ? `if it asks with -v ${name}${hasPlace ? '' : ':PATH'}` : `because of ${chosenBy}`;
  return `You get ${namespace}:${name}${where}, ${why}.`;
}

/** Returns the answer and the fields that most people need. `typed` is the volume as it was asked for. */
export function explainBriefly(explained: Explained, typed: string): string {
  const { namespace, planned, chain, context, seed, catalog, provider, note } = explained;
  const reads = chain.map(({ link, held }) => {
    const holds = held === null ? 'nothing yet' : `${plural(held.files, 'file')}, ${formatBytes(held.sizeBytes)}`;
    return ['reads', `${linkText(link, namespace)}: ${holds}`] as const;
  });
  const [kept] = lifetimeFields(explained.lifetime);
  const fields = formatFields([
    ['path', pathText(explained)],
    ['writes', chain[0]?.link.lane ?? context.lane],
    ...reads.slice(0, 3),
    ...(provider === null ? [] : providerFields(explained)),
    ...(seed === null ? [] : [['seed', seedText(seed)] as const]),
    ...(catalog === null ? [] : [['catalog', catalog] as const]),
    ['tool', `${planned.tool.name}: ${planned.tool.summary}`],
    ['saved', `${commitText(planned.commit)} (${planned.commit})`],
    ['shared', explainedRemoteText(explained.remote)],
    ...(kept === undefined ? [] : [kept]),
  ]);
  const rest = note === null ? '' : `\n${note}\n`;
  const more = `More: cachelane explain ${printable(typed)} --verbose\n`;
  return `${answerText(explained)}\n${whyText(explained)}\n\n${fields}${rest}\n${more}`;
}

/** Who may save nothing is not let in where others work, whatever the file says. */
function sharingText({ choice: { sharing }, planned: { request } }: Explained): string {
  if (request.sharing === null) return sharing;
  return request.sharing === sharing
    ? `${sharing} (${configFileName})`
    : `${sharing}, not ${request.sharing} as in ${configFileName}`;
}

function savedText({ planned }: Explained): string {
  const { request, commit } = planned;
  const who = request.commit === null ? `${planned.tool.name}'s rule` : configFileName;
  return `${commitText(commit)} (${commit}, ${who}); --commit decides otherwise`;
}

function checksText(tool: Tool): string {
  const lines = storedLines(tool);
  const checked = lines.filter((line) => line.checked !== 'never').map(({ what, checked }) => `${what} ${checked}`);
  return checked.length === 0 ? 'the tool checks nothing that it finds' : `the tool checks ${checked.join(', ')}`;
}

function whyText(explained: Explained): string {
  const { context, namespace, planned, chain, tiers, seed, provider, ungranted, isLeftOut } = explained;
  if (isLeftOut) return 'A run here leaves it out: catalog-names is refuse, and it is in no catalog.';
  if (provider !== null && isUnstored(planned))
    return `A run here finds ${provider.gives}, and cachelane saves nothing of it: ${provider.provider} (${provider.chosenBy}).`;
  const idle = new Set(tiers.flatMap(({ namespace: tier, isRead }) => (isRead ? [] : [tier])));
  const read = chain.filter(({ link }) => !idle.has(link.namespace));
  const warm = read.filter(({ held }) => held !== null).map(({ link }) => linkText(link, namespace));
  const all = seed === null ? warm : [...warm, `its seed ${seedText(seed)}`];
  const start =
    all.length === 0 ? 'A run here starts cold' : `A run here starts with what is in ${all.join(', then ')}`;
  const lane = chain[0]?.link.lane ?? context.lane;
  const when = planned.commit === 'success' ? 'when the command succeeded' : 'when the command ended by itself';
  const saves = context.canWrite && planned.commit !== 'never';
  if (saves && ungranted !== null) return `${start}, and saves nothing: ${ungranted.message}; ${ungranted.hint ?? ''}.`;
  const end = saves ? `adds what it changed to ${lane} ${when}` : 'saves nothing';
  const untried = isUntried(planned.tool) ? ` Nobody has tried these rules with ${planned.tool.name} itself yet.` : '';
  return `${start}, and ${end}: ${context.why}.${untried}`;
}
