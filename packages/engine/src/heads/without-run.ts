import { type Entry, type LayerIndex, type RunId, isSquash } from '@cachelane/core';

/** What becomes of a layer when runs are taken out of a snapshot. */
export type LayerWithoutRun =
  | { readonly kind: 'keep' }
  | { readonly kind: 'drop' }
  /** The layer goes on with these entries only. */
  | { readonly kind: 'rewrite'; readonly entries: readonly Entry[] };

/**
 * Takes away every entry that has one of the runs among its origins: a layer of theirs alone goes whole, one that inherited
 * from them (a rewritten file whose own part could not be told apart, a squash) loses those entries. A directory that other
 * runs had too stays for what they have in it, and older versions of a file that others hid stay hidden.
 * `maker`: the run whose layer it is; null where that is not known.
 */
export function withoutRun(index: LayerIndex, runs: ReadonlySet<RunId>, maker: RunId | null): LayerWithoutRun {
  // In a squash it may have been anybody who hid something.
  const didTheyHide = maker !== null && runs.has(maker) && !isSquash(index);
  const kept: Entry[] = [];
  let touched = false;
  for (const entry of index.entries()) {
    const others = entry.origins.filter((origin) => !runs.has(origin));
    if (others.length === entry.origins.length) {
      kept.push(entry);
      continue;
    }
    touched = true;
    if (others.length === 0) continue;
    if (entry.type === 'dir' && entry.removed !== 'counted') kept.push({ ...entry, origins: others });
    else if ((entry.removed === 'below' || entry.removed === 'counted') && !didTheyHide)
      kept.push({ ...entry, removed: 'counted', digest: null, sizeBytes: 0, origins: others });
  }
  if (!touched) return { kind: 'keep' };
  return kept.some(({ origins }) => origins.length > 0) ? { kind: 'rewrite', entries: kept } : { kind: 'drop' };
}

/** Whether an entry of the layer has one of the runs among its origins. */
export function namesRun(index: LayerIndex, runs: ReadonlySet<RunId>): boolean {
  if (runs.isDisjointFrom(new Set(index.runs()))) return false;
  for (const { origins } of index.entries()) if (origins.some((origin) => runs.has(origin))) return true;
  return false;
}
