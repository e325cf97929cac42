import {
  compareTrust,
  laneTrust,
  limits,
  type CollectionFacts,
  type Digest,
  type KeptDirectory,
  type LayerId,
  type OwnDirectory,
  type SessionId,
  type StatedPolicy,
  type TrustLevel,
} from '@cachelane/core';
import type { EngineDependencies } from '../engine.ts';
import { findKept, removeKept } from '../kept-directories.ts';
import { deadSessions, recover, type RecoverDependencies } from '../sessions/recover.ts';
import { findGrowth, shrinkAll, unmetBudgets, type GrowthFindDependencies, type PlannedGrowth } from './find-growth.ts';
import { planEvictions, type EvictionPlan, type PlannedEviction, type UnmetLimit } from './plan-evictions.ts';

interface GarbageLayer {
  readonly id: LayerId;
  readonly sizeBytes: number;
  readonly sealedAtMs: number;
}

export interface GarbageOptions {
  /** What the person's own file says. */
  readonly policy: StatedPolicy;
  /** For want of room only lanes of this level and below go. */
  readonly upTo: TrustLevel;
  /** Whether a project's directory, an absolute path, is there. */
  readonly isThere: (path: string) => boolean;
}

export interface GarbageReport {
  /** What policies take away, in order. */
  readonly evictions: readonly PlannedEviction[];
  /** Heads that are over their budget, and what goes of each. */
  readonly growth: readonly PlannedGrowth[];
  /** Limits that are not kept all the same. */
  readonly unmet: readonly UnmetLimit[];
  /** Layers that no head, history or live session refers to, once those are gone. */
  readonly layers: readonly GarbageLayer[];
  /** The same, so young that a run may be about to refer to them: they stay for now. */
  readonly young: readonly GarbageLayer[];
  /** Derived layers that no run used for a while; they are made again when needed. */
  readonly derived: readonly Digest[];
  /** Directories that mounters keep, of volumes that are gone or that no run used for a while; for want of space also of others. */
  readonly kept: readonly KeptDirectory[];
  readonly deadSessions: readonly SessionId[];
  /** Leftovers of processes that died while they wrote, and downloads that nobody went on with; empty in a dry run. */
  readonly swept: readonly string[];
}

/** A derived layer costs directory entries only, and seconds to make again. */
const derivedIdleMs = 7 * 24 * 3600 * 1000;

/** A directory that is kept saves the time to make it, seconds for a big volume, and takes as much room as its contents. */
const keptIdleMs = 14 * 24 * 3600 * 1000;

type GarbageDependencies = Pick<EngineDependencies, 'layers' | 'transfers' | 'clock'> &
  RecoverDependencies &
  GrowthFindDependencies;

/** What {@link collectGarbage} would remove at this moment. Changes nothing. */
export async function findGarbage(
  deps: GarbageDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const { directories: _, left: lanes, ...found } = await findRemovable(deps, options, signal);
  const growth = await findGrowth(deps, { lanes, upTo: options.upTo }, signal);
  const unmet = [...found.unmet, ...unmetBudgets(growth)];
  const dead = await deadSessions(deps, null, signal);
  return { ...found, growth, unmet, deadSessions: dead.map(({ id }) => id), swept: [] };
}

export type Removable = Omit<GarbageReport, 'growth' | 'deadSessions' | 'swept'> &
  Pick<CollectionFacts, 'directories'> &
  Pick<EvictionPlan, 'left'>;

type RemovableDependencies = Pick<EngineDependencies, 'layers' | 'clock' | 'metadata' | 'mounters'>;

