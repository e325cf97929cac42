import { CachelaneError, limits, type ReadRecord, type RevocationStore, type RunId } from '@cachelane/core';
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
    revokedRuns: (signal) =>
      transact(signal, () =>
        [...state.revoked.values()].toSorted((a, b) => b.atMs - a.atMs || (a.run < b.run ? -1 : 1)),
      ),
    revokeRuns: (revocations, signal) =>
      transact(signal, () => {
        for (const { run, atMs, by } of revocations) {
          if (!state.revoked.has(run)) state.revoked.set(run, { run, atMs, by });
        }
      }),
  };
}

function inOrder(a: ReadRecord, b: ReadRecord): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return `${a.run} ${a.volumeId}` < `${b.run} ${b.volumeId}` ? -1 : 1;
}

/** Of a run that opens the volume again, what it sees then as well. */
export function recordReads(state: MemoryState, { run, volumeId, layers, atMs }: ReadRecord): void {
  const key = `${run} ${volumeId}`;
  const all = new Set([...(state.reads.get(key)?.layers ?? []), ...layers]);
  if (all.size > 0) state.reads.set(key, { run, volumeId, layers: [...all].toSorted(), atMs });
}

export function dropOldReads(state: MemoryState, nowMs: number): void {
  for (const [key, { atMs }] of state.reads) if (atMs < nowMs - limits.readsMs) state.reads.delete(key);
}

/** Throws E_LAYER_REFUSED. */
export function requireNotRevoked(state: MemoryState, run: RunId): void {
  if (!state.revoked.has(run)) return;
  throw new CachelaneError('E_LAYER_REFUSED', `${run} is revoked: what it made is not taken`);
}
