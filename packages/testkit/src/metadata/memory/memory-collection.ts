import {
  laneTrust,
  limits,
  type CollectionNote,
  type CollectionStore,
  type Digest,
  type EvictRequest,
  type LaneName,
  type Namespace,
  type NamespaceId,
  type OpenSessionRequest,
  type VolumeId,
} from '@cachelane/core';
import { isOf } from './memory-evictions.ts';
import { memoryFacts, pinsIn, policiesIn, squashesOf, usedAt } from './memory-facts.ts';
import { removeHeads } from './memory-heads.ts';
import { forgetLayer, isHeld, settleLane } from './memory-holders.ts';
import { removeUnsaved } from './memory-namespaces.ts';
import { headKey, transact, type MemoryState } from './memory-state.ts';

export function memoryCollection(state: MemoryState): CollectionStore {
  return {
    collectionFacts: (question, signal) => transact(signal, () => memoryFacts(state, question)),
    ownDirectories: (signal) =>
      transact(signal, () =>
        [...state.ownDirectories.values()].toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1)),
      ),
    lookedAtMs: (signal) => transact(signal, () => state.looks[0] ?? null),
    noteCollection: (note, signal) =>
      transact(signal, () => {
        noteCollection(state, note);
      }),
    evict: (request, signal) => transact(signal, () => evict(state, request)),
    amongUnused: (keys, use, signal) =>
      transact(signal, () => {
        const pinned: ReadonlySet<Digest> = pinsIn(state);
        use(keys.filter((key) => !pinned.has(key) && !state.layers.has(key as never)));
      }),
    trimHistory: ({ volumeId, lane, fromGeneration }, signal) =>
      transact(signal, () => {
        const key = headKey(volumeId, lane);
        const newest = state.heads.get(key)?.generation ?? 0;
        const rows = state.history.get(key) ?? [];
        const left = rows.filter(({ generation }) => generation >= Math.min(fromGeneration, newest));
        state.history.set(key, left);
        settleLane(state, key);
        return rows.length - left.length;
      }),
    listEvictions: (signal) => transact(signal, () => state.evictions.toSorted((a, b) => b.atMs - a.atMs)),
    listPolicies: (signal) => transact(signal, () => policiesIn(state)),
    setPolicy: (namespace, key, text, signal) =>
      transact(signal, () => {
        const { [key]: _, ...others } = state.policies.get(namespace) ?? {};
        const texts = text === null ? others : { ...others, [key]: text };
        if (Object.keys(texts).length === 0) state.policies.delete(namespace);
        else state.policies.set(namespace, texts);
      }),
    noteDirectories: (directories, signal) =>
      transact(signal, () => {
        for (const { namespace, goneSinceMs } of directories) {
          const known = state.ownDirectories.get(namespace);
          if (known !== undefined) state.ownDirectories.set(namespace, { ...known, goneSinceMs });
        }
      }),
  };
}

function noteCollection(state: MemoryState, { absent, isThere, held, atMs, isAll }: CollectionNote): void {
  const pinned = pinsIn(state);
  for (const id of absent.filter((each) => !isThere(each))) {
    const isUsed = isHeld(state, id) || pinned.has(id);
    if (state.layers.has(id) && !isUsed) forgetLayer(state, id, atMs);
    state.loose.delete(id);
  }
  for (const id of held) if (isHeld(state, id)) state.loose.delete(id);
  if (isAll) state.looks.splice(0, 1, atMs);
}

function evict(state: MemoryState, request: EvictRequest): boolean {
  const { volumeId, lane, generation, usedAtMs, policy, why, atMs } = request;
  const head = state.heads.get(headKey(volumeId, lane));
  if (head?.generation !== generation || usedAt(state, head) !== usedAtMs) return false;
  if (isOpen(state, volumeId, lane)) return false;
  const pins = pinsIn(state);
  const replaced = squashesOf(state, head).flatMap(({ layers }) => layers);
  if ([...head.layers, ...replaced].some((id) => pins.has(id))) return false;
  const volume = state.volumes.get(volumeId);
  const namespace = volume === undefined ? undefined : state.namespaces.get(volume.namespaceId)?.record.paths[0];
  if (volume !== undefined && namespace !== undefined) {
    const left = state.evictions.filter((each) => !isOf(each, volume.name, lane) || each.namespace !== namespace);
    const { name, compat } = volume;
    state.evictions.splice(0, state.evictions.length, ...left, {
      namespace,
      volume: name,
      compat,
      lane,
      policy,
      why,
      atMs,
    });
  }
  removeHeads(state, volumeId, lane);
  removeUnsaved(state, volumeId);
  return true;
}

function isOpen({ sessions, sessionVolumes }: MemoryState, volumeId: VolumeId, lane: LaneName): boolean {
  return [...sessions.values()].some(
    (session) => session.lane === lane && sessionVolumes.get(session.id)?.includes(volumeId) === true,
  );
}

export function noteUse(state: MemoryState, volumeId: VolumeId, lane: LaneName, atMs: number): void {
  const head = state.heads.get(headKey(volumeId, lane));
  if (head !== undefined && Math.abs(usedAt(state, head) - atMs) >= limits.useNotedMs) {
    state.uses.set(headKey(volumeId, lane), atMs);
  }
}

export function countsAsUse({ run }: OpenSessionRequest): boolean {
  return laneTrust(run.lane) !== 'T0';
}

/** Records a saving session's facts for collections. */
export function noteForCollection(
  state: MemoryState,
  { defaultLane = null, lanePolicy, directory, run }: OpenSessionRequest,
  namespace: Namespace,
  namespaceId: NamespaceId,
): void {
  if (defaultLane !== null) state.defaultLanes.set(namespaceId, defaultLane);
  const key = `${namespaceId} ${run.lane}`;
  if (lanePolicy === null) state.lanePolicies.delete(key);
  else if (lanePolicy !== undefined) state.lanePolicies.set(key, { namespaceId, lane: run.lane, ...lanePolicy });
  if (directory === null || !/^(local|file)\//.test(namespace)) return;
  state.ownDirectories.set(namespace, { namespace, path: directory.path, goneSinceMs: null });
}
