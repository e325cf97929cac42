import {
  laneTrust,
  limits,
  type CollectionFacts,
  type CollectionStore,
  type Digest,
  type EvictRequest,
  type HeadRecord,
  type LaneName,
  type LaneSquash,
  type LayerId,
  type Namespace,
  type NamespaceId,
  type OpenSessionRequest,
  type UsedHead,
  type VolumeId,
} from '@cachelane/core';
import { isOf } from './memory-evictions.ts';
import { removeHeads } from './memory-heads.ts';
import { removeUnsaved } from './memory-namespaces.ts';
import { headKey, transact, type MemoryState } from './memory-state.ts';

export function memoryCollection(state: MemoryState): CollectionStore {
  return {
    collectionFacts: (signal) =>
      transact(signal, () => ({
        namespaces: [...state.namespaces.values()].map(({ record }) => record).toSorted(byPath),
        defaultLanes: new Map(state.defaultLanes),
        volumes: [...state.volumes.values()],
        heads: [...state.heads.values()].map((head): UsedHead => ({ ...head, usedAtMs: usedAt(state, head) })),
        history: [...state.history.values()].flatMap((rows) => rows.toReversed()),
        squashes: [...state.heads.values()].flatMap((head) => squashesOf(state, head)),
        pins: pinsIn(state),
        open: openLanes(state),
        policies: [...state.policies].map(([namespace, texts]) => ({ namespace, texts })),
        lanePolicies: [...state.lanePolicies.values()],
        directories: [...state.ownDirectories.values()],
      })),
    evict: (request, signal) => transact(signal, () => evict(state, request)),
    amongUnpinned: (keys, use, signal) =>
      transact(signal, () => {
        const pinned: ReadonlySet<Digest> = pinsIn(state);
        use(keys.filter((key) => !pinned.has(key)));
      }),
    trimHistory: ({ volumeId, lane, fromGeneration }, signal) =>
      transact(signal, () => {
        const key = headKey(volumeId, lane);
        const newest = state.heads.get(key)?.generation ?? 0;
        const rows = state.history.get(key) ?? [];
        const left = rows.filter(({ generation }) => generation >= Math.min(fromGeneration, newest));
        state.history.set(key, left);
        return rows.length - left.length;
      }),
    listEvictions: (signal) => transact(signal, () => state.evictions.toSorted((a, b) => b.atMs - a.atMs)),
    listPolicies: (signal) =>
      transact(signal, () => [...state.policies].map(([namespace, texts]) => ({ namespace, texts }))),
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

function pinsIn({ sessions }: MemoryState): ReadonlySet<LayerId> {
  return new Set([...sessions.values()].flatMap(({ pins }) => pins));
}

function squashesOf(state: MemoryState, { volumeId, lane }: HeadRecord): readonly LaneSquash[] {
  return (state.squashes.get(headKey(volumeId, lane)) ?? []).map((record) => ({ ...record, volumeId, lane }));
}

function openLanes(state: MemoryState): CollectionFacts['open'] {
  return [...state.sessions.values()].flatMap(({ id, lane }) =>
    (state.sessionVolumes.get(id) ?? []).map((volumeId) => ({ volumeId, lane })),
  );
}

function byPath(a: { readonly paths: readonly Namespace[] }, b: { readonly paths: readonly Namespace[] }): number {
  return (a.paths[0] ?? '') < (b.paths[0] ?? '') ? -1 : 1;
}

function usedAt(state: MemoryState, { volumeId, lane, updatedAtMs }: Omit<UsedHead, 'usedAtMs'>): number {
  return Math.max(state.uses.get(headKey(volumeId, lane)) ?? 0, updatedAtMs);
}

function evict(state: MemoryState, request: EvictRequest): boolean {
  const { volumeId, lane, generation, usedAtMs, policy, why, atMs } = request;
  const head = state.heads.get(headKey(volumeId, lane));
  if (head?.generation !== generation || usedAt(state, head) !== usedAtMs) return false;
  if (openLanes(state).some((each) => each.volumeId === volumeId && each.lane === lane)) return false;
  const pins = new Set([...state.sessions.values()].flatMap((session) => session.pins));
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

export function noteUse(state: MemoryState, volumeId: VolumeId, lane: LaneName, atMs: number): void {
  const known = state.uses.get(headKey(volumeId, lane));
  if (known === undefined || known <= atMs - limits.useNotedMs) state.uses.set(headKey(volumeId, lane), atMs);
}

export function countsAsUse({ run }: OpenSessionRequest): boolean {
  return laneTrust(run.lane) !== 'T0';
}

/** What the collection goes by, of a session that may save. */
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
