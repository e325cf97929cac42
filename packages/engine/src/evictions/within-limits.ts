import {
  compareTrust,
  limits,
  policyAt,
  type CollectionFacts,
  type LayerId,
  type Policies,
  type Space,
  type TrustLevel,
} from '@cachelane/core';
import { freeSpaceLimit, type Incoming } from './plan-evictions.ts';

export interface LimitsQuestion {
  readonly facts: CollectionFacts;
  readonly policies: Policies;
  readonly space: Space;
  /** A layer to be saved. */
  readonly incoming?: Incoming;
}

/** Whether no size limit can be exceeded, by sums alone. Otherwise the caller must examine every lane. */
export function isWithinLimits({ facts, policies, space, incoming }: LimitsQuestion): boolean {
  const { taken, crowded } = facts;
  const store = policyAt(policies, { paths: [], lane: null });
  // The incoming layer is on disk already.
  if (space.freeBytes < freeSpaceLimit(policies, space)) return false;
  const pinned = bytesOf(facts, notHeld(facts));
  const takenBytes = taken.store + pinned;
  if (takenBytes + (incoming?.sizeBytes ?? 0) > store['store-size'].value) return false;
  const isCrowded = crowded.some(
    ({ namespace, takenBytes: own }) =>
      own > policyAt(policies, { paths: namespace.paths, lane: null })['namespace-size'].value,
  );
  if (isCrowded) return false;
  const coming = (incoming?.sizeBytes ?? 0) + (incoming?.heldBytes ?? 0);
  if (incoming !== undefined && taken.namespace + coming > incoming.namespaceLimit) return false;

  const allBytes = Math.min(store['store-size'].value, takenBytes + space.freeBytes);
  const levels = [...facts.levels, ...(incoming === undefined ? [] : [incoming.trust])];
  const highest = levels.toSorted(compareTrust).at(-1) ?? 'T0';
  const isOver = (level: TrustLevel, percent: number): boolean => {
    const coming = incoming?.trust === level ? incoming.sizeBytes : 0;
    return level !== highest && (taken.levels[level] ?? 0) + coming > (allBytes * percent) / 100;
  };
  if (isOver('T0', store['t0-share'].value) || isOver('T1', store['t1-share'].value)) return false;
  const laneBytes = Math.min(limits.t0LaneBytes, (allBytes * store['t0-lane-share'].value) / 100);
  return facts.heads.every(({ lane, layers }) => !lane.startsWith('t0:') || bytesOf(facts, layers) <= laneBytes);
}

function notHeld({ pins, heldElsewhere, heads, history, squashes }: CollectionFacts): readonly LayerId[] {
  const named = new Set([
    ...heads.flatMap(({ layers }) => layers),
    ...history.flatMap(({ layers, layer }) => [...layers, ...(layer === null ? [] : [layer])]),
    ...squashes.flatMap(({ layers }) => layers),
  ]);
  return [...pins].filter((id) => !heldElsewhere.has(id) && !named.has(id));
}

function bytesOf({ sizes }: CollectionFacts, ids: readonly LayerId[]): number {
  return [...new Set(ids)].reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
}
