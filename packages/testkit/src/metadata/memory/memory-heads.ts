import {
  CachelaneError,
  invariant,
  limits,
  type CommitRequest,
  type CommitResult,
  type HeadRecord,
  type HeadStore,
  type HistoryRecord,
  type LaneName,
  type VolumeId,
  type VolumeRecord,
} from '@cachelane/core';
import { dropOldUses } from './memory-catalogs.ts';
import { forgetEviction } from './memory-evictions.ts';
import { commitSynced, dropVolume, isBehind, removeSynced } from './memory-sync.ts';
import { dropOldReads, requireNotRevoked } from './memory-revocations.ts';
import { dropExpiredSquashes, removeSquashes } from './memory-squashes.ts';
import { forgetLayer, holdLayers, letGo, recordLayer, settleLane } from './memory-holders.ts';
import { removeEmptyNamespace } from './memory-namespaces.ts';
import { headKey, laneOfKey, layersInUse, transact, type MemoryState } from './memory-state.ts';

export function memoryHeads(state: MemoryState): HeadStore {
  return {
    head: (volumeId, lane, signal) => transact(signal, () => state.heads.get(headKey(volumeId, lane))),
    commit: (request, signal) => transact(signal, () => commit(state, request)),
    history: (volumeId, lane, signal) =>
      transact(signal, () => (state.history.get(headKey(volumeId, lane)) ?? []).toReversed()),
    listHeads: (signal) => transact(signal, () => headsIn(state)),
    headsOf: (volumes, signal) =>
      transact(signal, () => headsIn(state).filter(({ volumeId }) => volumes.includes(volumeId))),
    volume: (id, signal) => transact(signal, () => state.volumes.get(id)),
    listVolumes: (signal) => transact(signal, () => volumesIn(state)),
    volumesOf: (id, signal) => transact(signal, () => volumesIn(state).filter(({ namespaceId }) => namespaceId === id)),
    layer: (id, signal) => transact(signal, () => state.layers.get(id)),
    volumesHolding: (id, signal) =>
      transact(signal, () => {
        const keys = [...state.holders].filter(([, held]) => held.has(id)).map(([key]) => key);
        return [...new Set(keys.map((key) => laneOfKey(key).volumeId))].toSorted();
      }),
    run: (id, signal) => transact(signal, () => state.runs.get(id)),
    removeVolume: (volumeId, lane, signal) =>
      transact(signal, () => {
        removeVolume(state, volumeId, lane);
      }),
    referencedLayers: (nowMs, signal) => transact(signal, () => layersInUse(state, nowMs)),
    forgetLayers: (candidates, nowMs, signal) =>
      transact(signal, () => {
        dropExpired(state, nowMs);
        const inUse = layersInUse(state, nowMs);
        const forgotten = [...new Set(candidates)].filter((id) => !inUse.has(id));
        for (const id of forgotten) forgetLayer(state, id, nowMs);
        return forgotten;
      }),
  };
}

function headsIn(state: MemoryState): readonly HeadRecord[] {
  return [...state.heads.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, head]) => head);
}

function volumesIn(state: MemoryState): readonly VolumeRecord[] {
  return [...state.volumes.values()].toSorted((a, b) => (`${a.name} ${a.id}` < `${b.name} ${b.id}` ? -1 : 1));
}

