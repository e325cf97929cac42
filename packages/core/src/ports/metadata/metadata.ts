import type { CatalogStore } from './catalog-store.ts';
import type { CollectionStore } from './collection-store.ts';
import type { GrowthStore } from './growth-store.ts';
import type { HeadStore, SquashStore } from './head-store.ts';
import type { NamespaceStore } from './namespace-store.ts';
import type { RevocationStore } from './revocation-store.ts';
import type { SessionStore } from './session-store.ts';
import type { SharingStore } from './sharing-store.ts';
import type { SyncStore } from './sync-store.ts';

/**
 * Namespaces, volumes, heads, sessions. Guarantees of every driver:
 * - each method is one atomic, isolated, durable transaction; after a crash it happened or it did not;
 * - `commit` moves a head only from `expectedGeneration` and only to layers that `layer`, an earlier commit or a pin of this store recorded;
 * - of the sessions that ask for a lock on a lane of a volume, one at a time is open; its lock goes with it;
 * - `openSession` records pins in the same transaction that reads the heads: nothing pinned can be collected;
 * - methods may be called by many processes at once;
 * - `commit` with `synced` moves both or none: a head that stands still conflicts where the record moved;
 * - records of what is synced go when their lane is removed, with a head or without, and with their volume;
 * - the metadata never refer to a layer that was not published before `commit` was called (the caller's duty, checked by tests).
 * Errors: E_STORE_BUSY (retryable), E_STORE_CORRUPT, E_STORE_NEWER, E_DISK_FULL, E_NOT_FOUND, E_ABORTED.
 */
export interface Metadata
  extends
    NamespaceStore,
    HeadStore,
    SquashStore,
    RevocationStore,
    SessionStore,
    SyncStore,
    CollectionStore,
    GrowthStore,
    SharingStore,
    CatalogStore,
    AsyncDisposable {}
