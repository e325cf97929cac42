import { ancestors, isHeldFile, type BytePath, type Change, type ChangeSet, type StoredLayer } from '@cachelane/core';
import type { View } from '../views/view.ts';

export interface AlreadyPushed {
  readonly before: View;
  /** The view with the layers that were pushed since. */
  readonly base: View;
  readonly pushed: readonly StoredLayer[];
}

/** Converts changes against an old view into changes against a newer one, which holds some of them already. Covers files that were pushed and then removed, and directories made again. */
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
    // Everything in a remade directory is in the change set.
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
