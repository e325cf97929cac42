import type { BytePath, Entry, LayerStack, StoredLayer } from '@cachelane/core';
import type { KeptTable } from '../slots/kept-table.ts';

/** What a view shows at a path, and the layer that contains it. */
export interface Wanted {
  readonly entry: Entry;
  readonly layer: StoredLayer;
}

export type WantedPaths = ReadonlyMap<BytePath, Wanted | null>;

/** Returns all paths in byte order, so parents come first. */
export function allOf(stack: LayerStack<StoredLayer>): WantedPaths {
  const wanted = new Map<BytePath, Wanted | null>();
  for (const { entry, depth } of stack.visible()) {
    const layer = stack.layers[depth];
    if (layer !== undefined) wanted.set(entry.path, { entry, layer });
  }
  return wanted;
}

/** Returns the requested paths, their parents, and everything below a missing directory. */
export function someOf(stack: LayerStack<StoredLayer>, only: Iterable<BytePath>, from: KeptTable): WantedPaths {
  const found = new Map<BytePath, Wanted | null>();
  const look = (path: BytePath): void => {
    if (found.has(path)) return;
    const seen = stack.lookUp(path);
    const layer = seen && stack.layers[seen.depth];
    found.set(path, seen === undefined || layer === undefined ? null : { entry: seen.entry, layer });
  };
  for (const path of only) {
    for (let at: string = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) look(at as BytePath);
    if (found.get(path)?.entry.type !== 'dir' || from.find(path)?.type === 'dir') continue;
    for (const { entry } of stack.visibleBelow(path)) look(entry.path);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the paths to check, deepest first. */
export function pathsToLookAt(
  from: KeptTable,
  wanted: WantedPaths,
  only: Iterable<BytePath> | null,
): readonly BytePath[] {
  const there = only === null ? [...from.paths()] : [...wanted.keys()];
  const suspects = there.filter((path) => {
    const want = wanted.get(path);
    const record = from.find(path);
    return record !== undefined && want?.entry.type !== record.type;
  });
  if (only === null) return suspects.toSorted((a, b) => (a < b ? 1 : -1));
  // Includes paths below a removed directory.
  const gone = suspects.filter((path) => from.find(path)?.type === 'dir');
  const below =
    gone.length === 0 ? [] : [...from.paths()].filter((path) => gone.some((dir) => path.startsWith(`${dir}/`)));
  return [...new Set([...suspects, ...below])].toSorted((a, b) => (a < b ? 1 : -1));
}
