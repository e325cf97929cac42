import type { Digest } from '../base/digest.ts';
import type { ObjectSource } from './remote/remote-objects.ts';

/** What is to be sent, where it can be read as often as sending takes, also by several at once. Disposing of it removes it. */
export interface Spooled extends ObjectSource, AsyncDisposable {}

/**
 * What has come of an object so far. Several processes may be at the same one: they write the same bytes to the same places. The signal that it
 * was asked for with ends `read` and `append` too.
 */
export interface PartialDownload extends AsyncDisposable {
  /** From the first byte, without a gap: 0 where nothing came before. What they are worth is known when all have come. Does not grow. */
  readonly haveBytes: number;
  /** Those bytes. Throws E_OBJECT_CORRUPT where somebody has cut them off since. */
  read(): AsyncIterable<Uint8Array>;
  /** The next ones, behind all that was there and was appended; one call after the other. */
  append(piece: Uint8Array): Promise<void>;
  /** It is complete, or worth nothing: no later process finds it. Who is at the same one goes on without harm. Disposing without it leaves what came. */
  discard(): Promise<void>;
}

/**
 * Bytes on their way to or from a remote, outside of what the store vouches for. Guarantees of every driver:
 * - what was appended before a process died is there for the next one that asks, and of a piece that was being appended a beginning; after a power cut it may be anything;
 * - what a dead process spooled is found by nobody, and takes no room once it was swept;
 * - no sweep, whenever it comes, takes anything from a process that has it open.
 * Errors: E_DISK_FULL, E_HOME_UNUSABLE, E_ABORTED.
 */
export interface TransferFiles {
  /**
   * Takes all of `data`, whose errors come out as they are, and ends it when something else goes wrong; nothing stays in either case. The signal is looked at between two pieces:
   * data that waits for something listens to it itself. At most `limits.spooledInMemoryBytes` are held in memory.
   */
  spool(data: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Spooled>;
  resume(object: Digest, signal: AbortSignal): Promise<PartialDownload>;
  /** Removes what was spooled by the dead, and downloads that nobody went on with for `limits.partialDownloadMs`. Returns what was removed, for people. */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
}
