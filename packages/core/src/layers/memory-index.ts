import { invariant } from '../base/errors.ts';
import { comparePaths, isBelow, type BytePath } from './byte-path.ts';
import type { Entry, LayerIndex } from './entry.ts';

/** Returns a sorted index over entries in memory. Throws E_INTERNAL for duplicate paths. */
export function memoryIndex(entries: Iterable<Entry>): LayerIndex {
  const sorted = [...entries].toSorted((a, b) => comparePaths(a.path, b.path));
  const byPath = new Map<BytePath, Entry>();
  for (const entry of sorted) {
    invariant(!byPath.has(entry.path), 'two entries for one path in one layer');
    byPath.set(entry.path, entry);
  }
  return {
    count: sorted.length,
    find: (path) => byPath.get(path),
    entries: (from = 0, to = sorted.length) => (from === 0 && to === sorted.length ? sorted : sorted.slice(from, to)),
    below: (directory) => sorted.filter((entry) => isBelow(entry.path, directory)),
    special: () => sorted.filter(isSpecial),
    runs: () => new Set(sorted.flatMap(({ origins }) => origins)),
  };
}

/** Returns whether merging must check the entry even if no other layer has its path. */
export function isSpecial(entry: Entry): boolean {
  return entry.form === 'delta' || entry.group !== null || entry.removed !== null;
}
