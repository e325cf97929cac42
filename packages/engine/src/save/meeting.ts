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
  readonly seen: readonly LayerId[];
  /** A prune is not compared: other layers lie on top of it. */
  readonly prunes: boolean;
}

/**
 * Returns the conflicts with runs that committed after this run took its view. `layers`: the head after its move. Never fails or aborts,
 * because the save is done.
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

/** Unreadable layers are skipped; the save remains valid. */
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
