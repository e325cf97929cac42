import type { Digest } from '../../base/digest.ts';
import type { RemoteKey } from '../../names/remote-key.ts';

/** What the whole of an object is. */
export interface ObjectContent {
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** Where the bytes of an object come from: a buffer, a file, anything that can be read again. */
export interface ObjectSource extends ObjectContent {
  /** From the first byte, in pieces of any size. Called once more for each retry; whoever stops early ends it. */
  read(): AsyncIterable<Uint8Array>;
}

export interface ListedObject {
  readonly key: RemoteKey;
  readonly sizeBytes: number;
  /** By the remote's own clock, milliseconds since the epoch; for expiry, never for order. */
  readonly storedAtMs: number;
}

export interface ObjectStat extends ListedObject {
  /** As it was said when the object was stored; null where the remote keeps no such note. */
  readonly digest: Digest | null;
}

export type PutOutcome =
  | { readonly kind: 'stored' }
  /** Somebody stored the same content before, or an earlier attempt of ours did whose answer got lost. */
  | { readonly kind: 'present' }
  /** Something else lies under this key. It is left alone. */
  | { readonly kind: 'different'; readonly found: ObjectStat };

export interface GetRequest {
  /** The first byte that is wanted; 0 by default, at most the object's size. */
  readonly offset?: number;
  /**
   * What the object must be. Only for whole objects: what has come counts for nothing until the data has ended
   * without E_OBJECT_CORRUPT.
   */
  readonly expect?: ObjectContent;
}

export interface ObjectDownload {
  /** Of the whole object, whatever the offset. */
  readonly sizeBytes: number;
  /** Every byte from the offset to the end, in order, in pieces of any size; or it throws. Whoever stops early ends it. */
  readonly data: AsyncIterable<Uint8Array>;
}

/** A part of a listing: what comes after a key, in the order of the keys' bytes. */
export interface ListPage {
  /** Exclusive; from the beginning where it is absent. */
  readonly after?: RemoteKey;
  /** At most and by default `limits.remoteListPage`. */
  readonly limit?: number;
}

export interface ObjectList {
  readonly objects: readonly ListedObject[];
  /** Whether there are others behind the last one of these. */
  readonly more: boolean;
}

/**
 * Immutable blobs by key. Guarantees of every driver:
 * - an object is there whole or not at all: a writer that is killed leaves nothing that `get`, `stat` or `list` see, only leftovers for `sweep`;
 * - it never changes: a second `put` under its key leaves it as it is and says so. Of several that run together each says `stored` or `present`;
 * - after `put` said `stored` or `present`, everybody who asks finds it, until it is removed;
 * - a source that is not what it claims to be (size, digest) is refused with E_OBJECT_CORRUPT, and nothing of it shows;
 * - `renew` stores it whether or not it is there, whole at every moment, so that it counts as stored just now;
 * - a listing names everything once that is there all the while;
 * - keys are like paths of files: none lies below another one.
 *
 * Every call may throw what `Remote` lists.
 */
export interface RemoteObjects {
  put(key: RemoteKey, source: ObjectSource, signal: AbortSignal): Promise<PutOutcome>;
  /** For an object that is there already, whose age matters. */
  renew(key: RemoteKey, source: ObjectSource, signal: AbortSignal): Promise<void>;
  /** Undefined where there is none. */
  get(key: RemoteKey, request: GetRequest, signal: AbortSignal): Promise<ObjectDownload | undefined>;
  stat(key: RemoteKey, signal: AbortSignal): Promise<ObjectStat | undefined>;
  /** `prefix` is the beginning of a key and need not end at a slash; '' is everything. */
  list(prefix: string, page: ListPage, signal: AbortSignal): Promise<ObjectList>;
  /** None to remove is no error. Whether somebody still needs it is for the caller to know. */
  remove(key: RemoteKey, signal: AbortSignal): Promise<void>;
  /** Removes what writers that died left behind, once it is older than `limits.remoteSweepGraceMs`. Returns how many. */
  sweep(signal: AbortSignal): Promise<number>;
}
