import { type LayerId, type Squashes, mergeHeads } from '@cachelane/core';

export interface Feed {
  /** The head of the run's own lane, top first. */
  readonly own: readonly LayerId[];
  /** That of the tier. */
  readonly tier: readonly LayerId[];
  /** What is known of squashes of either, as far as what they stand for may be named in their place. */
  readonly squashes: Squashes;
  /** Whether a clean-up made it. */
  readonly isCleanUp: (id: LayerId) => boolean;
  /** Whether what both have is laid over each other; else the one takes the other's place. */
  readonly merges: boolean;
}

/**
 * A tier's head once all that the own head shows is in it; top first. What a run took out of its own lane by a clean-up stays in the tier, which others read. What a clean-up of the tier took away and the own
 * head still has comes again on top: layers that come now may name it, and say nothing of that. The tier knows nothing of squashes of the own lane: what they stand for is in it by itself.
 */
export function fedStack({ own, tier, squashes, isCleanUp, merges }: Feed): readonly LayerId[] {
  const isNamed = (id: LayerId): boolean => tier.includes(id);
  if (!merges) return squashes.contract(squashes.expand(own), tier, isNamed);
  const mine = squashes.expand(own).filter((id) => !isCleanUp(id));
  const theirs = squashes.expand(tier);
  const lid = theirs.findIndex(isCleanUp);
  const covered = new Set(lid < 0 ? [] : theirs.slice(lid + 1));
  const remote = theirs.filter((id) => !covered.has(id) || !mine.includes(id));
  const merged = mergeHeads({ common: new Set(), local: mine, remote, takesAway: isCleanUp, squashes });
  return squashes.contract(merged, tier, isNamed);
}

/**
 * A head below which lies what a run saw of a tier when it first saved: what of it the head lacks comes right above what it lay on, else at the bottom. Top first.
 */
export function onLineage(head: readonly LayerId[], lineage: readonly LayerId[]): readonly LayerId[] {
  const stack = [...head];
  let above = stack.length;
  for (const id of lineage.toReversed()) {
    const at = stack.indexOf(id);
    if (at < 0) stack.splice(above, 0, id);
    else above = at;
  }
  return stack;
}
