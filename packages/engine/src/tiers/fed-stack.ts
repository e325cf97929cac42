import { type LayerId, type Squashes, mergeHeads } from '@cachelane/core';

export interface Feed {
  /** The head of the run's own lane, top first. */
  readonly own: readonly LayerId[];
  /** The tier's head, top first. */
  readonly tier: readonly LayerId[];
  /** Known squashes of both heads whose parts may replace them. */
  readonly squashes: Squashes;
  /** Whether a clean-up made the layer. */
  readonly isCleanUp: (id: LayerId) => boolean;
  /** Whether the contents are merged; otherwise the own head replaces the tier's. */
  readonly merges: boolean;
}

/**
 * Returns the tier's head after a feed, top first. What a clean-up removed from the own lane stays in the tier for its other readers. If a
 * clean-up of the tier removed layers that the own head still has, they are added again on top, since newer layers may refer to them. The
 * tier does not know the own lane's squashes, so their parts are compared.
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

/** Returns a head with the tier layers that its runs saw, top first. Missing ones go right above the layer that they were on, else to the bottom. */
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
