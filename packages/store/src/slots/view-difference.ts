import { isBelow, type BytePath, type Digest, type StoredLayer } from '@cachelane/core';
import type { KeptTable } from './kept-table.ts';
import type { ShownPaths, ShownView } from './kept-slots.ts';

/** Larger layers are not compared by path. Instead the whole directory is checked: 140k paths in two seconds. */
const smallLayerEntries = 20_000;

export interface ViewChange {
  /** The view of the last update, or null if unknown. */
  readonly shown: ShownView | null;
  /** Called only if the views differ. */
  readonly shownPaths: () => ShownPaths;
  readonly view: readonly StoredLayer[];
  readonly table: KeptTable;
}

/**
 * Returns the paths that may differ between two views: those of the layers that were added or removed. Returns null
 * if any path may differ, because a large layer was added or removed, or the others changed their order.
 */
export function viewDifference({ shown, shownPaths, view, table }: ViewChange): readonly BytePath[] | null {
  if (shown === null) return null;
  const keys = view.map(({ key }) => key);
  if (isSameList(shown.layers, keys)) return [];
  const [before, now] = [new Set<Digest>(shown.layers), new Set<Digest>(keys)];
  if (
    !isSameList(
      distinct(shown.layers).filter((key) => now.has(key)),
      distinct(keys).filter((key) => before.has(key)),
    )
  )
    return null;
  const paths = new Set<BytePath>();
  const known = shownPaths();
  for (const key of before) {
    if (now.has(key)) continue;
    const gone = known[key];
    if (gone === undefined) return null;
    for (const path of gone) paths.add(path);
  }
  const emptied: BytePath[] = [];
  for (const layer of view) {
    if (before.has(layer.key)) continue;
    if (layer.entryCount > smallLayerEntries) return null;
    for (const { path, removed } of layer.index.entries()) {
      paths.add(path);
      if (removed === 'below') emptied.push(path);
    }
  }
  // Lower layers are hidden there.
  if (emptied.length > 0) {
    for (const path of table.paths()) if (emptied.some((directory) => isBelow(path, directory))) paths.add(path);
  }
  return [...paths];
}

/** Returns the paths of the view's small layers. Reuses known ones. */
export function pathsOfSmallLayers(view: readonly StoredLayer[], known: ShownPaths): ShownPaths {
  const paths: Record<string, readonly BytePath[]> = {};
  for (const layer of view) {
    if (layer.entryCount > smallLayerEntries) continue;
    const own = known[layer.key] ?? pathsOf(layer);
    if (own !== null) paths[layer.key] = own;
  }
  return paths;
}

/** Returns null for a layer that empties a directory: without it, everything in lower layers appears again. */
function pathsOf({ index }: StoredLayer): readonly BytePath[] | null {
  const paths: BytePath[] = [];
  for (const { path, removed } of index.entries()) {
    if (removed === 'below') return null;
    paths.push(path);
  }
  return paths;
}

function distinct(keys: readonly Digest[]): readonly Digest[] {
  return [...new Set(keys)];
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
