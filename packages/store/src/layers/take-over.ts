import {
  ancestors,
  parentPath,
  rootPath,
  type BytePath,
  type Change,
  type ChangeSet,
  type StagedEntry,
} from '@cachelane/core';
import { unlinkIfThere, type TreeBuilder } from '../files/tree-builder.ts';

/** The entries of a layer by path. */
type Claims = ReadonlyMap<BytePath, StagedEntry>;

export interface TakenOver {
  readonly changes: ChangeSet;
  readonly claims: Claims;
  /** Called for each change. */
  readonly tick: () => void;
}

/**
 * Deletes everything without an entry from a directory that became a layer's tree: temporary files, unchanged
 * files, whiteouts that do not count, sockets. Deletes a directory as a whole if nothing in it stays.
 */
export function dropUnclaimed(builder: TreeBuilder, { changes, claims, tick }: TakenOver): void {
  const needed = directoriesNeeded(claims);
  const gone = new Set<BytePath>();
  for (const change of changes.changes) {
    tick();
    const { path } = change;
    if (gone.has(parentPath(path))) {
      if (change.kind === 'dir') gone.add(path);
    } else if (change.kind === 'dir') {
      if (needed.has(path) || isKept(change, claims.get(path))) continue;
      const away = builder.scratchPath();
      builder.access.run(path, (file) => builder.place.files.rename(file, away));
      gone.add(path);
    } else if (!isKept(change, claims.get(path))) {
      builder.access.run(path, (file) => unlinkIfThere(builder.place.files, file));
    }
  }
}

function isKept(change: Change, claim: StagedEntry | undefined): boolean {
  if (claim === undefined) return false;
  switch (change.kind) {
    case 'removed':
      return claim.from === 'removal' && claim.entry.removed === 'counted';
    case 'dir':
      return (claim.from === 'change' || claim.from === 'made') && claim.entry.type === 'dir';
    case 'file':
    case 'symlink':
      return claim.from === 'change' && claim.entry.type === change.kind;
    case 'special':
      return false;
  }
}

/** Returns the directories that contain something of the layer. */
function directoriesNeeded(claims: Claims): ReadonlySet<BytePath> {
  const needed = new Set<BytePath>([rootPath]);
  for (const [path, { entry }] of claims) {
    if (entry.removed === 'hint' || entry.form === 'delta') continue;
    for (const ancestor of ancestors(path)) {
      if (needed.has(ancestor)) break;
      needed.add(ancestor);
    }
  }
  return needed;
}
