import {
  CachelaneError,
  firstSnapshot,
  invariant,
  lockedBy,
  type Namespace,
  type NamespaceRecord,
  type OpenedSession,
  type OpenedVolume,
  type OpenSessionRequest,
  type OpenVolume,
  type SessionId,
  type SessionStore,
  type SessionVolume,
  type VolumeId,
  type VolumeRecord,
} from '@cachelane/core';
import {
  adoptNamespace,
  detachOwnName,
  ensureNamespace,
  isOfAnother,
  nameApart,
  recordDirectory,
  removeEmptyNamespace,
  removeUnsaved,
} from './memory-namespaces.ts';
import { recordReads } from './memory-revocations.ts';
import { countsAsUse, noteForCollection, noteUse } from './memory-collection.ts';
import { evictionOf } from './memory-evictions.ts';
import { loosen } from './memory-holders.ts';
import { hasHeads, headKey, laneOfKey, namespaceNamed, transact, type MemoryState } from './memory-state.ts';

export function memorySessions(state: MemoryState): SessionStore {
  return {
    openSession: (request, signal) => transact(signal, () => openSession(state, request)),

    updateSession: (id, change, signal) =>
      transact(signal, () => {
        const session = state.sessions.get(id);
        if (session === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no session ${id}`);
        const { place = session.place, pins = [] } = change;
        state.sessions.set(id, { ...session, place, pins: [...new Set([...session.pins, ...pins])] });
        for (const layer of pins) state.forgotten.delete(layer);
        if (change.mounts !== undefined) state.sessionMounts.set(id, [...change.mounts]);
        for (const path of change.madeDirs ?? []) state.mountDirs.set(path, id);
      }),

    closeSession: (id, removeDirs, signal) =>
      transact(signal, () => {
        const others = [...state.sessions.values()].filter((session) => session.id !== id);
        const ownerless = [...state.mountDirs].filter(([, owner]) => owner === id || owner === null);
        const targets = others.flatMap((session) => session.targets);
        const idle = ownerless
          .map(([path]) => path)
          .filter((path) => !targets.some((target) => isRelated(path, target)))
          .toSorted((a, b) => segments(b).length - segments(a).length || (a < b ? -1 : 1));
        // Called first: if it throws, nothing has changed.
        if (idle.length > 0) removeDirs(idle);
        const session = state.sessions.get(id);
        const opened = state.sessionVolumes.get(id) ?? [];
        state.sessions.delete(id);
        state.sessionMounts.delete(id);
        state.sessionVolumes.delete(id);
        for (const [key, holder] of state.volumeLocks) if (holder === id) state.volumeLocks.delete(key);
        for (const volumeId of opened) removeUnsaved(state, volumeId);
        if (session !== undefined) removeEmptyNamespace(state, session.namespaceId);
        loosen(state, session?.pins ?? []);
        for (const [path] of ownerless) state.mountDirs.set(path, null);
        for (const path of idle) state.mountDirs.delete(path);
      }),

    amongMounts: (id, use, signal) =>
      transact(signal, () => {
        const others = [...state.sessions.values()].filter((session) => session.id !== id);
        use(
          others.flatMap(({ id: other, place, targets }) =>
            (state.sessionMounts.get(other) ?? targets).map((path) => ({ path, isStarted: place !== null })),
          ),
        );
      }),

    listSessions: (signal) =>
      transact(signal, () =>
        [...state.sessions.values()].toSorted((a, b) => a.openedAtMs - b.openedAtMs || (a.id < b.id ? -1 : 1)),
      ),

    listSessionVolumes: (signal) =>
      transact(signal, () =>
        [...state.sessionVolumes].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap((opened) => openedBy(state, opened)),
      ),
  };
}

function openedBy(
  state: MemoryState,
  [session, volumes]: readonly [SessionId, readonly VolumeId[]],
): readonly SessionVolume[] {
  const locks = [...state.volumeLocks].filter(([, holder]) => holder === session).map(([key]) => laneOfKey(key));
  const there = [...new Set(volumes)].filter((id) => state.volumes.has(id));
  return there.toSorted().flatMap((volumeId) => {
    const lanes = locks.filter((each) => each.volumeId === volumeId).map(({ lane }) => lane);
    return (lanes.length === 0 ? [null] : lanes.toSorted()).map((lockedLane) => ({ session, volumeId, lockedLane }));
  });
}

function openSession(state: MemoryState, request: OpenSessionRequest): OpenedSession {
  const { sessionId, run, directory, adoptFrom, mayWrite, atMs } = request;
  invariant(!state.sessions.has(sessionId), `session ${sessionId} is open already`);
  for (const volume of request.volumes) {
    invariant(volume.chain.length > 0, `volume ${volume.name} has an empty read chain`);
  }
  refuseLocked(state, request);
  const isOwnName = adoptFrom === null || adoptFrom === request.namespace;
  const isTaken = directory !== null && isOwnName && isOfAnother(state, request.namespace, directory);
  if (isTaken && mayWrite) detachOwnName(state, request.namespace);
  const namespace = isTaken && !mayWrite ? nameApart(request.namespace, request.freshNamespaceId) : request.namespace;
  const isNew = namespaceNamed(state, namespace) === undefined;
  const adopted =
    mayWrite && isNew && adoptFrom !== null && directory !== null
      ? adoptNamespace(state, namespace, adoptFrom, directory)
      : undefined;
  const record = adopted ?? ensureNamespace(state, { path: namespace, freshId: request.freshNamespaceId, atMs });
  if (mayWrite && directory !== null && isOwnName) recordDirectory(state, namespace, directory);
  if (mayWrite) noteForCollection(state, request, namespace, record.id);
  const isUse = countsAsUse(request);

  const volumes = request.volumes.map(({ chain, ...volume }) => {
    const own = chain.map((link) => (link.namespace === request.namespace ? { ...link, namespace } : link));
    return openVolume(state, { ...volume, chain: own }, { mayWrite, isUse, atMs });
  });
  const pins = volumes.flatMap(({ pinned }) => pinned.flatMap((link) => link.layers));
  if (!state.runs.has(run.id)) state.runs.set(run.id, { ...run, namespaceId: record.id });
  state.sessions.set(sessionId, {
    id: sessionId,
    run: run.id,
    namespaceId: record.id,
    lane: run.lane,
    bootId: request.bootId,
    openedAtMs: atMs,
    place: null,
    targets: [...request.targets],
    pins: [...new Set(pins)],
  });
  for (const [index, { volume }] of volumes.entries()) {
    const wanted = request.volumes[index];
    const lane = wanted?.chain[0]?.lane;
    if (wanted?.lock === true && lane !== undefined) state.volumeLocks.set(headKey(volume.id, lane), sessionId);
  }
  for (const { volume, pinned } of request.reads ? volumes : []) {
    recordReads(state, { run: run.id, volumeId: volume.id, layers: pinned.flatMap((link) => link.layers), atMs });
  }
  state.sessionVolumes.set(
    sessionId,
    volumes.map(({ volume }) => volume.id),
  );
  return { namespace: record, adopted: adopted !== undefined, volumes };
}

/** Called before anything changes. */
function refuseLocked(state: MemoryState, { volumes, adoptFrom, namespace }: OpenSessionRequest): void {
  for (const volume of volumes) {
    const [own] = volume.chain;
    if (!volume.lock || own === undefined) continue;
    const names = own.namespace === namespace && adoptFrom !== null ? [own.namespace, adoptFrom] : [own.namespace];
    for (const name of names) {
      const known = volumeIn(state, name, volume);
      const holderId = known && state.volumeLocks.get(headKey(known.id, own.lane));
      const holder = holderId && state.sessions.get(holderId);
      if (holder === undefined) continue;
      throw lockedBy({ volume: volume.name, lane: own.lane, run: holder.run, sinceMs: holder.openedAtMs });
    }
  }
}

interface OpenBy {
  readonly mayWrite: boolean;
  readonly isUse: boolean;
  readonly atMs: number;
}

function openVolume(state: MemoryState, request: OpenVolume, { mayWrite, isUse, atMs }: OpenBy): OpenedVolume {
  const [own] = request.chain;
  invariant(own !== undefined, `volume ${request.name} has an empty read chain`);
  const namespace = ensureNamespace(state, { path: own.namespace, freshId: request.freshNamespaceId, atMs });
  const known = volumeIn(state, own.namespace, request);
  const volume =
    known === undefined
      ? addVolume(state, namespace, { request, mayWrite, isUse, atMs })
      : mayWrite
        ? { ...known, tool: hasHeads(state, known.id) ? known.tool : request.tool, sync: request.sync }
        : known;
  state.volumes.set(volume.id, volume);
  const links = request.chain.map((link) => {
    const id = volumeIn(state, link.namespace, request)?.id;
    const head = id === undefined ? undefined : state.heads.get(headKey(id, link.lane));
    return { ...link, volumeId: head?.volumeId, generation: head?.generation ?? 0, layers: head?.layers ?? [] };
  });
  const { generation = 0, layers = [] } = links[0] ?? {};
  const counting = request.firstSnapshot === true ? firstSnapshot(own, links) : links;
  for (const { volumeId, lane } of counting) {
    if (volumeId !== undefined && isUse) noteUse(state, volumeId, lane, atMs);
  }
  const pinned = counting.flatMap(({ volumeId: _, ...link }) => (link.layers.length > 0 ? [link] : []));
  const evicted = pinned.length > 0 ? null : evictionOf(state, request);
  return { volume, own: { generation, layers }, pinned, evicted };
}

function volumeIn(state: MemoryState, path: Namespace, { name, compat }: OpenVolume): VolumeRecord | undefined {
  const namespace = namespaceNamed(state, path)?.record;
  return [...state.volumes.values()].find(
    (volume) => volume.namespaceId === namespace?.id && volume.name === name && sameFields(volume.compat, compat),
  );
}

interface VolumeToAdd extends OpenBy {
  readonly request: OpenVolume;
}

function addVolume(
  state: MemoryState,
  { id: namespaceId }: NamespaceRecord,
  { request, mayWrite, atMs }: VolumeToAdd,
): VolumeRecord {
  const { freshId: id, name, compat, tool } = request;
  const sync = mayWrite ? request.sync : null;
  const volume: VolumeRecord = { id, namespaceId, name, compat: { ...compat }, tool, sync, createdAtMs: atMs };
  state.volumes.set(id, volume);
  return volume;
}

function sameFields(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Whether one path is the other or above it. */
function isRelated(a: string, b: string): boolean {
  const [left, right] = [segments(a), segments(b)];
  return left.slice(0, right.length).every((segment, index) => segment === right[index]);
}

function segments(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}
