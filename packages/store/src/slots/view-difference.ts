import { isBelow, type BytePath, type Digest, type StoredLayer } from '@cachelane/core';
import type { KeptTable } from './kept-table.ts';
import type { ShownPaths, ShownView } from './kept-slots.ts';

/** Layers with more entries are not compared path by path: then everything is looked at, 140k paths in two seconds. */
const smallLayerEntries = 20_000;

export interface ViewChange {
  /** What the directory was brought up to; null where that is not known. */
  readonly shown: ShownView | null;
  /** Read only where the views differ. */
  readonly shownPaths: () => ShownPaths;
  readonly view: readonly StoredLayer[];
  readonly table: KeptTable;
}

/**
 * Paths that may look different in another view: those of the layers that left it and of the layers that are new in it. Null: any
 * may, because a large layer came or went, or the rest changed its order.
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
  // What lower layers have there does not show any more.
  if (emptied.length > 0) {
    for (const path of table.paths()) if (emptied.some((directory) => isBelow(path, directory))) paths.add(path);
  }
  return [...paths];
}

/** Of the view's small layers; those that are known already are not read again. */
export function pathsOfSmallLayers(view: readonly StoredLayer[], known: ShownPaths): ShownPaths {
  const paths: Record<string, readonly BytePath[]> = {};
  for (const layer of view) {
    if (layer.entryCount > smallLayerEntries) continue;
    const own = known[layer.key] ?? pathsOf(layer);
    if (own !== null) paths[layer.key] = own;
  }
  return paths;
}

/** Null for a layer that empties a directory: without it, everything that lower layers have there shows again. */
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
