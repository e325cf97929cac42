import type { Metadata } from '@cachelane/core';
import { memoryCatalogs } from './memory-catalogs.ts';
import { memoryCollection } from './memory-collection.ts';
import { memoryGrowth } from './memory-growth.ts';
import { memoryHeads } from './memory-heads.ts';
import { memoryNamespaces } from './memory-namespaces.ts';
import { memorySquashes } from './memory-squashes.ts';
import { memorySync } from './memory-sync.ts';
import { memoryRevocations } from './memory-revocations.ts';
import { memorySessions } from './memory-sessions.ts';
import { memorySharing } from './memory-sharing.ts';
import { emptyState, type MemoryState } from './memory-state.ts';

/**
 * The `Metadata` port without a disk. Handles that are given the same `state` see the same metadata, as processes that
 * share a home do:
 *
 * ```ts
 * const state = emptyState();
 * await using first = memoryMetadata(state);
 * await using second = memoryMetadata(state);
 * ```
 */
export function memoryMetadata(state: MemoryState = emptyState()): Metadata {
  return {
    ...memoryNamespaces(state),
    ...memoryHeads(state),
    ...memorySquashes(state),
    ...memoryRevocations(state),
    ...memorySessions(state),
    ...memorySync(state),
    ...memoryCollection(state),
    ...memoryGrowth(state),
    ...memorySharing(state),
    ...memoryCatalogs(state),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
