import { ancestors, isHeldFile, type BytePath, type Change, type ChangeSet, type StoredLayer } from '@cachelane/core';
import type { View } from '../views/view.ts';

export interface AlreadyPushed {
  /** What the changes were found against. */
  readonly before: View;
  /** The same with the layers that were pushed since. */
  readonly base: View;
  readonly pushed: readonly StoredLayer[];
}

/**
 * Changes that were found against an older state, told as changes to that state with layers that hold the first of them. What was made, pushed
 * and then removed is nothing to who compares with the older state, and a directory that was made anew once is so for ever.
 */
export function changesSince(found: ChangeSet, { before, base, pushed }: AlreadyPushed): ChangeSet {
  const entries = pushed.flatMap(({ index }) => [...index.entries()]);
  const remade = new Set(entries.flatMap(({ path, removed }) => (removed === 'below' ? [path] : [])));
  const told = found.changes.map((change) =>
    change.kind === 'dir' && change.replaces && remade.has(change.path) ? { ...change, replaces: false } : change,
  );
  const anew = new Set(told.flatMap((change) => (change.kind === 'dir' && change.replaces ? [change.path] : [])));
  const gone = new Set<BytePath>();
  for (const entry of entries) {
    const { path, type } = entry;
    if ((type !== 'dir' && !isHeldFile(entry)) || base.lookUp(path) === undefined) continue;
    if (found.find(path) !== undefined || hasAncestor(path, anew)) continue;
    // Of a directory that was made anew all that is there is found.
    if (before.lookUp(path) === undefined || hasAncestor(path, remade)) gone.add(path);
  }
  const removals = [...gone].flatMap((path): Change[] => (hasAncestor(path, gone) ? [] : [{ kind: 'removed', path }]));
  const byPath = new Map([...told, ...removals].map((change) => [change.path, change]));
  return { ...found, changes: [...told, ...removals], find: (path) => byPath.get(path) };
}

function hasAncestor(path: BytePath, set: ReadonlySet<BytePath>): boolean {
  if (set.size === 0) return false;
  for (const ancestor of ancestors(path)) if (set.has(ancestor)) return true;
  return false;
}
