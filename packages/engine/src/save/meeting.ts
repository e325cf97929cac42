import {
  isCachelaneError,
  type HeadRecord,
  type LayerId,
  type LayerStore,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { squashesOf, type LanePlace } from '../heads/known-squashes.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { describeConflicts, type MergeOutcome } from './conflicts.ts';

export interface Meeting extends LanePlace {
  readonly tool: Tool;
  /** Layers that the run saw. */
  readonly seen: readonly LayerId[];
  /** What others pushed lies on top of a clean-up and stands. */
  readonly prunes: boolean;
}

/**
 * What a run that moved the head met there of runs that it did not see. `layers`: the head after its move. The save stands by now: that somebody wants us to stop, or that something cannot be
 * compared, is no reason to deny it.
 */
export async function meeting(
  deps: Pick<EngineDependencies, 'metadata' | 'layers'>,
  request: Meeting,
  { layers: [own, ...below] }: Pick<HeadRecord, 'layers'>,
): Promise<MergeOutcome> {
  if (own === undefined || request.prunes || below.every((id) => request.seen.includes(id))) return nothingMet;
  try {
    const squashes = await squashesOf(deps.metadata, request, neverAborted);
    const seen = new Set(squashes.expand(request.seen));
    const since = squashes.expand(below).filter((id) => !seen.has(id));
    const mine = await deps.layers.open(own, neverAborted);
    return describeConflicts(mine, await openAll(deps.layers, since, neverAborted), request.tool);
  } catch {
    return nothingMet;
  }
}

const nothingMet: MergeOutcome = { merged: 0, conflicts: [], conflictCount: 0 };

/** A layer that cannot be read any more can no longer be compared with; the save itself stands. */
async function openAll(
  layers: LayerStore,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<readonly StoredLayer[]> {
  const opened: StoredLayer[] = [];
  for (const id of ids) {
    try {
      opened.push(await layers.open(id, signal));
    } catch (error) {
      if (!isCachelaneError(error, 'E_LAYER_MISSING', 'E_LAYER_CORRUPT')) throw error;
    }
  }
  return opened;
}
