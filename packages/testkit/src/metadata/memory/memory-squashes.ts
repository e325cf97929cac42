import {
  CachelaneError,
  expireSquashes,
  limits,
  placeOf,
  type HeadRecord,
  type LaneName,
  type SquashRecord,
  type SquashRequest,
  type SquashStore,
  type VolumeId,
} from '@cachelane/core';
import { holdLayers, recordLayer, settleLane } from './memory-holders.ts';
import { headKey, transact, type HeadKey, type MemoryState } from './memory-state.ts';

export function memorySquashes(state: MemoryState): SquashStore {
  return {
    squashes: (volumeId, lane, signal) => transact(signal, () => state.squashes.get(headKey(volumeId, lane)) ?? []),
    squash: (request, signal) => transact(signal, () => squash(state, request)),
  };
}

function squash(state: MemoryState, { volumeId, lane, layer, layers, atMs }: SquashRequest): HeadRecord | undefined {
  const key = headKey(volumeId, lane);
  const head = state.heads.get(key);
  const place = head === undefined ? undefined : placeOf(head.layers, layers);
  if (head === undefined || place === undefined) return undefined;
  if (state.forgotten.delete(layer.id)) {
    throw new CachelaneError('E_LAYER_MISSING', `layer ${layer.id} was deleted before it was committed`);
  }
  if (state.runs.has(layer.run)) state.savedRuns.add(layer.run);
  recordSquashes(state, key, [{ id: layer.id, layers, atMs }]);
  const after = { ...head, layers: head.layers.toSpliced(place, layers.length, layer.id) };
  state.heads.set(key, after);
  holdLayers(state, key, after.layers);
  recordLayer(state, layer);
  settleLane(state, key);
  return after;
}

/** Keeps known records unchanged. */
export function recordSquashes(state: MemoryState, key: HeadKey, records: readonly SquashRecord[]): void {
  if (records.length === 0) return;
  const known = state.squashes.get(key) ?? [];
  const fresh = records.filter(({ id }) => !known.some((record) => record.id === id));
  const plain = fresh.map(({ id, layers, atMs }) => ({ id, layers: [...layers], atMs }));
  state.squashes.set(key, [...known, ...plain].toSorted(inOrder));
  holdLayers(
    state,
    key,
    plain.flatMap(({ layers }) => layers),
  );
}

function inOrder(a: SquashRecord, b: SquashRecord): number {
  return a.atMs - b.atMs || (a.id < b.id ? -1 : 1);
}

/** Removes the squashes of one lane, or of all. */
export function removeSquashes(state: MemoryState, volumeId: VolumeId, lane: LaneName | null): void {
  for (const key of state.squashes.keys()) {
    if (lane === null ? key.startsWith(`${volumeId} `) : key === headKey(volumeId, lane)) state.squashes.delete(key);
  }
}

/** Afterwards, sync records name only the squash. */
export function dropExpiredSquashes(state: MemoryState, nowMs: number): void {
  const beforeMs = nowMs - limits.revocationMs;
  for (const [key, records] of state.squashes) {
    if (!records.some(({ atMs }) => atMs < beforeMs)) continue;
    const synced = [...state.synced].filter(([, { volumeId, lane }]) => headKey(volumeId, lane) === key);
    const commons = synced.map(([, { layers }]) => layers);
    const left = expireSquashes({ records, head: state.heads.get(key)?.layers ?? [], commons, beforeMs });
    if (left.records.length === 0) state.squashes.delete(key);
    else state.squashes.set(key, left.records);
    settleLane(state, key, beforeMs);
    for (const [index, [syncedKey, record]] of synced.entries()) {
      const layers = left.commons[index] ?? [];
      if (layers.length === record.layers.length) continue;
      state.synced.set(syncedKey, { ...record, layers, revision: record.revision + 1, atMs: nowMs });
    }
  }
}
