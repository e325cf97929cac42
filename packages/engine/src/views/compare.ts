import {
  isSameTime,
  LayerStack,
  type BytePath,
  type Entry,
  type LayerId,
  type LayerStore,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { emptySight, layOver, lookUpSight, type Sight } from './resolution.ts';

export interface SnapshotState {
  /** Top first. */
  readonly layers: readonly LayerId[];
  readonly tool: Tool;
}

/** A path that differs between two snapshots. */
export interface PathDifference {
  readonly path: BytePath;
  /** Null: not there. */
  readonly before: Entry | null;
  readonly after: Entry | null;
}

/** Returns how the path changed. */
export function changeOf({ before, after }: PathDifference): 'added' | 'changed' | 'removed' {
  return before === null ? 'added' : after === null ? 'removed' : 'changed';
}

export interface ComparedStates {
  readonly before: SnapshotState;
  readonly after: SnapshotState;
}

/** Returns the paths that differ for a reader of two snapshots, sorted by bytes. Reads the store only. Errors: E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function compareSnapshots(
  layers: LayerStore,
  { before, after }: ComparedStates,
  signal: AbortSignal,
): Promise<readonly PathDifference[]> {
  // States of one lane usually share their lower layers; compose those once.
  const common = before.tool === after.tool ? commonBottom(before.layers, after.layers) : 0;
  const bottom = await compose(layers, { ...before, layers: bottomOf(before.layers, common) }, emptySight, signal);
  const one = await compose(layers, { ...before, layers: aboveBottom(before.layers, common) }, bottom, signal);
  const other = await compose(layers, { ...after, layers: aboveBottom(after.layers, common) }, bottom, signal);
  return [...differences(one, other)];
}

/** Composes what a reader of the snapshot sees. Errors: as {@link compareSnapshots}. */
export async function composeSnapshot(layers: LayerStore, state: SnapshotState, signal: AbortSignal): Promise<Sight> {
  return await compose(layers, state, emptySight, signal);
}

function commonBottom(one: readonly LayerId[], other: readonly LayerId[]): number {
  let common = 0;
  while (common < one.length && common < other.length && one.at(-1 - common) === other.at(-1 - common)) common++;
  return common;
}

function bottomOf(ids: readonly LayerId[], count: number): readonly LayerId[] {
  return ids.slice(ids.length - count);
}

function aboveBottom(ids: readonly LayerId[], count: number): readonly LayerId[] {
  return ids.slice(0, ids.length - count);
}

async function compose(
  layers: LayerStore,
  { layers: ids, tool }: SnapshotState,
  below: Sight,
  signal: AbortSignal,
): Promise<Sight> {
  let sight = below;
  for (const id of ids.toReversed()) sight = layOver(sight, await layers.open(id, signal), tool);
  return sight;
}

function* differences(before: Sight, after: Sight): Generator<PathDifference> {
  const both = new LayerStack<StoredLayer>([...new Set([...before.stack.layers, ...after.stack.layers])]);
  for (const path of both.paths()) {
    const one = lookUpSight(before, path)?.entry ?? null;
    const other = lookUpSight(after, path)?.entry ?? null;
    if (!isSame(one, other)) yield { path, before: one, after: other };
  }
}

/** Compares as a save does: times and directories only count in class D. */
function isSame(one: Entry | null, other: Entry | null): boolean {
  if (one === null || other === null) return !isNoted(one) && !isNoted(other);
  if (one.type !== other.type) return false;
  if (one.type === 'dir') return !isNoted(one) || one.mode === other.mode;
  if (one.digest !== other.digest) return false;
  return one.mergeClass !== 'D' || (one.mode === other.mode && isSameTime(one.mtimeNs, other.mtimeNs));
}

function isNoted(entry: Entry | null): boolean {
  return entry !== null && (entry.type !== 'dir' || entry.mergeClass === 'D');
}
