import type { RunId, Tool, VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { LanePlace } from '../heads/known-squashes.ts';
import { meeting } from './meeting.ts';

/** What a report says of a save, as long as history knows of it. */
export type SavedVolume = Pick<
  VolumeReport,
  'name' | 'added' | 'changed' | 'removed' | 'savedBytes' | 'layer' | 'merged' | 'conflicts' | 'skipped'
>;

export interface SaveQuestion extends LanePlace {
  readonly name: string;
  readonly tool: Tool;
  readonly run: RunId;
}

/** What a run saved, as its own report told it; null where history has nothing of it. */
export async function savedBy(
  deps: Pick<EngineDependencies, 'metadata' | 'layers'>,
  { name, run, ...place }: SaveQuestion,
  signal: AbortSignal,
): Promise<SavedVolume | null> {
  const history = await deps.metadata.history(place.volumeId, place.lane, signal);
  // Without a layer it took a damaged one out before it began.
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
