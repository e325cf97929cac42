import {
  compatKey,
  displayPath,
  isPersonal,
  isTier,
  mergesByPath,
  parentBy,
  personalNamespace,
  sharedLinks,
  verifiedOf,
  type BytePath,
  type Context,
  type LaneName,
  type LayerId,
  type Metadata,
  type Namespace,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { listHeadsOf, type ListedHead } from '../heads/list-heads.ts';
import { isDamage } from '../base/is-damage.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { unverifiedAmong } from './feed-tier.ts';
import { isTakenAlong } from './taken-along.ts';
import { tiersOfRun, type TierOfRun } from './tiers-of-run.ts';
import { whyOtherTool } from './tool-of-tier.ts';

/** A tier's contents of a volume, and how a run here uses them. */
export interface ExplainedTier {
  readonly namespace: Namespace;
  /** How it became a tier, with what right; one clause. */
  readonly by: string;
  /** The lane that is read; null: none. */
  readonly lane: LaneName | null;
  /** Whether a run here starts with its contents. */
  readonly isRead: boolean;
  /** Why or why not; one clause. */
  readonly why: string;
  /** Layers of its lane, whether read or not. */
  readonly layers: number;
  readonly files: number;
  readonly sizeBytes: number;
  /** Whether saves here go to it. */
  readonly isFed: boolean;
  /** The rule, or why not; one clause. */
  readonly feeding: string;
}

export interface TiersQuestion {
  readonly context: Context;
  readonly planned: PlannedVolume;
  /** The caller may know only what it can read. */
  readonly isConfined: boolean;
}

type ExplainDependencies = Pick<EngineDependencies, 'metadata' | 'layers'>;

/** Returns the tiers, nearest first; changes nothing. */
export async function explainTiers(
  deps: ExplainDependencies,
  question: TiersQuestion,
  signal: AbortSignal,
): Promise<readonly ExplainedTier[]> {
  const { context, planned, isConfined } = question;
  const feeds = new Map(
    (await tiersOfRun(deps.metadata, planned, signal)).map((tier) => [tier.namespace, tier] as const),
  );
  const read = planned.chain.filter((link) => isTier(planned.own, link)).map(({ namespace }) => namespace);
  const isOwn = planned.request.namespace === null || planned.request.namespace === context.namespace;
  const personal = isOwn && !isConfined && !isPersonal(context.namespace) ? [personalNamespace] : [];
  const claimed = isOwn ? (context.claimed?.parents ?? []).map(({ namespace }) => namespace) : [];
  const names = new Set(isConfined ? read : [...read, ...planned.tiers, ...claimed, ...personal]);
  const tiers: ExplainedTier[] = [];
  let isFound = await holdsOwn(deps.metadata, planned, signal);
  for (const namespace of names) {
    const reading = await readingOf(deps.metadata, { ...question, namespace, isFound }, signal);
    isFound ||= reading.isRead;
    const feed = feeds.get(namespace);
    const why = feed === undefined ? null : (feed.why ?? (await refusedHere(deps, { planned, feed }, signal)));
    const told = why !== null && isConfined ? 'it takes nothing from runs here' : why;
    const isFed = feed !== undefined && why === null;
    const by = feed?.rule ?? null;
    const rule = by === null ? 'it takes what its tool verifies' : `its rule is for ${ruleText(by)}`;
    const feeding = told ?? (feed === undefined ? 'it takes nothing' : rule);
    tiers.push({ namespace, by: tierBy(context, namespace), ...reading, isFed, feeding });
  }
  return tiers;
}

function tierBy(context: Context, namespace: Namespace): string {
  if (!isPersonal(namespace)) return parentBy(context, namespace);
  return context.inputs.find(({ name }) => name === 'personal tier')?.source ?? 'nobody';
}

function ruleText({
  from,
  volume,
  lanes,
}: NonNullable<Awaited<ReturnType<typeof tiersOfRun>>[number]['rule']>): string {
  const what = volume === null ? 'what' : `${volume}, as`;
  const where = lanes === 'default' ? 'the default branch' : lanes;
  return `${what} ${from.namespace}${from.below ? '/**' : ''} saves in ${where}`;
}

async function holdsOwn(metadata: Metadata, planned: PlannedVolume, signal: AbortSignal): Promise<boolean> {
  for (const link of planned.chain.filter((each) => !isTier(planned.own, each))) {
    const { held } = await headAt(metadata, { planned, ...link }, signal);
    if (held !== null && held.head.layers.length > 0) return true;
  }
  return false;
}

interface ReadingQuestion extends TiersQuestion {
  readonly namespace: Namespace;
  /** Whether a nearer link has contents. */
  readonly isFound: boolean;
}

type Reading = Pick<ExplainedTier, 'lane' | 'isRead' | 'why' | 'layers' | 'files' | 'sizeBytes'>;

const nothing = { isRead: false, layers: 0, files: 0, sizeBytes: 0 } as const;

async function readingOf(
  metadata: Metadata,
  { context, planned, namespace, isFound }: ReadingQuestion,
  signal: AbortSignal,
): Promise<Reading> {
  const lane = planned.chain.find((link) => link.namespace === namespace)?.lane ?? null;
  if (lane === null) return { ...nothing, lane, why: whyNotRead(context, planned, namespace) };
  const { held, missing } = await headAt(metadata, { planned, namespace, lane }, signal);
  if (held === null || held.head.layers.length === 0) {
    return { ...nothing, lane, why: missing ?? `it has nothing on lane ${lane}` };
  }
  const has = { lane, layers: held.head.layers.length, files: held.files, sizeBytes: held.sizeBytes };
  if (mergesByPath(planned.tool)) return { ...has, isRead: true, why: 'merged below nearer contents, path by path' };
  return isFound
    ? {
        ...has,
        isRead: false,
        why: 'a nearer tier has contents, and this tool cannot merge them',
      }
    : { ...has, isRead: true, why: 'no nearer tier has contents: a first run starts with these' };
}

function whyNotRead(context: Context, { tool, request: { name } }: PlannedVolume, namespace: Namespace): string {
  const isShared = sharedLinks(context, [{ namespace, lane: context.lane }], name).length > 0;
  if (!isShared) return `${context.namespace} has no grant for its ${name}`;
  if (!isPersonal(namespace)) return `a run in lane ${context.lane} reads no other namespaces`;
  if (verifiedOf(tool) === null) return `${tool.name} does not verify the contents of its cache`;
  return context.inputs.some((input) => input.name === 'personal tier')
    ? `lane ${context.lane} does not use it`
    : 'it is not enabled: personal-tier: true in config.yaml, or CACHELANE_PERSONAL_TIER=1';
}

interface PlaceOf {
  readonly planned: PlannedVolume;
  readonly namespace: Namespace;
  readonly lane: LaneName;
}

/** `missing`: why there is no such volume, one clause; null if it exists. */
async function headAt(
  metadata: Metadata,
  { planned, namespace, lane }: PlaceOf,
  signal: AbortSignal,
): Promise<{ readonly held: ListedHead | null; readonly missing: string | null }> {
  const record = await metadata.findNamespace(namespace, signal);
  if (record === undefined) return { held: null, missing: 'the namespace is unknown here' };
  const named = (await metadata.volumesOf(record.id, signal)).filter(({ name }) => name === planned.request.name);
  if (named.length === 0) return { held: null, missing: `it has no volume ${planned.request.name}` };
  const key = compatKey(planned.compat);
  const volumes = named.filter(({ compat }) => compatKey(compat) === key);
  if (volumes.length === 0) return { held: null, missing: `its ${planned.request.name} is for another compat` };
  const heads = await listHeadsOf(metadata, volumes, signal);
  return { held: heads.find(({ head }) => head.lane === lane) ?? null, missing: null };
}

/** Returns why the own lane's contents do not go there although a rule matches. */
async function refusedHere(
  deps: ExplainDependencies,
  { planned, feed: { namespace, id: tierId } }: { readonly planned: PlannedVolume; readonly feed: TierOfRun },
  signal: AbortSignal,
): Promise<string | null> {
  const own = await headAt(deps.metadata, { planned, ...planned.own }, signal);
  const tier = await headAt(deps.metadata, { planned, namespace, lane: planned.own.lane }, signal);
  const volume = tier.held?.volume;
  const otherTool =
    tierId === null
      ? null
      : await whyOtherTool(deps.metadata, { planned, tier: { namespace, id: tierId }, volume }, signal);
  if (otherTool !== null) return otherTool.message;
  const there = new Set<LayerId>(tier.held?.head.layers);
  const ids = (own.held?.head.layers ?? []).filter((id) => !there.has(id));
  try {
    if (isPersonal(namespace)) {
      const path = await unverifiedAmong(deps, { ids, tool: planned.tool }, signal);
      return path === null
        ? null
        : `it holds ${displayPath(path as BytePath)}, which ${planned.tool.name} does not verify`;
    }
    const isOfOthers = tierId !== null && (await isTakenAlong(deps, { planned, tierId, ids }, signal));
    return isOfOthers ? "its own lane is based on another tier's contents, and those are not passed on" : null;
  } catch (error) {
    if (isDamage(error)) return 'layers of its own lane cannot be read; run cachelane verify';
    throw error;
  }
}
