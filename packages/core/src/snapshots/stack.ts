import { parentPath, rootPath, type BytePath } from '../layers/byte-path.ts';
import type { Entry, LayerIndex, MergeClass } from '../layers/entry.ts';

/** Anything with an index can stand in a stack: a stored layer, a derived one, a model in a test. */
export interface StackLayer {
  readonly index: LayerIndex;
}

/** An entry and the layer of the stack that holds it, 0 for the top. */
export interface Found {
  readonly entry: Entry;
  readonly depth: number;
}

/** Every version of a path that a reader has to consider, nearest first. */
export interface PathVersions {
  readonly versions: readonly Found[];
  /** False when something above the rest of the stack hides it: what lies further down, outside this stack, does not count either. */
  readonly open: boolean;
}

/** The classes whose driver needs every version, not just the nearest. */
export function mergesVersions(mergeClass: MergeClass): boolean {
  return mergeClass === 'A' || mergeClass === 'L' || mergeClass === 'Q';
}

/** A whole entry that is no directory: nothing lower shows at its path or below. */
function isLeaf(entry: Entry): boolean {
  return entry.type !== 'dir';
}

/**
 * Layers laid over each other, top first. This is what the words of a view mean; the overlay mounts and the derived
 * layers are held against it by tests. An index lists every directory of its tree, so a path is there exactly when its
 * parents are.
 */
export class LayerStack<L extends StackLayer = StackLayer> {
  readonly layers: readonly L[];
  /** For a directory: how many layers from the top may show something below it. */
  readonly #reach = new Map<BytePath, number>();

  constructor(layers: readonly L[]) {
    this.layers = layers;
    this.#reach.set(rootPath, layers.length);
  }

  /** What a reader finds at the path, deltas not composed; undefined where there is nothing. */
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
   * The versions of a file that matter: down to the nearest whole one for classes that do not merge, all that are not
   * hidden for those that do. Directories give their nearest entry.
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

  /** How many layers from the top may say something about the path itself. */
  reachOf(path: BytePath): number {
    return this.reachBelow(parentPath(path));
  }

  /**
   * How many layers from the top may show something strictly below the directory. Remembered for each directory: one
   * walk over a sorted list of paths asks for the same parents again and again.
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

  /** Every path that some layer names, in byte order, once. */
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

  /** Everything that is visible, in byte order, deltas not composed. */
  *visible(): Generator<Found> {
    for (const path of this.paths()) {
      const found = this.lookUp(path);
      if (found !== undefined) yield found;
    }
  }

  /** Everything visible strictly below a directory, in byte order within each layer. */
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

  /** Visible files and links of an atomic group. */
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

  /** What one layer says of a path, hints apart. */
  entryAt(depth: number, path: BytePath): Entry | undefined {
    const entry = this.layers[depth]?.index.find(path);
    return entry === undefined || entry.removed === 'hint' ? undefined : entry;
  }
}

/** Labels of the atomic groups that a layer holds; of one that is empty a removal or a directory tells. */
export function groupsOf(index: LayerIndex): ReadonlySet<string> {
  const groups = new Set<string>();
  for (const entry of index.special()) {
    if (entry.group !== null && entry.removed !== 'hint') groups.add(entry.group);
  }
  return groups;
}
