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
 * Namespaces, volumes, heads and sessions. Guarantees of every driver:
 * - each method is one atomic, isolated, durable transaction. A crash leaves all of it or nothing;
 * - `commit` moves a head only from `expectedGeneration`, and only to layers recorded by `layer`, an earlier commit
 *   or a pin;
 * - one session at a time holds the lock on a lane of a volume. The lock ends with the session;
 * - `openSession` records pins in the transaction that reads the heads, so pinned layers cannot be collected;
 * - many processes may call methods at once;
 * - `commit` with `synced` moves both or neither. It conflicts if the record moved and the head did not;
 * - sync records are deleted with their lane or volume, whether or not it has a head;
 * - metadata never refer to a layer that was not published before `commit`. Callers ensure this, and tests check it.
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
