import {
  CachelaneError,
  limits,
  type NamespaceId,
  type ReadRecord,
  type RevocationStore,
  type RevokedRun,
  type RunId,
  type VolumeId,
} from '@cachelane/core';
import { transact, type MemoryState } from './memory-state.ts';

export function memoryRevocations(state: MemoryState): RevocationStore {
  return {
    findRuns: (prefix, signal) =>
      transact(signal, () =>
        [...state.runs.values()]
          .filter(({ id }) => id.startsWith(prefix))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, 10),
      ),
    listReads: (signal) => transact(signal, () => [...state.reads.values()].toSorted(inOrder)),
    readsOf: (run, volumeId, signal) => transact(signal, () => state.reads.get(readKey(run, volumeId))),
    revokedRuns: (of, signal) =>
      transact(signal, () =>
        [...state.revoked.values()]
          .filter(({ namespaceId }) => of === 'all' || namespaceId === null || namespaceId === of)
          .toSorted((a, b) => b.atMs - a.atMs || (keyOf(a) < keyOf(b) ? -1 : 1)),
      ),
    revokeRuns: (revocations, signal) =>
      transact(signal, () => {
        for (const { run, atMs, by, namespaceId } of revocations) {
          if (isRevoked(state, run, namespaceId)) continue;
          state.revoked.set(keyOf({ run, namespaceId }), { run, atMs, by, namespaceId });
        }
      }),
  };
}

function inOrder(a: ReadRecord, b: ReadRecord): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return `${a.run} ${a.volumeId}` < `${b.run} ${b.volumeId}` ? -1 : 1;
}

function readKey(run: RunId, volumeId: VolumeId): string {
  return `${run} ${volumeId}`;
}

/** Adds what a run sees when it opens the volume again. */
export function recordReads(state: MemoryState, { run, volumeId, layers, atMs }: ReadRecord): void {
  const key = readKey(run, volumeId);
  const all = new Set([...(state.reads.get(key)?.layers ?? []), ...layers]);
  if (all.size > 0) state.reads.set(key, { run, volumeId, layers: [...all].toSorted(), atMs });
}

export function dropOldReads(state: MemoryState, nowMs: number): void {
  for (const [key, { atMs }] of state.reads) if (atMs < nowMs - limits.readsMs) state.reads.delete(key);
}

function keyOf({ run, namespaceId }: Pick<RevokedRun, 'run' | 'namespaceId'>): string {
  return `${run} ${namespaceId ?? ''}`;
}

function isRevoked({ revoked }: MemoryState, run: RunId, namespaceId: NamespaceId | null): boolean {
  return revoked.has(keyOf({ run, namespaceId })) || revoked.has(keyOf({ run, namespaceId: null }));
}

/** Checks that a run may save to volumes of a namespace. Throws E_LAYER_REFUSED. */
export function requireNotRevoked(state: MemoryState, run: RunId, namespaceId: NamespaceId): void {
  if (!isRevoked(state, run, namespaceId)) return;
  throw new CachelaneError('E_LAYER_REFUSED', `${run} is revoked: its contents are refused`, {
    hint: `cachelane revoke --run ${run} removes its remaining contents`,
  });
}
