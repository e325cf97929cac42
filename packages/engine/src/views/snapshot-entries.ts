import type { Entry, LayerStore } from '@cachelane/core';
import { composeSnapshot, type SnapshotState } from './compare.ts';
import { lookUpSight } from './resolution.ts';

/** Returns what a reader of the snapshot finds, sorted by bytes. Reads the store only. Errors: E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function snapshotEntries(
  layers: LayerStore,
  state: SnapshotState,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const sight = await composeSnapshot(layers, state, signal);
  const entries: Entry[] = [];
  for (const path of sight.stack.paths()) {
    const found = lookUpSight(sight, path);
    if (found !== undefined) entries.push(found.entry);
  }
  return entries;
}
