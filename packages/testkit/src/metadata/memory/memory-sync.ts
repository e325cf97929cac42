import {
  CachelaneError,
  type CommitRequest,
  type LaneName,
  type NamespaceId,
  type RecordSyncedRequest,
  type SyncStore,
  type VolumeId,
} from '@cachelane/core';
import { forgetUsed } from './memory-catalogs.ts';
import { letGo } from './memory-holders.ts';
import { recordSquashes, removeSquashes } from './memory-squashes.ts';
import { headKey, syncedKey, transact, type MemoryState } from './memory-state.ts';

export function memorySync(state: MemoryState): SyncStore {
  return {
    syncedHead: (remote, volumeId, lane, signal) =>
      transact(signal, () => state.synced.get(syncedKey(remote, volumeId, lane))),
    listSyncedHeads: (remote, signal) =>
      transact(signal, () =>
        [...state.synced.entries()]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([, record]) => (remote === null || record.remote === remote ? [record] : [])),
      ),
    recordSynced: (request, signal) =>
      transact(signal, () => {
        if (!state.volumes.has(request.volumeId)) {
          throw new CachelaneError('E_NOT_FOUND', `there is no volume ${request.volumeId}: another command removed it`);
        }
        if (revisionOf(state, request) !== request.expectedRevision) return false;
        setSynced(state, request);
        return true;
      }),
  };
}

type Key = Pick<RecordSyncedRequest, 'remote' | 'volumeId' | 'lane'>;

function revisionOf(state: MemoryState, { remote, volumeId, lane }: Key): number {
  return state.synced.get(syncedKey(remote, volumeId, lane))?.revision ?? 0;
}

function setSynced(state: MemoryState, request: RecordSyncedRequest): void {
  const { remote, volumeId, lane, layers, expectedRevision, atMs } = request;
  const record = { remote, volumeId, lane, layers: layers.toSorted(), revision: expectedRevision + 1, atMs };
  state.synced.set(syncedKey(remote, volumeId, lane), record);
  recordSquashes(state, headKey(volumeId, lane), request.squashes ?? []);
}

/** Whether the record moved since the caller saw it. */
export function isBehind(state: MemoryState, { synced, volumeId, lane }: CommitRequest): boolean {
  return synced !== undefined && revisionOf(state, { ...synced, volumeId, lane }) !== synced.expectedRevision;
}

/** Applies a commit to the sync records of its head. */
export function commitSynced(state: MemoryState, request: CommitRequest): void {
  const { synced, volumeId, lane, atMs } = request;
  const lost = new Set(request.lost);
  for (const record of state.synced.values()) {
    if (record.volumeId !== volumeId || record.lane !== lane || !record.layers.some((id) => lost.has(id))) continue;
    const layers = record.layers.filter((id) => !lost.has(id));
    setSynced(state, { ...record, layers, expectedRevision: record.revision, atMs });
  }
  if (synced === undefined) return;
  const layers = synced.layers.filter((id) => !lost.has(id));
  setSynced(state, { ...synced, layers, volumeId, lane, atMs });
}

/** Drops a volume with its sync records and the links from definitions. */
export function dropVolume(state: MemoryState, volumeId: VolumeId): void {
  state.volumes.delete(volumeId);
  removeSquashes(state, volumeId, null);
  letGo(state, volumeId, null);
  removeSynced(state, volumeId, null);
  forgetUsed(state, volumeId);
}

/** Removes the sync records of one lane, or of all. */
export function removeSynced(state: MemoryState, volumeId: VolumeId, lane: LaneName | null): void {
  for (const [key, record] of state.synced) {
    if (record.volumeId === volumeId && (lane === null || record.lane === lane)) state.synced.delete(key);
  }
}

/** Empties the sync records of a renamed namespace. */
export function emptySynced(state: MemoryState, namespaceId: NamespaceId): void {
  for (const record of state.synced.values()) {
    if (state.volumes.get(record.volumeId)?.namespaceId !== namespaceId) continue;
    setSynced(state, { ...record, layers: [], expectedRevision: record.revision });
  }
}