function commit(state: MemoryState, request: CommitRequest): CommitResult {
  const { volumeId, lane, layer, run, counts, atMs } = request;
  const key = headKey(volumeId, lane);
  const volume = state.volumes.get(volumeId);
  if (volume === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `there is no volume ${volumeId}: another command removed it`);
  }
  const head = state.heads.get(key);
  if (request.expectedGeneration !== (head?.generation ?? 0) || isBehind(state, request)) {
    return { kind: 'conflict', head: head ?? null };
  }
  if (layer !== null) requireNotRevoked(state, layer.run, volume.namespaceId);
  for (const origin of request.origins ?? []) requireNotRevoked(state, origin, volume.namespaceId);
  const records = layer === null ? (request.rewritten ?? []) : [layer, ...(request.rewritten ?? [])];
  for (const id of [...records.map((record) => record.id), ...request.layers]) {
    // Refuse once: the caller may publish the layer and try again.
    if (!state.forgotten.delete(id)) continue;
    throw new CachelaneError('E_LAYER_MISSING', `layer ${id} was deleted before it was committed`);
  }
  const present = new Set([
    ...(head?.layers ?? []),
    ...records.map((record) => record.id),
    ...[...state.sessions.values()].flatMap((session) => session.pins),
  ]);
  for (const id of request.layers) {
    const isKnown = present.has(id) || state.layers.has(id);
    invariant(isKnown, `the new head names layer ${id}, which this store has not recorded`);
  }

  const layers = [...request.layers];
  const generation = (head?.generation ?? state.removedGenerations.get(key) ?? 0) + 1;
  const moved: HeadRecord = { volumeId, lane, generation, layers, updatedAtMs: atMs, run };
  const row: HistoryRecord = { volumeId, lane, generation, layers, layer: layer?.id ?? null, run, atMs, counts };
  for (const each of request.runs ?? []) {
    if (!state.runs.has(each.id)) state.runs.set(each.id, each);
    state.savedRuns.add(each.id);
  }
  for (const record of records) {
    if (state.runs.has(record.run)) state.savedRuns.add(record.run);
  }
  commitSynced(state, request);
  holdLayers(state, key, layer === null ? layers : [...layers, layer.id]);
  for (const record of records) recordLayer(state, record);
  if (head === undefined) forgetEviction(state, volumeId, lane);
  state.heads.set(key, moved);
  state.uses.delete(key);
  const rows = [...(state.history.get(key) ?? []), row];
  state.history.set(
    key,
    rows.filter(
      (old) => old.generation > generation - limits.historyGenerations && old.atMs >= atMs - limits.historyMs,
    ),
  );
  settleLane(state, key);
  return { kind: 'moved', head: moved };
}

function removeVolume(state: MemoryState, volumeId: VolumeId, lane: LaneName | null): void {
  const volume = state.volumes.get(volumeId);
  if (volume === undefined) return;
  removeHeads(state, volumeId, lane);
  if ([...state.heads.values()].some((head) => head.volumeId === volumeId)) return;
  if ([...state.volumeLocks.keys()].some((key) => key.startsWith(`${volumeId} `))) return;
  dropVolume(state, volumeId);
  removeEmptyNamespace(state, volume.namespaceId);
}

export function removeHeads(state: MemoryState, volumeId: VolumeId, lane: LaneName | null): void {
  const ofVolume = [...state.heads.values()].filter((head) => head.volumeId === volumeId);
  for (const head of ofVolume.filter((head) => lane === null || head.lane === lane)) {
    const key = headKey(volumeId, head.lane);
    state.removedGenerations.set(key, head.generation);
    state.heads.delete(key);
    state.history.delete(key);
    state.uses.delete(key);
    state.notedPaths.delete(key);
  }
  removeSynced(state, volumeId, lane);
  removeSquashes(state, volumeId, lane);
  letGo(state, volumeId, lane);
}

function dropExpired(state: MemoryState, nowMs: number): void {
  dropExpiredSquashes(state, nowMs);
  dropOldReads(state, nowMs);
  for (const id of dropOldUses(state, nowMs)) removeEmptyNamespace(state, id);
  const oldest = nowMs - limits.historyMs;
  for (const [key, rows] of state.history) {
    const left = rows.filter((row) => row.atMs >= oldest);
    if (left.length === rows.length) continue;
    state.history.set(key, left);
    settleLane(state, key, nowMs - limits.revocationMs);
  }
  for (const [id, atMs] of state.forgotten) {
    if (atMs < oldest) state.forgotten.delete(id);
  }
  const remembered = state.evictions.filter(({ atMs }) => atMs >= nowMs - limits.evictionsMs);
  state.evictions.splice(0, state.evictions.length, ...remembered);
  const named = new Set([
    ...state.savedRuns,
    ...[...state.sessions.values()].map((session) => session.run),
    ...[...state.heads.values()].map((head) => head.run),
    ...[...state.history.values()].flat().map((row) => row.run),
    ...[...state.reads.values()].map(({ run }) => run),
    ...[...state.revoked.values()].map(({ run }) => run),
  ]);
  for (const [id, run] of state.runs) {
    if (run.startedAtMs < oldest && !named.has(id)) state.runs.delete(id);
  }
  if (state.sessions.size === 0) state.removedGenerations.clear();
}
