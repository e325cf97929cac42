import { parentPath, rootPath, type BytePath } from '../layers/byte-path.ts';
import type { Entry, LayerIndex, MergeClass } from '../layers/entry.ts';

/** Anything with an index: a stored layer, a derived one, or a test's model. */
export interface StackLayer {
  readonly index: LayerIndex;
}

/** An entry and the depth of its layer, 0 for the top. */
export interface Found {
  readonly entry: Entry;
  readonly depth: number;
}

/** The versions of a path that matter to a reader, nearest first. */
export interface PathVersions {
  readonly versions: readonly Found[];
  /** False if this stack hides everything lower, also outside of it. */
  readonly open: boolean;
}

/** Returns whether the class's driver needs every version, not just the nearest. */
export function mergesVersions(mergeClass: MergeClass): boolean {
  return mergeClass === 'A' || mergeClass === 'L' || mergeClass === 'Q';
}

/** Returns whether the entry hides everything lower at and below its path. */
function isLeaf(entry: Entry): boolean {
  return entry.type !== 'dir';
}

/**
 * Layers on top of each other, top first. It defines what a view shows; tests compare overlay mounts and derived
 * layers with it. An index lists every directory of its tree, so a path exists exactly if its parents do.
 */
export class LayerStack<L extends StackLayer = StackLayer> {
  readonly layers: readonly L[];
  /** For each directory: how many layers from the top may show something below it. */
  readonly #reach = new Map<BytePath, number>();

  constructor(layers: readonly L[]) {
    this.layers = layers;
    this.#reach.set(rootPath, layers.length);
  }

  /** Returns what a reader finds at the path, deltas not merged. */
  lookUp(path: BytePath): Found | undefined {
    const reach = this.reachOf(path);
    for (let depth = 0; depth < reach; depth++) {
      const entry = this.entryAt(depth, path);
      if (entry === undefined) continue;
      return entry.removed === 'counted' ? undefined : { entry, depth };
    }
    return undefined;
  }

  /**
   * Returns the versions of a file that matter: for merging classes all that are not hidden, otherwise down to the
   * nearest whole one. For directories, the nearest entry.
   */
  versions(path: BytePath): PathVersions {
    const reach = this.reachOf(path);
    const versions: Found[] = [];
    for (let depth = 0; depth < reach; depth++) {
      const entry = this.entryAt(depth, path);
      if (entry === undefined) continue;
      const top = versions[0];
      if (entry.removed === 'counted' || (top !== undefined && top.entry.type !== entry.type))
        return { versions, open: false };
      versions.push({ entry, depth });
      if (entry.type !== 'file') return { versions, open: entry.type === 'dir' && entry.removed === null };
      const alone = entry.form === 'whole' && !mergesVersions(entry.mergeClass);
      if (alone || entry.removed === 'below') return { versions, open: false };
    }
    return { versions, open: reach === this.layers.length };
  }

  /** Returns how many layers from the top may affect the path itself. */
  reachOf(path: BytePath): number {
    return this.reachBelow(parentPath(path));
  }

  /**
   * Returns how many layers from the top may show something strictly below the directory. Cached, because sorted
   * walks ask for the same parents repeatedly.
   */
  reachBelow(directory: BytePath): number {
    const known = this.#reach.get(directory);
    if (known !== undefined) return known;
    let reach = this.reachBelow(parentPath(directory));
    for (let depth = 0; depth < reach; depth++) {
      const entry = this.entryAt(depth, directory);
      if (entry === undefined) continue;
      if (entry.removed === 'counted' || isLeaf(entry)) reach = depth;
      else if (entry.removed === 'below') reach = depth + 1;
    }
    this.#reach.set(directory, reach);
    return reach;
  }

  /** Yields every path of any layer once, in byte order. */
  *paths(): Generator<BytePath> {
    const cursors = this.layers.map((layer) => {
      const iterator = layer.index.entries()[Symbol.iterator]();
      return { iterator, next: iterator.next() };
    });
    for (;;) {
      let least: BytePath | undefined;
      for (const { next } of cursors) {
        if (next.done !== true && (least === undefined || next.value.path < least)) least = next.value.path;
      }
      if (least === undefined) return;
      yield least;
      for (const cursor of cursors) {
        if (cursor.next.done !== true && cursor.next.value.path === least) cursor.next = cursor.iterator.next();
      }
    }
  }

  /** Yields everything visible, in byte order, deltas not merged. */
  *visible(): Generator<Found> {
    for (const path of this.paths()) {
      const found = this.lookUp(path);
      if (found !== undefined) yield found;
    }
  }

  /** Yields everything visible strictly below a directory, in byte order within each layer. */
  *visibleBelow(directory: BytePath): Generator<Found> {
    const seen = new Set<BytePath>();
    for (const layer of this.layers.slice(0, this.reachBelow(directory))) {
      for (const { path } of layer.index.below(directory)) {
        if (seen.has(path)) continue;
        seen.add(path);
        const found = this.lookUp(path);
        if (found !== undefined) yield found;
      }
    }
  }

  /** Yields the visible files and links of an atomic group. */
  *members(group: string): Generator<Found> {
    const seen = new Set<BytePath>();
    for (const layer of this.layers) {
      for (const entry of layer.index.special()) {
        if (entry.group !== group || seen.has(entry.path)) continue;
        seen.add(entry.path);
        const found = this.lookUp(entry.path);
        if (found !== undefined && found.entry.group === group && found.entry.type !== 'dir') yield found;
      }
    }
  }

  /** Returns a layer's entry at a path, without hints. */
  entryAt(depth: number, path: BytePath): Entry | undefined {
    const entry = this.layers[depth]?.index.find(path);
    return entry === undefined || entry.removed === 'hint' ? undefined : entry;
  }
}

/** Returns the labels of a layer's atomic groups. An empty group is known from a removal or a directory. */
export function groupsOf(index: LayerIndex): ReadonlySet<string> {
  const groups = new Set<string>();
  for (const entry of index.special()) {
    if (entry.group !== null && entry.removed !== 'hint') groups.add(entry.group);
  }
  return groups;
}
