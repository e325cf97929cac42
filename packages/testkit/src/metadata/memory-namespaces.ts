import {
  CachelaneError,
  type DirectoryIdentity,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type NamespaceStore,
} from '@cachelane/core';
import { hasVolumes, namespaceNamed, transact, type MemoryNamespace, type MemoryState } from './memory-state.ts';

export function memoryNamespaces(state: MemoryState): NamespaceStore {
  return {
    findNamespace: (path, signal) => transact(signal, () => namespaceNamed(state, path)?.record),

    listNamespaces: (signal) =>
      transact(signal, () =>
        [...state.namespaces.values()]
          .map(({ record }) => record)
          .toSorted((a, b) => ((a.paths[0] ?? '') < (b.paths[0] ?? '') ? -1 : 1)),
      ),

    aliasNamespace: (from, to, signal) =>
      transact(signal, () => {
        const named = namespaceNamed(state, from);
        if (named === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${from}`);
        const other = namespaceNamed(state, to);
        if (other !== undefined && other.record.id !== named.record.id) giveUpPath(state, other, to);
        return addPath(state, named, to);
      }),
  };
}

/** Takes an unused path away from its namespace; one without paths goes. */
function giveUpPath(state: MemoryState, { record, directory }: MemoryNamespace, path: Namespace): void {
  if (hasVolumes(state, record.id)) {
    throw new CachelaneError('E_NAMESPACE', `${path} is the name of another namespace, and that one has volumes`);
  }
  const paths = record.paths.filter((other) => other !== path);
  if (paths.length === 0) state.namespaces.delete(record.id);
  else state.namespaces.set(record.id, { record: { ...record, paths }, directory });
}

function addPath(state: MemoryState, { record, directory }: MemoryNamespace, path: Namespace): NamespaceRecord {
  const changed = { ...record, paths: [path, ...record.paths.filter((other) => other !== path)] };
  state.namespaces.set(record.id, { record: changed, directory });
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
  state.namespaces.set(freshId, { record, directory: null });
  return record;
}

/** Undefined where nothing is adopted: another directory, or one that became another project before. */
export function adoptNamespace(
  state: MemoryState,
  path: Namespace,
  from: Namespace,
  directory: DirectoryIdentity,
): NamespaceRecord | undefined {
  const named = namespaceNamed(state, from);
  if (named === undefined || named.record.paths[0] !== from) return undefined;
  const isSame = named.directory?.path === directory.path && named.directory.identity === directory.identity;
  return isSame ? addPath(state, named, path) : undefined;
}

/** A directory's own name does not stay with the project it became once another directory stands at its path. */
export function detachOwnName(state: MemoryState, own: Namespace, directory: DirectoryIdentity): void {
  const named = namespaceNamed(state, own);
  if (named === undefined || named.record.paths[0] === own || named.directory?.identity === directory.identity) return;
  const paths = named.record.paths.filter((path) => path !== own);
  state.namespaces.set(named.record.id, { ...named, record: { ...named.record, paths } });
}

export function recordDirectory(state: MemoryState, record: NamespaceRecord, directory: DirectoryIdentity): void {
  state.namespaces.set(record.id, { record, directory });
}

/** Drops a namespace that has no volumes and no live sessions. */
export function removeEmptyNamespace(state: MemoryState, id: NamespaceId): void {
  const isOpen = [...state.sessions.values()].some((session) => session.namespaceId === id);
  if (!isOpen && !hasVolumes(state, id)) state.namespaces.delete(id);
}
