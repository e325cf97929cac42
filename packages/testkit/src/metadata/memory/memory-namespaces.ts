import {
  CachelaneError,
  joinSegments,
  type DirectoryIdentity,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type NamespaceStore,
  type VolumeId,
} from '@cachelane/core';
import {
  hasHeads,
  hasVolumes,
  namespaceNamed,
  transact,
  type MemoryNamespace,
  type MemoryState,
} from './memory-state.ts';
import { dropCatalog, hasCatalog, isConsumer, withdrawCatalog } from './memory-catalogs.ts';
import { dropShared, isShared } from './memory-sharing.ts';
import { dropVolume, emptySynced } from './memory-sync.ts';

export function memoryNamespaces(state: MemoryState): NamespaceStore {
  return {
    findNamespace: (path, signal) => transact(signal, () => namespaceNamed(state, path)?.record),

    namespace: (id, signal) => transact(signal, () => state.namespaces.get(id)?.record),

    listNamespaces: (signal) =>
      transact(signal, () =>
        [...state.namespaces.values()]
          .map(({ record }) => record)
          .toSorted((a, b) => ((a.paths[0] ?? '') < (b.paths[0] ?? '') ? -1 : 1)),
      ),

    createNamespace: ({ path, freshId, atMs }, signal) =>
      transact(signal, () => {
        const isNew = namespaceNamed(state, path) === undefined;
        const namespace = ensureNamespace(state, { path, freshId, atMs });
        setStays(state, namespace.id, true);
        return { namespace, isNew };
      }),

    releaseNamespace: (id, signal) =>
      transact(signal, () => {
        setStays(state, id, false);
        dropShared(state, id);
        withdrawCatalog(state, id);
        removeEmptyNamespace(state, id);
      }),

    aliasNamespace: (from, to, signal) =>
      transact(signal, () => {
        const named = namespaceNamed(state, from);
        if (named === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${from}`);
        const other = namespaceNamed(state, to);
        const isOther = other !== undefined && other.record.id !== named.record.id;
        if (isOther) giveUpPath(state, other, to);
        if (named.record.paths[0] !== to) emptySynced(state, named.record.id);
        const stays = named.stays || (isOther && other.stays && other.record.paths.length === 1);
        return addPath(state, { ...named, stays }, to);
      }),
  };
}

/** Removes an unused path from its namespace, and the namespace if no path is left. */
function giveUpPath(state: MemoryState, named: MemoryNamespace, path: Namespace): void {
  const { id } = named.record;
  const volumes = [...state.volumes.values()].filter((volume) => volume.namespaceId === id);
  if (volumes.some((volume) => hasHeads(state, volume.id))) {
    throw new CachelaneError('E_NAMESPACE', `${path} is the name of another namespace that has volumes`);
  }
  const isLast = named.record.paths.length === 1;
  if (isLast && (isShared(state, id) || hasCatalog(state, id))) {
    throw new CachelaneError('E_NAMESPACE', `${path} is the only name of a namespace that shares or offers something`);
  }
  dropPath(state, named, path);
  if (!isLast) return;
  for (const volume of volumes) dropVolume(state, volume.id);
  dropNamespace(state, id);
}

function dropNamespace(state: MemoryState, id: NamespaceId): void {
  state.namespaces.delete(id);
  dropShared(state, id);
  dropCatalog(state, id);
}

function dropPath(state: MemoryState, named: MemoryNamespace, path: Namespace): MemoryNamespace {
  const { record, directories } = named;
  const paths = record.paths.filter((other) => other !== path);
  const left = {
    ...named,
    record: { ...record, paths },
    directories: new Map([...directories].filter(([other]) => other !== path)),
  };
  state.namespaces.set(record.id, left);
  return left;
}

/** Adds a path and forgets which directory's own name it is. */
function addPath(state: MemoryState, named: MemoryNamespace, path: Namespace): NamespaceRecord {
  const left = dropPath(state, named, path);
  const { record } = left;
  const changed = { ...record, paths: [path, ...record.paths] };
  state.namespaces.set(record.id, { ...left, record: changed });
  return changed;
}

export interface NamespaceToEnsure {
  readonly path: Namespace;
  readonly freshId: NamespaceId;
  readonly atMs: number;
}

export function ensureNamespace(state: MemoryState, { path, freshId, atMs }: NamespaceToEnsure): NamespaceRecord {
  const known = namespaceNamed(state, path);
  if (known !== undefined) return known.record;
  const record: NamespaceRecord = { id: freshId, paths: [path], createdAtMs: atMs };
  state.namespaces.set(freshId, { record, directories: new Map(), stays: false });
  return record;
}

/** Returns undefined if nothing is adopted: another directory, or one that became another project before. */
export function adoptNamespace(
  state: MemoryState,
  path: Namespace,
  from: Namespace,
  directory: DirectoryIdentity,
): NamespaceRecord | undefined {
  const named = namespaceNamed(state, from);
  if (named === undefined || named.record.paths[0] !== from) return undefined;
  return named.directories.get(from) === directory.identity ? addPath(state, named, path) : undefined;
}

/** Whether another directory is known to have the name. */
export function isOfAnother(state: MemoryState, own: Namespace, directory: DirectoryIdentity): boolean {
  const recorded = namespaceNamed(state, own)?.directories.get(own);
  return recorded !== undefined && recorded !== directory.identity;
}

/** Detaches a directory's own name from its project after another directory took the path. */
export function detachOwnName(state: MemoryState, own: Namespace): void {
  const named = namespaceNamed(state, own);
  if (named === undefined) return;
  const left = dropPath(state, named, own);
  if (left.record.paths.length > 0) return;
  addPath(state, left, nameApart(own, left.record.id));
  removeEmptyNamespace(state, left.record.id);
}

/** Returns a namespace's new name after another directory took its own. */
export function nameApart(own: Namespace, id: NamespaceId): Namespace {
  return joinSegments(`${own}~${id.slice(-8)}`.split('/'));
}

export function recordDirectory(state: MemoryState, own: Namespace, { identity }: DirectoryIdentity): void {
  const named = namespaceNamed(state, own);
  if (named === undefined) return;
  const directories = new Map([...named.directories, [own, identity] as const]);
  state.namespaces.set(named.record.id, { ...named, directories });
}

/** Drops a volume without a head and without open sessions. */
export function removeUnsaved(state: MemoryState, id: VolumeId): void {
  const volume = state.volumes.get(id);
  const isOpen = [...state.sessionVolumes.values()].some((opened) => opened.includes(id));
  if (volume === undefined || isOpen || hasHeads(state, id)) return;
  dropVolume(state, id);
  removeEmptyNamespace(state, volume.namespaceId);
}

function setStays(state: MemoryState, id: NamespaceId, stays: boolean): void {
  const named = state.namespaces.get(id);
  if (named !== undefined) state.namespaces.set(id, { ...named, stays });
}

/** Drops a namespace without volumes, live sessions and recorded uses that was not created explicitly. */
export function removeEmptyNamespace(state: MemoryState, id: NamespaceId): void {
  const isOpen = [...state.sessions.values()].some((session) => session.namespaceId === id);
  const stays = state.namespaces.get(id)?.stays === true;
  if (!isOpen && !stays && !hasVolumes(state, id) && !isConsumer(state, id)) dropNamespace(state, id);
}
