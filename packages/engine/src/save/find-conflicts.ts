import {
  type BytePath,
  type Entry,
  type LayerIndex,
  LayerStack,
  type StackLayer,
  ancestors,
  groupsOf,
  mergesVersions,
} from '@cachelane/core';

/** A path of a new layer that layers pushed since its pin decided differently. */
export interface PathConflict {
  readonly path: BytePath;
  /**
   * `merge`: both versions go to the class's driver; `content`: two contents without a driver that unites them;
   * `tree`: one has a file or a removal where the other has a directory or something below; `group`: the group moved.
   */
  readonly kind: 'merge' | 'content' | 'tree' | 'group';
  readonly mine: Entry;
  readonly theirs: Entry;
}

/**
 * Yields the paths that both `layer` and the layers pushed since its pin (top first) changed. Equal contents, and directories
 * on both sides, are no conflict. A group is reported once, at its first path.
 */
export function* findConflicts(layer: LayerIndex, pushedSince: readonly StackLayer[]): Generator<PathConflict> {
  if (pushedSince.length === 0) return;
  const theirs = new LayerStack(pushedSince);
  const movedGroups = new Set(pushedSince.flatMap((pushed) => [...groupsOf(pushed.index)]));
  const reportedGroups = new Set<string>();
  for (const mine of layer.entries()) {
    if (mine.removed === 'hint') continue;
    if (mine.group !== null && movedGroups.has(mine.group)) {
      if (reportedGroups.has(mine.group)) continue;
      const other = differingMember(theirs, mine.group, layer);
      if (other === undefined) continue;
      reportedGroups.add(mine.group);
      yield { path: mine.path, kind: 'group', mine, theirs: other };
      continue;
    }
    const conflict = conflictAt(mine, theirs, pushedSince);
    if (conflict !== undefined) yield conflict;
  }
}

function conflictAt(mine: Entry, theirs: LayerStack, pushedSince: readonly StackLayer[]): PathConflict | undefined {
  const { path } = mine;
  const other = nearestAt(theirs, path);
  if (other !== undefined && !sameEffect(mine, other)) {
    const tree = mine.type !== other.type || hasNoContent(mine) || hasNoContent(other);
    const kind = tree ? 'tree' : mergesVersions(mine.mergeClass) ? 'merge' : 'content';
    return { path, kind, mine, theirs: other };
  }
  if (mine.type !== 'dir' || mine.removed !== null) {
    const below = firstBelow(pushedSince, path);
    if (below !== undefined) return { path, kind: 'tree', mine, theirs: below };
  }
  if (mine.type === 'dir' && mine.removed === null) return undefined;
  for (const ancestor of ancestors(path)) {
    const above = nearestAt(theirs, ancestor);
    if (above !== undefined && (above.removed !== null || above.type !== 'dir'))
      return { path, kind: 'tree', mine, theirs: above };
  }
  return undefined;
}

/** A file without its older versions (`below`: a prune run rewrote it) still merges with a newer one. */
function hasNoContent({ type, removed }: Entry): boolean {
  return removed !== null && !(type === 'file' && removed === 'below');
}

/** Returns whether both entries have the same effect, so that their order does not matter. */
function sameEffect(a: Entry, b: Entry): boolean {
  if (a.removed === 'counted' || b.removed === 'counted') return a.removed === b.removed;
  if (a.type === 'dir' && b.type === 'dir') return a.removed === null && b.removed === null;
  return a.type === b.type && a.digest === b.digest && a.form === b.form;
}

function nearestAt(stack: LayerStack, path: BytePath): Entry | undefined {
  for (let depth = 0; depth < stack.layers.length; depth++) {
    const entry = stack.entryAt(depth, path);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function firstBelow(layers: readonly StackLayer[], path: BytePath): Entry | undefined {
  for (const layer of layers) {
    for (const entry of layer.index.below(path)) {
      if (entry.removed !== 'hint') return entry;
    }
  }
  return undefined;
}

/** Returns a member of their group that is missing or different in ours. */
function differingMember(theirs: LayerStack, group: string, mine: LayerIndex): Entry | undefined {
  for (const { entry } of theirs.members(group)) {
    const own = mine.find(entry.path);
    if (own === undefined || !sameEffect(own, entry)) return entry;
  }
  return undefined;
}
