import type { CallOptions } from '../volume/call-options.ts';
import type { ForkedVolume, Saved } from '../generated/results.ts';

export interface CommitOptions extends CallOptions {
  /**
   * The exit code of the work, 0 to 255. The default is 0. Otherwise, only files are saved that the tool always leaves
   * complete, as after `cachelane run`.
   */
  readonly exitCode?: number | undefined;
}

/** Directories for a program's work until it commits. Disposing an uncommitted fork discards it. */
export interface Fork extends AsyncDisposable {
  /** Valid in this session only. */
  readonly id: string;
  /** The run that its saved work is recorded under. */
  readonly run: string;
  /** In the requested order. */
  readonly volumes: readonly ForkedVolume[];
  /** The directory of its only volume: absolute, on the engine's machine. Throws E_USAGE if it has several. */
  readonly directory: string;
  /** Variables that point tools to the directories. Throws E_USAGE if two volumes need the same variable. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Saves the changes and ends the fork. If saving fails (E_DISK_FULL, E_STORE_BUSY, …), the fork stays open: call it
   * again to continue, or `discard`. After a `LostAnswerError`, the same call returns what was saved. E_NOT_SAVED: the
   * engine ended before all was saved; the message says what was. E_ENGINE_GONE: the engine ended, and the fork with
   * it.
   */
  commit(options?: CommitOptions): Promise<readonly Saved[]>;
  /** Ends the fork without saving. Does nothing if it has ended. */
  discard(options?: CallOptions): Promise<void>;
}
