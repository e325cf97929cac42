import type { HeadRecord, Squashes, SyncedHead } from '@cachelane/core';

/** Local changes that the remote does not have, as far as records here tell. */
export interface Waiting {
  /** New layers. */
  readonly layers: number;
  /** Removed layers. */
  readonly removals: number;
}

export interface Pending {
  readonly head: HeadRecord | null | undefined;
  readonly synced: SyncedHead | undefined;
  /** Squashes of the lane. */
  readonly squashes: Squashes;
}

/** Returns a head's pending changes. A new squash counts as a layer: without it the remote's head would only grow. */
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
