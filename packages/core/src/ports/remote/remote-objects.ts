import type { Digest } from '../../base/digest.ts';
import type { RemoteKey } from '../../names/remote-key.ts';

/** The size and digest of a whole object. */
export interface ObjectContent {
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** The bytes of an object, which can be read repeatedly. */
export interface ObjectSource extends ObjectContent {
  /**
   * Returns all bytes in pieces of any size; called again for each retry. A reader that stops early ends the
   * iterator.
   */
  read(): AsyncIterable<Uint8Array>;
}

export interface ListedObject {
  readonly key: RemoteKey;
  readonly sizeBytes: number;
  /** By the remote's clock, in milliseconds since the epoch; for expiry, never for ordering. */
  readonly storedAtMs: number;
}

export interface ObjectStat extends ListedObject {
  /** The digest given when the object was stored; null if the remote does not keep it. */
  readonly digest: Digest | null;
}

export type PutOutcome =
  | { readonly kind: 'stored' }
  /** The same content was already stored, perhaps by an earlier attempt whose answer was lost. */
  | { readonly kind: 'present' }
  /** Another object has this key. It is not changed. */
  | { readonly kind: 'different'; readonly found: ObjectStat };

export interface GetRequest {
  /** The first byte to return; 0 by default, at most the object's size. */
  readonly offset?: number;
  /** The expected content, only for whole objects. Trust no data until the iterator ends without E_OBJECT_CORRUPT. */
  readonly expect?: ObjectContent;
}

export interface ObjectDownload {
  /** The size of the whole object, whatever the offset. */
  readonly sizeBytes: number;
  /**
   * All bytes from the offset to the end, in pieces of any size; otherwise it throws. A reader that stops early ends
   * the iterator.
   */
  readonly data: AsyncIterable<Uint8Array>;
}

/** A page of a listing in the byte order of keys. */
export interface ListPage {
  /** Exclusive; absent: from the beginning. */
  readonly after?: RemoteKey;
  /** At most and by default `limits.remoteListPage`. */
  readonly limit?: number;
}

export interface ObjectList {
  readonly objects: readonly ListedObject[];
  /** Whether more objects follow. */
  readonly more: boolean;
}

/**
 * Immutable blobs by key. Guarantees of every driver:
 * - an object exists whole or not at all. A killed writer leaves only files that `sweep` removes and `get`, `stat`
 *   and `list` do not show;
 * - an object never changes. A second `put` under its key reports it. Of concurrent puts, each returns `stored` or
 *   `present`;
 * - after `stored` or `present`, every client finds the object until it is removed;
 * - a source with another size or digest than it claims is refused with E_OBJECT_CORRUPT, and stays invisible;
 * - `renew` stores the object whether or not it exists, whole at every moment, with a new storage time;
 * - a listing names every object once that exists throughout;
 * - keys are like file paths: none is below another one.
 *
 * Every call may throw what `Remote` lists.
 */
export interface RemoteObjects {
  put(key: RemoteKey, source: ObjectSource, signal: AbortSignal): Promise<PutOutcome>;
  /** Stores an object again to renew its age. */
  renew(key: RemoteKey, source: ObjectSource, signal: AbortSignal): Promise<void>;
  /** Returns undefined if the object does not exist. */
  get(key: RemoteKey, request: GetRequest, signal: AbortSignal): Promise<ObjectDownload | undefined>;
  stat(key: RemoteKey, signal: AbortSignal): Promise<ObjectStat | undefined>;
  /** Lists objects. `prefix` is any beginning of a key; '' lists everything. */
  list(prefix: string, page: ListPage, signal: AbortSignal): Promise<ObjectList>;
  /** Removes an object, whether or not it exists or is in use. */
  remove(key: RemoteKey, signal: AbortSignal): Promise<void>;
  /** Removes leftovers of dead writers older than `limits.remoteSweepGraceMs`. Returns their number. */
  sweep(signal: AbortSignal): Promise<number>;
}
