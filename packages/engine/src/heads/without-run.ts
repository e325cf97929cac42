import { type Entry, type LayerIndex, type RunId, isSquash } from '@cachelane/core';

/** The rest of a layer after runs are removed from a snapshot. */
export type LayerWithoutRun =
  | { readonly kind: 'keep' }
  | { readonly kind: 'drop' }
  /** Only these entries are left. */
  | { readonly kind: 'rewrite'; readonly entries: readonly Entry[] };

/**
 * Removes entries with one of the runs among their origins. A layer of those runs is dropped; a squash, or a merged file, loses the
 * affected entries. A directory stays if other runs had it too, and older versions that other runs hid stay hidden. `maker`: the layer's
 * run; null if unknown.
 */
export function withoutRun(index: LayerIndex, runs: ReadonlySet<RunId>, maker: RunId | null): LayerWithoutRun {
  // In a squash, any of its runs may have hidden something.
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
