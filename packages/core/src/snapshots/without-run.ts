import type { RunId } from '../ids.ts';
import type { Entry, LayerIndex } from '../layers/entry.ts';

/** What becomes of a layer when a run is taken out of a snapshot. */
export type LayerWithoutRun =
  | { readonly kind: 'keep' }
  | { readonly kind: 'drop' }
  /** The layer goes on with these entries only. */
  | { readonly kind: 'rewrite'; readonly entries: readonly Entry[] };

/**
 * Takes away every entry that has the run among its origins: a layer of that run alone goes whole, one that inherited
 * from it (a rewritten file whose own part could not be told apart, a squash) loses those entries. A directory that other
 * runs had too stays for what they have in it.
 */
export function withoutRun(index: LayerIndex, run: RunId): LayerWithoutRun {
  const kept: Entry[] = [];
  let touched = false;
  for (const entry of index.entries()) {
    if (!entry.origins.includes(run)) {
      kept.push(entry);
      continue;
    }
    touched = true;
    const others = entry.origins.filter((origin) => origin !== run);
    if (entry.type === 'dir' && entry.removed === null && others.length > 0) kept.push({ ...entry, origins: others });
  }
  if (!touched) return { kind: 'keep' };
  return kept.length === 0 ? { kind: 'drop' } : { kind: 'rewrite', entries: kept };
}
