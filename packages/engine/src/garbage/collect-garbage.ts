import type { Digest, LayerId, SessionId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { removeKept } from '../volumes/kept-directories.ts';
import { deadSessions, recover, type RecoverDependencies } from '../leases/recover.ts';
import { findGrowth, shrinkAll, unmetBudgets, type GrowthFindDependencies, type PlannedGrowth } from './find-growth.ts';
import { findRemovable, type Found, type GarbageOptions, type Removable } from './find-removable.ts';
import type { PlannedEviction } from '../evictions/plan-evictions.ts';

export interface GarbageReport extends Removable {
  /** Heads over their budget, and what to remove from each. */
  readonly growth: readonly PlannedGrowth[];
  readonly deadSessions: readonly SessionId[];
  /** Removed leftovers of dead processes and abandoned downloads; empty in a dry run. */
  readonly swept: readonly string[];
}

type GarbageDependencies = Pick<EngineDependencies, 'layers' | 'transfers' | 'clock'> &
  RecoverDependencies &
  GrowthFindDependencies;

/** Returns what {@link collectGarbage} would remove now. Changes nothing. */
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
 * Evicts by policies, then deletes unused layers. One transaction checks that no session uses a head and deletes it. Another checks that a
 * layer is unused and deletes its record, so that no head can name it before its files are deleted. Files, also of derived layers, are
 * deleted inside the transaction that checks pins. A session pins a layer first and then checks that it exists.
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
  // A session may have made one again, or pinned one that still exists.
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
  // This writes before it frees, so it runs after space was made.
  const over = await findGrowth(deps, { ...options, lanes }, signal);
  const growth = await shrinkAll(deps, { found: over, onProgress }, signal);
  const unmet = [...found.unmet, ...unmetBudgets(growth)];
  const layers = found.layers.filter(({ id }) => gone.has(id));
  return { ...found, evictions, growth, unmet, layers, derived, deadSessions: dead.map(({ id }) => id), swept };
}

/**
 * Records loose layers. A deleted record stays loose until a later collection finds its files gone. A session may have made the files again
 * since this collection looked, so a later one looks again.
 */
async function noteFound(
  { metadata, layers, clock }: GarbageDependencies,
  { absent, held, isAll }: Pick<Found, 'absent' | 'held' | 'isAll'>,
  signal: AbortSignal,
): Promise<void> {
  if (absent.length + held.length === 0 && !isAll) return;
  const isThere = (id: LayerId): boolean => layers.isThere(id);
  await metadata.noteCollection({ absent, isThere, held, atMs: clock.nowMs(), isAll }, signal);
}

/** Returns false if the head or its use changed. */
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
