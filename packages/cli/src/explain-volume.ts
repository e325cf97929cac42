import {
  CachelaneError,
  configFileName,
  lowLevelId,
  type ChainLink,
  type Context,
  type LowLevelId,
  type MounterName,
  type Namespace,
  type NamespaceId,
  type Tool,
} from '@cachelane/core';
import { chooseMounter, planVolume, type PlannedVolume } from '@cachelane/engine';
import { compatText, projectOf, type ProjectQuestion } from './find-volume.ts';
import { formatBytes, formatFields, formatTable, formatTime } from './format.ts';
import { listHeads, type ListedHead } from './heads.ts';
import type { Host } from './host.ts';
import { toolEnvironmentOf } from './project.ts';
import { isoTime } from './print.ts';
import { linkText } from './reporters/words.ts';
import type { ReadStore } from './store.ts';
import type { VolumeArgument } from './volume-argument.ts';
import { commitText, isUntried, storedLines, syncText, triedText } from './tool-words.ts';
import { selectVolume, selectVolumes, type SelectionRequest } from './volumes.ts';

export interface Explained {
  readonly context: Context;
  readonly namespace: Namespace;
  /** Null until the first run gives the namespace its id. */
  readonly namespaceId: NamespaceId | null;
  readonly lowLevelId: LowLevelId | null;
  readonly planned: PlannedVolume;
  readonly chain: readonly { readonly link: ChainLink; readonly held: ListedHead | null }[];
  /** What makes a plain `cachelane run` attach it: a lockfile, a line of the file; null where nothing does. */
  readonly chosenBy: string | null;
}

interface Surroundings {
  readonly host: Host;
  readonly store: ReadStore;
}

/** Errors: E_VOLUME, E_CONFIG, and those of the project. */
export async function explainVolume(
  { host, store }: Surroundings,
  question: ProjectQuestion,
  argument: VolumeArgument,
): Promise<Explained> {
  const project = await projectOf(host, question);
  const { context, config, topDir } = project;
  const environment = toolEnvironmentOf(host, project);
  const tools = await host.pieces.loadTools();
  const selection: SelectionRequest = {
    asked: [],
    sharing: () => null,
    commit: () => null,
    config,
    tools,
    environment,
    topDir,
    storeDir: store.homeDir,
  };
  const planned = planVolume(tools, context, environment, selectVolume(argument, selection).request);
  const namespace = planned.request.namespace ?? context.namespace;
  const record = await store.metadata.findNamespace(namespace, store.signal);
  const namespaceId = record?.id ?? null;
  const lane = planned.chain[0]?.lane ?? context.lane;
  const { name: volume } = planned.request;
  return {
    context,
    namespace,
    namespaceId,
    lowLevelId: namespaceId === null ? null : lowLevelId({ namespaceId, volume, compat: planned.compat, lane }),
    planned,
    chain: await heldBy(store, planned),
    chosenBy: argument.namespace === null ? chosenBy(selection, volume) : null,
  };
}

async function heldBy(store: ReadStore, planned: PlannedVolume): Promise<Explained['chain']> {
  const heads = await listHeads(store);
  const compat = compatText(planned.compat);
  const ids = new Map<string, string | undefined>();
  for (const { namespace } of planned.chain) {
    ids.set(namespace, (await store.metadata.findNamespace(namespace, store.signal))?.id);
  }
  return planned.chain.map((link) => {
    const isHeld = ({ volume, head }: ListedHead): boolean =>
      volume.namespaceId === ids.get(link.namespace) &&
      volume.name === planned.request.name &&
      compatText(volume.compat) === compat &&
      head.lane === link.lane;
    return { link, held: heads.find(isHeld) ?? null };
  });
}

/** What the lane that a run would write holds of a volume; null where that is nothing yet. */
export async function ownHead(store: ReadStore, planned: PlannedVolume): Promise<ListedHead | null> {
  return (await heldBy(store, planned))[0]?.held ?? null;
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
    path: planned.target,
    pathSource: planned.targetSource,
    mounter: mounterOf(explained),
    chosenBy,
    compat,
    tool: toolJson(tool),
    commit: planned.commit,
    sync: planned.sync,
    chain: chain.map(({ link, held }) => ({
      namespace: link.namespace,
      lane: link.lane,
      generation: held?.head.generation ?? 0,
      layers: held?.head.layers ?? [],
      files: held?.files ?? 0,
      sizeBytes: held?.sizeBytes ?? 0,
      updatedAt: held === null ? null : isoTime(held.head.updatedAtMs),
    })),
    why: whyText(explained),
  };
}

function toolJson(tool: Tool): unknown {
  const { name, summary, commitWhen, prune, versions, tried } = tool;
  return { name, summary, commitWhen, prune, versions, stored: storedLines(tool), tried };
}

export function explainText(explained: Explained): string {
  const { context, namespace, namespaceId, planned, chain, chosenBy } = explained;
  const { request, tool, compat } = planned;
  const lane = chain[0]?.link.lane ?? context.lane;
  const fields = formatFields([
    ['volume', `${namespace}:${request.name}`],
    ['lane', `${lane} (level ${context.trust})`],
    ['path', `${planned.target} (${planned.targetSource})`],
    ['mounter', mounterText(explained)],
    ['attached by', chosenBy === null ? `-v ${request.name}` : `cachelane run, because of ${chosenBy}`],
    ['tool', `${tool.name}: ${tool.summary}`],
    ['saved', savedText(explained)],
    ['sync', `${syncText(planned.sync)}${request.sync === null ? '' : `, says ${configFileName}`}`],
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
  return `${fields}\n${table}\n${whyText(explained)}\n`;
}

/** What a plain run here would use, as far as it can be told without mounting anything. */
function mounterOf({ context, planned }: Explained): { readonly mounter: MounterName; readonly why: string } {
  const cannotMount = process.platform === 'linux' ? null : 'volumes are mounted on Linux only';
  const { mounter, why } = chooseMounter(planned, {
    wanted: null,
    cannotMount,
    mode: 'write',
    purpose: 'run',
    canWrite: context.canWrite,
  });
  return { mounter, why };
}

function mounterText(explained: Explained): string {
  const { mounter, why } = mounterOf(explained);
  return mounter === 'overlay'
    ? 'overlay; clone where nothing can be mounted (cachelane doctor)'
    : `${mounter}: ${why}`;
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

function whyText({ context, namespace, planned, chain }: Explained): string {
  const warm = chain.filter(({ held }) => held !== null).map(({ link }) => linkText(link, namespace));
  const start =
    warm.length === 0 ? 'A run here starts cold' : `A run here starts with what is in ${warm.join(', then ')}`;
  const lane = chain[0]?.link.lane ?? context.lane;
  const when = planned.commit === 'success' ? 'when the command succeeded' : 'when the command ended by itself';
  const saves = context.canWrite && planned.commit !== 'never';
  const end = saves ? `adds what it changed to ${lane} ${when}` : 'saves nothing';
  const untried = isUntried(planned.tool) ? ` Nobody has tried these rules with ${planned.tool.name} itself yet.` : '';
  return `${start}, and ${end}: ${context.why}.${untried}`;
}
