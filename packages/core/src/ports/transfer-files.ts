import type { Digest } from '../base/digest.ts';
import type { ObjectSource } from './remote/remote-objects.ts';

/** Data to upload, readable repeatedly and concurrently. Disposing deletes it. */
export interface Spooled extends ObjectSource, AsyncDisposable {}

/**
 * An unfinished download. Several processes may write it at once; they write the same bytes to the same places. The
 * signal of `resume` also ends `read` and `append`.
 */
export interface PartialDownload extends AsyncDisposable {
  /** The number of bytes from the start, without a gap; does not grow. Verify them when the download is complete. */
  readonly haveBytes: number;
  /** Returns those bytes. Throws E_OBJECT_CORRUPT if another process truncated them. */
  read(): AsyncIterable<Uint8Array>;
  /** Appends the next bytes. Await each call before the next. */
  append(piece: Uint8Array): Promise<void>;
  /**
   * Deletes the file, complete or useless, without disturbing other processes that use it. Disposing alone keeps the
   * bytes for later.
   */
  discard(): Promise<void>;
}

/**
 * Temporary files for transfers with a remote. Guarantees of every driver:
 * - bytes appended before a crash are there for the next process, perhaps with part of an unfinished piece. After a
 *   power cut they may be wrong;
 * - spooled data of a dead process is invisible, and a sweep frees its space;
 * - a sweep never removes a file that a process has open.
 * Errors: E_DISK_FULL, E_HOME_UNUSABLE, E_ABORTED.
 */
export interface TransferFiles {
  /**
   * Reads all of `data` and rethrows its errors. On failure it ends the iterator and keeps nothing. The signal is
   * checked between pieces. At most `limits.spooledInMemoryBytes` stay in memory.
   */
  spool(data: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Spooled>;
  resume(object: Digest, signal: AbortSignal): Promise<PartialDownload>;
  /**
   * Deletes spooled data of dead processes, and downloads unused for `limits.partialDownloadMs`. Returns descriptions
   * of the deleted files.
   */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
}
