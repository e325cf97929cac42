import type { AttemptId, RemoteKey } from '../../names/remote-key.ts';
import type { ListPage } from './remote-objects.ts';

/** Names one state of one head; opaque, made by the driver, never used twice. */
export type HeadVersion = string & { readonly __headVersion: unique symbol };

export interface RemoteHead {
  readonly bytes: Uint8Array;
  readonly version: HeadVersion;
}

export interface SwapRequest {
  readonly key: RemoteKey;
  /** 1 to `limits.remoteHeadBytes`. */
  readonly bytes: Uint8Array;
  /** What the head was when it was read; null: there must be none. */
  readonly expected: HeadVersion | null;
  /** Names this swap. The same one for each repetition of it, a new one for every other. */
  readonly attempt: AttemptId;
}

export interface HeadRemoval {
  readonly key: RemoteKey;
  readonly expected: HeadVersion;
  readonly attempt: AttemptId;
}

export interface HeadConflict {
  readonly kind: 'conflict';
  /** The head as it is now. It may have been moved onto what this swap wrote: look whether it has what was wanted already. */
  readonly found: RemoteHead | undefined;
}

export type SwapOutcome = { readonly kind: 'moved'; readonly version: HeadVersion } | HeadConflict;

export type HeadRemovalOutcome = { readonly kind: 'removed' } | HeadConflict;

export interface DamageRemoval {
  readonly key: RemoteKey;
  /** As of a swap. */
  readonly attempt: AttemptId;
}

/** `left`: its state can be read, or there is none. */
export type DamageRemovalOutcome = { readonly kind: 'removed' } | { readonly kind: 'left' };

export interface HeadList {
  readonly keys: readonly RemoteKey[];
  readonly more: boolean;
}

/**
 * Small documents that move by compare-and-swap. Guarantees of every driver:
 * - of all swaps that expect the same version at most one moves the head, on whatever machines they run: nothing is overwritten unseen;
 * - a head is what its last swap wrote, whole, whenever a writer is killed; versions never come back, also not after a removal;
 * - a swap whose outcome was E_REMOTE_UNKNOWN may be repeated with the same attempt: where it took effect already and the head is still
 *   what it wrote, the answer is `moved`; where others moved on from there, `conflict` with what they wrote;
 * - a request that the network delivers late or twice changes nothing any more once another swap came between;
 * - `read` after `moved`, by the same client, shows that state or a later one. Other machines on a network file system may see an older one for some
 *   seconds; a swap never builds on it.
 *
 * A removed head leaves a note of some bytes behind, so that its versions do not begin anew.
 *
 * A state that is not what was written (a crash of a server, a disk that rots) is damaged: `read`, `swap` and `remove` throw E_OBJECT_CORRUPT, and nobody falls
 * back to the state before it, which would silently undo what others have seen.
 * Every call may throw what `Remote` lists; E_REMOTE_UNFIT for a state that a later version of Cachelane wrote, which is left alone.
 */
export interface RemoteHeads {
  read(key: RemoteKey, signal: AbortSignal): Promise<RemoteHead | undefined>;
  swap(request: SwapRequest, signal: AbortSignal): Promise<SwapOutcome>;
  remove(request: HeadRemoval, signal: AbortSignal): Promise<HeadRemovalOutcome>;
  /** Removes a state that is damaged, and no other: neither one that can be read nor what came in its place meanwhile. Versions go on as with any removal. */
  removeDamaged(request: DamageRemoval, signal: AbortSignal): Promise<DamageRemovalOutcome>;
  /** Keys of the heads that are there, damaged ones too, in the order of their bytes. */
  list(prefix: string, page: ListPage, signal: AbortSignal): Promise<HeadList>;
}
