import type { AttemptId, RemoteKey } from '../../names/remote-key.ts';
import type { ListPage } from './remote-objects.ts';

/** Identifies one state of one head. The driver makes it, and never uses it twice. */
export type HeadVersion = string & { readonly __headVersion: unique symbol };

export interface RemoteHead {
  readonly bytes: Uint8Array;
  readonly version: HeadVersion;
}

export interface SwapRequest {
  readonly key: RemoteKey;
  /** 1 to `limits.remoteHeadBytes`. */
  readonly bytes: Uint8Array;
  /** The version that was read; null: the head must not exist. */
  readonly expected: HeadVersion | null;
  /** Identifies this swap: retries use the same one, every other swap a new one. */
  readonly attempt: AttemptId;
}

export interface HeadRemoval {
  readonly key: RemoteKey;
  readonly expected: HeadVersion;
  readonly attempt: AttemptId;
}

export interface HeadConflict {
  readonly kind: 'conflict';
  /**
   * The current head. An earlier attempt of this swap may have led to it, so check whether it already has the wanted
   * content.
   */
  readonly found: RemoteHead | undefined;
}

export type SwapOutcome = { readonly kind: 'moved'; readonly version: HeadVersion } | HeadConflict;

export type HeadRemovalOutcome = { readonly kind: 'removed' } | HeadConflict;

export interface DamageRemoval {
  readonly key: RemoteKey;
  /** As in `SwapRequest`. */
  readonly attempt: AttemptId;
}

/** `left`: the head is readable or does not exist. */
export type DamageRemovalOutcome = { readonly kind: 'removed' } | { readonly kind: 'left' };

export interface HeadList {
  readonly keys: readonly RemoteKey[];
  readonly more: boolean;
}

/**
 * Small documents that move by compare-and-swap. Guarantees of every driver:
 * - of all swaps that expect the same version, on any machines, at most one moves the head. Nothing is overwritten
 *   unseen;
 * - a head is exactly what its last swap wrote, even if writers are killed. Versions never repeat, not even after a
 *   removal;
 * - a swap that ended with E_REMOTE_UNKNOWN may be retried with the same attempt. If it took effect and the head is
 *   unchanged since, the answer is `moved`. If others moved the head since, it is `conflict`;
 * - a late or duplicate request changes nothing once another swap came between;
 * - a client that got `moved` reads that state or a later one. Through a network file system, other machines may read
 *   an older state for some seconds; a swap never builds on it.
 *
 * A removed head leaves a note of some bytes, so that its versions do not restart.
 *
 * A state that differs from what was written (server crash, bit rot) is damaged: `read`, `swap` and `remove` throw
 * E_OBJECT_CORRUPT. Drivers never fall back to the state before, which would undo changes that others have seen.
 * Every call may throw what `Remote` lists, and E_REMOTE_UNFIT for a state written by a newer version of Cachelane,
 * which is not changed.
 */
export interface RemoteHeads {
  read(key: RemoteKey, signal: AbortSignal): Promise<RemoteHead | undefined>;
  swap(request: SwapRequest, signal: AbortSignal): Promise<SwapOutcome>;
  remove(request: HeadRemoval, signal: AbortSignal): Promise<HeadRemovalOutcome>;
  /**
   * Removes a damaged state; keeps one that is readable or was replaced since. Versions continue as after any
   * removal.
   */
  removeDamaged(request: DamageRemoval, signal: AbortSignal): Promise<DamageRemovalOutcome>;
  /** Returns the keys of existing heads, including damaged ones, in byte order. */
  list(prefix: string, page: ListPage, signal: AbortSignal): Promise<HeadList>;
}
