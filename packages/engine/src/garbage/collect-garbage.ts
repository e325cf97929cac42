import type { Digest, LayerId, SessionId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { removeKept } from '../volumes/kept-directories.ts';
import { deadSessions, recover, type RecoverDependencies } from '../leases/recover.ts';
import { findGrowth, shrinkAll, unmetBudgets, type GrowthFindDependencies, type PlannedGrowth } from './find-growth.ts';
import { findRemovable, type Found, type GarbageOptions, type Removable } from './find-removable.ts';
import type { PlannedEviction } from '../evictions/plan-evictions.ts';

export interface GarbageReport extends Removable {
  /** Heads that are over their budget, and what goes of each. */
  readonly growth: readonly PlannedGrowth[];
  readonly deadSessions: readonly SessionId[];
  /** Leftovers of processes that died while they wrote, and downloads that nobody went on with; empty in a dry run. */
  readonly swept: readonly string[];
}

type GarbageDependencies = Pick<EngineDependencies, 'layers' | 'transfers' | 'clock'> &
  RecoverDependencies &
  GrowthFindDependencies;

/** What {@link collectGarbage} would remove at this moment. Changes nothing. */
export async function findGarbage(
  deps: GarbageDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const { removable, left: lanes } = await findRemovable(deps, options, signal);
  const growth = await findGrowth(deps, { ...options, lanes }, signal);
  const unmet = [...removable.unmet, ...unmetBudgets(growth)];
  const dead = await deadSessions(deps, null, signal);
  return { ...removable, growth, unmet, deadSessions: dead.map(({ id }) => id), swept: [] };
}

/**
 * Evicts what policies take away, then removes what nothing refers to. A head goes in one transaction with the look whether a session has it, or used it since the decision;
 * metadata forget a layer before its files go, in one transaction with the check, so that no head can come to name it in between. The files, and those of derived layers, which metadata do not know, go inside the
 * transaction that looks who has pinned or recorded them: whoever pins one then looks whether it is still there.
 */
export async function collectGarbage(
  deps: GarbageDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const { onProgress } = options;
  const { removable: found, ...rest } = await findRemovable(deps, options, signal);
  const { directories, left: lanes } = rest;
  const dead = await deadSessions(deps, null, signal);
  await recover(deps, null, signal);
  await deps.metadata.noteDirectories(directories, signal);
  const nowMs = deps.clock.nowMs();
  const evictions: PlannedEviction[] = [];
  for (const [done, planned] of found.evictions.entries()) {
    onProgress?.({ activity: 'evicting', done, total: found.evictions.length, unit: 'states' });
    if (await evict(deps, planned, nowMs, signal)) evictions.push(planned);
  }
  onProgress?.({ activity: 'deleting', done: 0, total: found.layers.length, unit: 'layers' });
  const forgotten = await deps.metadata.forgetLayers(
    found.layers.map(({ id }) => id),
    nowMs,
    signal,
  );
  // Somebody may have made one of them again since, and found it still there.
  let gone: ReadonlySet<Digest> = new Set();
  await deps.metadata.amongUnused(
    forgotten,
    (ids) => {
      deps.layers.remove(ids as readonly LayerId[]);
      gone = new Set(ids);
    },
    signal,
  );
  let derived: readonly Digest[] = [];
  await deps.metadata.amongUnused(
    found.derived,
    (keys) => {
      deps.layers.removeDerived(keys);
      derived = keys;
    },
    signal,
  );
  await removeKept(deps.mounters, found.kept, signal);
  await noteFound(deps, rest, signal);
  const swept = [
    ...(rest.isAll ? await deps.layers.sweepImages(nowMs, signal) : []),
    ...(await deps.layers.sweep(nowMs, signal)),
    ...(await deps.transfers.sweep(nowMs, signal)),
  ];
  // It writes before anything is freed: on a full disk that needs the room which was just made.
  const over = await findGrowth(deps, { ...options, lanes }, signal);
  const growth = await shrinkAll(deps, { found: over, onProgress }, signal);
  const unmet = [...found.unmet, ...unmetBudgets(growth)];
  const layers = found.layers.filter(({ id }) => gone.has(id));
  return { ...found, evictions, growth, unmet, layers, derived, deadSessions: dead.map(({ id }) => id), swept };
}

/** What is forgotten stays loose until a later collection finds that its files are gone. Since that one looked, somebody may have made them, and let go of them: it looks again. */
async function noteFound(
  { metadata, layers, clock }: GarbageDependencies,
  { absent, held, isAll }: Pick<Found, 'absent' | 'held' | 'isAll'>,
  signal: AbortSignal,
): Promise<void> {
  if (absent.length + held.length === 0 && !isAll) return;
  const isThere = (id: LayerId): boolean => layers.isThere(id);
  await metadata.noteCollection({ absent, isThere, held, atMs: clock.nowMs(), isAll }, signal);
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
  return (await metadata.trimHistory({ volumeId, lane, fromGeneration: planned.fromGeneration, atMs }, signal)) > 0;
}
