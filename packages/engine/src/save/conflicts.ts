import {
  type Composition,
  type Conflict,
  type Entry,
  type LayerId,
  type StoredLayer,
  type Tool,
  displayPath,
  limits,
} from '@cachelane/core';
import { composeSources, fromLayer } from '../views/versions.ts';
import { type PathConflict, findConflicts } from './find-conflicts.ts';

/** The paths that this run and concurrent runs both changed. */
export interface MergeOutcome {
  /** Paths that a driver merged. */
  readonly merged: number;
  /** Paths where one version wins, at most `limits.conflictsReported`. */
  readonly conflicts: readonly Conflict[];
  /** The number of all conflicts. */
  readonly conflictCount: number;
}

/** `pushedSince`: layers of the head that the run did not see, top first. */
export function describeConflicts(mine: StoredLayer, pushedSince: readonly StoredLayer[], tool: Tool): MergeOutcome {
  let merged = 0;
  let conflictCount = 0;
  const conflicts: Conflict[] = [];
  for (const conflict of findConflicts(mine.index, pushedSince)) {
    const answer = conflict.kind === 'merge' ? askDriver(conflict, mine, pushedSince, tool) : null;
    if (answer?.kind === 'content' || answer?.opinion === true) {
      merged++;
      continue;
    }
    conflictCount++;
    if (conflicts.length === limits.conflictsReported) continue;
    const isMineKept = answer === null || answer.index === 0;
    const resolution = isMineKept ? describeConflict(conflict) : 'earlier run kept: too large to merge';
    const loser = isMineKept ? layerOf(conflict.theirs, pushedSince) : mine;
    const layer = (loser?.key ?? null) as LayerId | null;
    conflicts.push({ path: displayPath(conflict.path), resolution, layer });
  }
  return { merged, conflicts, conflictCount };
}

/** Null if the other version cannot be found. */
function askDriver(
  conflict: PathConflict,
  mine: StoredLayer,
  pushedSince: readonly StoredLayer[],
  tool: Tool,
): Composition | null {
  const layer = layerOf(conflict.theirs, pushedSince);
  if (layer === undefined) return null;
  return composeSources(tool, [fromLayer(conflict.mine, mine), fromLayer(conflict.theirs, layer)]);
}

function layerOf({ path, digest }: Entry, layers: readonly StoredLayer[]): StoredLayer | undefined {
  return layers.find(({ index }) => {
    const entry = index.find(path);
    return entry !== undefined && entry.removed !== 'hint' && entry.digest === digest;
  });
}

export function describeConflict(conflict: PathConflict): string {
  switch (conflict.kind) {
    case 'merge':
    case 'content':
      return 'later run kept';
    case 'tree':
      return `later run kept whole (the other run has ${displayPath(conflict.theirs.path)})`;
    case 'group':
      return `later run kept as a group (${conflict.mine.group})`;
  }
}
