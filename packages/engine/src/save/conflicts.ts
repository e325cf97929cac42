import {
  type Composition,
  displayPath,
  findConflicts,
  limits,
  type Conflict,
  type PathConflict,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { composeSources, fromLayer } from '../views/versions.ts';

/** What came of the paths that this run and runs that finished meanwhile both changed. */
export interface MergeOutcome {
  /** Paths that a driver united. */
  readonly merged: number;
  /** Paths where the later run's version stands, at most `limits.conflictsReported`. */
  readonly conflicts: readonly Conflict[];
  /** All of them. */
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
    const resolution =
      answer === null || answer.index === 0 ? describe(conflict) : 'earlier run kept: too large to be merged';
    if (conflicts.length < limits.conflictsReported) conflicts.push({ path: displayPath(conflict.path), resolution });
  }
  return { merged, conflicts, conflictCount };
}

/** Null where their version cannot be found. */
function askDriver(
  conflict: PathConflict,
  mine: StoredLayer,
  pushedSince: readonly StoredLayer[],
  tool: Tool,
): Composition | null {
  const layer = pushedSince.find((candidate) => holds(candidate, conflict));
  if (layer === undefined) return null;
  return composeSources(tool, [fromLayer(conflict.mine, mine), fromLayer(conflict.theirs, layer)]);
}

function holds(layer: StoredLayer, { path, theirs }: PathConflict): boolean {
  const entry = layer.index.find(path);
  return entry !== undefined && entry.removed !== 'hint' && entry.digest === theirs.digest;
}

function describe(conflict: PathConflict): string {
  switch (conflict.kind) {
    case 'merge':
    case 'content':
      return 'later run kept';
    case 'tree':
      return `later run kept whole (the other one has ${displayPath(conflict.theirs.path)})`;
    case 'group':
      return `later run kept as a group (${conflict.mine.group})`;
  }
}
