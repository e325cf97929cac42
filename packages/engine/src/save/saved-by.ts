import type { RunId, Tool, VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { LanePlace } from '../heads/known-squashes.ts';
import { meeting } from './meeting.ts';

/** A save as reports show it, from history. */
export type SavedVolume = Pick<
  VolumeReport,
  'name' | 'added' | 'changed' | 'removed' | 'savedBytes' | 'layer' | 'merged' | 'conflicts' | 'skipped'
>;

export interface SaveQuestion extends LanePlace {
  readonly name: string;
  readonly tool: Tool;
  readonly run: RunId;
}

/** Returns what a run saved, or null if history does not know it. */
export async function savedBy(
  deps: Pick<EngineDependencies, 'metadata' | 'layers'>,
  { name, run, ...place }: SaveQuestion,
  signal: AbortSignal,
): Promise<SavedVolume | null> {
  const history = await deps.metadata.history(place.volumeId, place.lane, signal);
  // A move without a layer only dropped a damaged one.
  const move = history.find((each) => each.run === run && each.layer !== null);
  if (move === undefined) return null;
  const prunes = (await deps.metadata.run(run, signal))?.purpose === 'prune';
  const reads = await deps.metadata.readsOf(run, place.volumeId, signal);
  const met = await meeting(deps, { ...place, seen: reads?.layers ?? [], prunes }, move);
  const { sizeBytes: savedBytes, ...counts } = move.counts;
  return {
    name,
    ...counts,
    savedBytes,
    layer: move.layer,
    merged: met.merged,
    conflicts: met.conflicts,
    skipped: null,
  };
}