/** What could go at this moment; what dead sessions still pin is not among it. */
export async function findRemovable(
  deps: RemovableDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<Removable> {
  const nowMs = deps.clock.nowMs();
  const idle = (await deps.layers.listDerived(signal)).filter(({ usedAtMs }) => usedAtMs < nowMs - derivedIdleMs);
  // After the list: a session that mounts one of them meanwhile has pinned it by now, or will find it gone and make it anew.
  const facts = await deps.metadata.collectionFacts(signal);
  const directories = facts.directories.map((each) => look(each, options, nowMs));
  const layers = await deps.layers.list(signal);
  const spare = await findSpare(deps, options, nowMs, signal);
  const plan = planEvictions({
    facts: { ...facts, directories },
    policies: { user: options.policy, stored: facts.policies, lanes: facts.lanePolicies },
    sizes: new Map(layers.map(({ id, sizeBytes }) => [id, sizeBytes])),
    space: await deps.layers.space(signal),
    nowMs,
    upTo: options.upTo,
    hasSpare: spare.length > 0,
  });
  const isOld = ({ sealedAtMs }: GarbageLayer): boolean => sealedAtMs < nowMs - limits.sweepGraceMs;
  const unreferenced = layers.filter(({ id }) => !plan.held.has(id));
  return {
    evictions: plan.evictions,
    unmet: plan.unmet,
    left: plan.left,
    layers: unreferenced.filter(isOld),
    young: unreferenced.filter((layer) => !isOld(layer)),
    derived: idle.flatMap(({ key }) => (plan.held.has(key as LayerId) ? [] : [key])),
    kept: [...(await findIdle(deps, { facts, plan, nowMs }, signal)), ...(plan.isPressed ? spare : [])].filter(
      ({ dir }, index, all) => all.findIndex((each) => each.dir === dir) === index,
    ),
    directories,
  };
}

/** Since when it is gone is noted by the collection that finds it so first. */
function look(directory: OwnDirectory, { isThere }: GarbageOptions, nowMs: number): OwnDirectory {
  return { ...directory, goneSinceMs: isThere(directory.path) ? null : (directory.goneSinceMs ?? nowMs) };
}

interface Planned {
  readonly facts: CollectionFacts;
  readonly plan: EvictionPlan;
  readonly nowMs: number;
}

async function findIdle(
  { mounters }: RemovableDependencies,
  { facts, plan, nowMs }: Planned,
  signal: AbortSignal,
): Promise<readonly KeptDirectory[]> {
  const gone = new Set(plan.evictions.flatMap(({ kind, held }) => (kind === 'head' ? [held.head] : [])));
  const left = new Set(facts.heads.filter((head) => !gone.has(head)).map(({ volumeId }) => volumeId));
  const evicted = new Set([...gone].flatMap(({ volumeId }) => (left.has(volumeId) ? [] : [volumeId])));
  const volumes = new Set(facts.volumes.flatMap(({ id }) => (evicted.has(id) ? [] : [id])));
  return await findKept(
    mounters,
    ({ volume, usedAtMs, hasUnsaved }) =>
      usedAtMs < nowMs - (hasUnsaved || volumes.has(volume) ? keptIdleMs : limits.sweepGraceMs),
    signal,
  );
}

/** What can be made again of the layers, and of which nothing is lost: it goes before any head where space is wanted. */
async function findSpare(
  { mounters }: RemovableDependencies,
  { upTo }: GarbageOptions,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly KeptDirectory[]> {
  return await findKept(
    mounters,
    ({ usedAtMs, hasUnsaved, lane }) =>
      !hasUnsaved && usedAtMs < nowMs - limits.sweepGraceMs && compareTrust(laneTrust(lane), upTo) <= 0,
    signal,
  );
}

/**
 * Evicts what policies take away, then removes what nothing refers to. A head goes in one transaction with the look whether a session has it, or used it since the decision;
 * metadata forget a layer before its files go, in one transaction with the check, so that no session can pin it in between. Derived layers, which metadata do not know, go inside the transaction that looks who has
 * pinned them: whoever pins one then looks whether it is still there.
 */
export async function collectGarbage(
  deps: GarbageDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const { directories, left: lanes, ...found } = await findRemovable(deps, options, signal);
  const dead = await deadSessions(deps, null, signal);
  await recover(deps, null, signal);
  await deps.metadata.noteDirectories(directories, signal);
  const nowMs = deps.clock.nowMs();
  const evictions: PlannedEviction[] = [];
  for (const planned of found.evictions) {
    if (await evict(deps, planned, nowMs, signal)) evictions.push(planned);
  }
  const forgotten = new Set(
    await deps.metadata.forgetLayers(
      found.layers.map(({ id }) => id),
      nowMs,
      signal,
    ),
  );
  await deps.layers.remove([...forgotten], signal);
  let derived: readonly Digest[] = [];
  await deps.metadata.amongUnpinned(
    found.derived,
    (keys) => {
      deps.layers.removeDerived(keys);
      derived = keys;
    },
    signal,
  );
  await removeKept(deps.mounters, found.kept, signal);
  const swept = [...(await deps.layers.sweep(nowMs, signal)), ...(await deps.transfers.sweep(nowMs, signal))];
  // It writes before anything is freed: on a full disk that needs the room which was just made.
  const over = await findGrowth(deps, { lanes, upTo: options.upTo }, signal);
  const growth = await shrinkAll(deps, over, signal);
  const unmet = [...found.unmet, ...unmetBudgets(growth)];
  const layers = found.layers.filter(({ id }) => forgotten.has(id));
  return { ...found, evictions, growth, unmet, layers, derived, deadSessions: dead.map(({ id }) => id), swept };
}

/** False where it is not as it was any more. */
async function evict(
  { metadata }: GarbageDependencies,
  planned: PlannedEviction,
  atMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { policy, why } = planned;
  const { volumeId, lane, generation, usedAtMs } = planned.held.head;
  if (planned.kind === 'head') {
    return await metadata.evict({ volumeId, lane, generation, usedAtMs, policy, why, atMs }, signal);
  }
  return (await metadata.trimHistory({ volumeId, lane, fromGeneration: planned.fromGeneration }, signal)) > 0;
}
