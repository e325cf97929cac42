import {
  limits,
  type CatalogRecord,
  type CatalogStore,
  type CatalogUse,
  type ListedCatalog,
  type NamespaceId,
  type PublishRequest,
  type PublishResult,
  type VolumeId,
} from '@cachelane/core';
import { inOrder, requireThere } from './memory-sharing.ts';
import { transact, type MemoryCatalog, type MemoryState } from './memory-state.ts';

const noCatalog: MemoryCatalog = { lastVersion: 0, versions: [] };

export function memoryCatalogs(state: MemoryState): CatalogStore {
  const versionsOf = (id: NamespaceId): readonly CatalogRecord[] => state.catalogs.get(id)?.versions ?? [];
  return {
    publishCatalog: (request, signal) => transact(signal, () => publish(state, request)),
    catalogVersion: (id, version, signal) =>
      transact(signal, () => versionsOf(id).find((record) => version === null || record.version === version)),
    catalogVersions: (id, signal) => transact(signal, () => versionsOf(id).map(listed)),
    listCatalogs: (signal) =>
      transact(signal, () => inOrder(state.catalogs).flatMap(({ versions }) => versions.slice(0, 1).map(listed))),
    nextCatalogVersion: (id, signal) => transact(signal, () => (state.catalogs.get(id) ?? noCatalog).lastVersion + 1),
    removeCatalogVersion: (id, version, signal) =>
      transact(signal, () => {
        const { lastVersion, versions } = state.catalogs.get(id) ?? noCatalog;
        const left = versions.filter((record) => record.version !== version);
        if (left.length === versions.length) return false;
        state.catalogs.set(id, { lastVersion, versions: left });
        return true;
      }),
    noteCatalogUse: (use, signal) =>
      transact(signal, () => {
        if (!state.namespaces.has(use.namespaceId) || !state.namespaces.has(use.consumerId)) return;
        const isThere = use.volumeId !== null && state.volumes.has(use.volumeId);
        state.catalogUses.set(useKey(use), { ...use, volumeId: isThere ? use.volumeId : null });
      }),
    catalogUses: (id, definition, signal) =>
      transact(signal, () =>
        inOrder(state.catalogUses).filter(
          (use) => use.namespaceId === id && (definition === null || use.definition === definition),
        ),
      ),
  };
}

function publish(state: MemoryState, { expectedVersion, ...content }: PublishRequest): PublishResult {
  const { namespaceId, digest } = content;
  requireThere(state, namespaceId);
  const { lastVersion, versions } = state.catalogs.get(namespaceId) ?? noCatalog;
  const [latest] = versions;
  if (latest?.digest === digest) return { kind: 'same', record: latest };
  if ((latest?.version ?? 0) !== expectedVersion) return { kind: 'conflict', record: latest ?? null };
  const record = { ...content, version: lastVersion + 1 };
  state.catalogs.set(namespaceId, { lastVersion: record.version, versions: [record, ...versions] });
  return { kind: 'published', record };
}

function listed({ text: _, ...record }: CatalogRecord): ListedCatalog {
  return record;
}

function useKey({ namespaceId, definition, consumerId }: CatalogUse): string {
  return `${namespaceId} ${definition} ${consumerId}`;
}

export function hasCatalog(state: MemoryState, id: NamespaceId): boolean {
  return (state.catalogs.get(id)?.versions ?? []).length > 0;
}

/** Keeps the highest version number. */
export function withdrawCatalog(state: MemoryState, id: NamespaceId): void {
  const { lastVersion } = state.catalogs.get(id) ?? noCatalog;
  state.catalogs.set(id, { lastVersion, versions: [] });
  for (const [key, { namespaceId, consumerId }] of state.catalogUses) {
    if (namespaceId === id || consumerId === id) state.catalogUses.delete(key);
  }
}

/** Drops the catalog of a removed namespace. */
export function dropCatalog(state: MemoryState, id: NamespaceId): void {
  withdrawCatalog(state, id);
  state.catalogs.delete(id);
}

export function isConsumer(state: MemoryState, id: NamespaceId): boolean {
  return [...state.catalogUses.values()].some(({ consumerId }) => consumerId === id);
}

/** Returns the consumers. */
export function dropOldUses(state: MemoryState, nowMs: number): ReadonlySet<NamespaceId> {
  const old = [...state.catalogUses].filter(([, { atMs }]) => atMs < nowMs - limits.catalogUsesMs);
  for (const [key] of old) state.catalogUses.delete(key);
  return new Set(old.map(([, { consumerId }]) => consumerId));
}

/** Keeps uses of a removed volume: they belong to the definition. */
export function forgetUsed(state: MemoryState, volumeId: VolumeId): void {
  for (const [key, use] of state.catalogUses) {
    if (use.volumeId === volumeId) state.catalogUses.set(key, { ...use, volumeId: null });
  }
}
