import type { HeadRecord, Squashes, SyncedHead } from '@cachelane/core';

/** What the head here has come to that the remote has not heard of, as far as is noted. */
export interface Waiting {
  /** Layers that are new here. */
  readonly layers: number;
  /** Layers that were taken out here. */
  readonly removals: number;
}

export interface Pending {
  readonly head: HeadRecord | null | undefined;
  readonly synced: SyncedHead | undefined;
  /** Those of the lane. */
  readonly squashes: Squashes;
}

/** A squash is new as a layer is: without it the remote's head would only grow. */
export function waitingOf({ head, synced, squashes }: Pending): Waiting {
  const plain = new Set(squashes.expand(head?.layers ?? []));
  const named = new Set([...plain, ...squashes.within(head?.layers ?? []).map(({ id }) => id)]);
  const common = new Set(synced?.layers);
  const squashed = (head?.layers ?? []).filter((id) => !plain.has(id) && !common.has(id));
  return { layers: plain.difference(common).size + squashed.length, removals: common.difference(named).size };
}

export function isPending(pending: Pending): boolean {
  const { layers, removals } = waitingOf(pending);
  return layers > 0 || removals > 0;
}
