import type { BytePath, ChangeSet, RunId, StagedEntry, Tool } from '@cachelane/core';
import type { View } from '../views/view.ts';

interface GroupInput {
  readonly changes: ChangeSet;
  readonly view: View;
  readonly tool: Tool;
  readonly origins: readonly RunId[];
}

/** Completes atomic groups: if a run changed one member, its layer also gets the other members from the view. So a reader never sees files of two writers. */
export function completeGroups(
  dirty: ReadonlySet<string>,
  input: GroupInput,
  byPath: Map<BytePath, StagedEntry>,
): void {
  for (const group of dirty) {
    const before = [...input.view.members(group)];
    for (const { entry, layer } of before) {
      if (layer === null || byPath.has(entry.path) || hiddenByKept(entry.path, byPath)) continue;
      byPath.set(entry.path, { from: 'layer', entry, layer });
    }
    // A group is one version: an origin of one member is an origin of all.
    const origins = [...new Set([...input.origins, ...before.flatMap(({ entry }) => entry.origins)])].toSorted();
    for (const [path, staged] of byPath) {
      if (staged.entry.group === group) byPath.set(path, { ...staged, entry: { ...staged.entry, origins } });
    }
  }
}

/** Returns whether the run removed a directory above the member, or put a file there. */
function hiddenByKept(path: BytePath, byPath: ReadonlyMap<BytePath, StagedEntry>): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const above = byPath.get(path.slice(0, slash) as BytePath);
    if (above !== undefined && (above.entry.type !== 'dir' || above.entry.removed !== null)) return true;
  }
  return false;
}
