import {
  CachelaneError,
  granteeText,
  isCovered,
  type FeedKey,
  type GrantKey,
  type GrantRecord,
  type NamespaceId,
  type SharingStore,
} from '@cachelane/core';
import { transact, type MemoryState } from './memory-state.ts';

export function memorySharing(state: MemoryState): SharingStore {
  return {
    putGrant: (grant, signal) =>
      transact(signal, () => {
        requireThere(state, grant.ownerId);
        state.grants.set(grantKey(grant), grant);
      }),
    removeGrant: (key, signal) => transact(signal, () => state.grants.delete(grantKey(key))),
    grantsOf: (id, signal) => transact(signal, () => grantsIn(state).filter(({ ownerId }) => ownerId === id)),
    grantsTo: (names, signal) => transact(signal, () => grantsIn(state).filter(({ to }) => isCovered(to, names))),
    putFeed: (feed, signal) =>
      transact(signal, () => {
        requireThere(state, feed.tierId);
        state.feeds.set(feedKey(feed), feed);
      }),
    removeFeed: (key, signal) => transact(signal, () => state.feeds.delete(feedKey(key))),
    feedsOf: (id, signal) => transact(signal, () => inOrder(state.feeds).filter(({ tierId }) => tierId === id)),
  };
}

/** Whether a namespace has grants, feed rules or a catalog. */
export function isShared(state: MemoryState, id: NamespaceId): boolean {
  return (
    [...state.grants.values()].some(({ ownerId }) => ownerId === id) ||
    [...state.feeds.values()].some(({ tierId }) => tierId === id)
  );
}

/** Drops the grants and rules of a removed or released namespace. */
export function dropShared(state: MemoryState, id: NamespaceId): void {
  for (const [key, { ownerId }] of state.grants) if (ownerId === id) state.grants.delete(key);
  for (const [key, { tierId }] of state.feeds) if (tierId === id) state.feeds.delete(key);
}

export function requireThere(state: MemoryState, id: NamespaceId): void {
  if (!state.namespaces.has(id)) throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${id}`);
}

function grantsIn(state: MemoryState): readonly GrantRecord[] {
  return inOrder(state.grants);
}

/** Sorted by key. */
export function inOrder<T>(records: ReadonlyMap<string, T>): readonly T[] {
  return [...records].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

function grantKey({ ownerId, volume, to }: GrantKey): string {
  return `${ownerId} ${volume ?? ''} ${granteeText(to)}`;
}

function feedKey({ tierId, volume, from, lanes }: FeedKey): string {
  return `${tierId} ${volume ?? ''} ${granteeText(from)} ${lanes}`;
}
