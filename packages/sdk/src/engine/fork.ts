import type { CallOptions } from '../volume/call-options.ts';
import type { ForkedVolume, Saved } from '../generated/results.ts';

export interface CommitOptions extends CallOptions {
  /**
   * What the work came to, as a command's exit code, 0 to 255; 0 where it is left out. With another one only that is saved what tools leave complete whatever becomes of a command, as after `cachelane run`.
   */
  readonly exitCode?: number | undefined;
}

/** Directories that a program works in until it commits them. Disposed of before, it is discarded. */
export interface Fork extends AsyncDisposable {
  /** Good in this session alone. */
  readonly id: string;
  /** The run that what it saves is told to be of. */
  readonly run: string;
  /** In the order in which they were asked for. */
  readonly volumes: readonly ForkedVolume[];
  /** That of its only volume: absolute, on the engine's machine. Throws E_USAGE where it has several. */
  readonly directory: string;
  /** What makes tools look into the directories, for the environment of their commands. Throws E_USAGE where two volumes need one variable for themselves. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Saves what was changed, and ends the fork. Where the engine could not save it (E_DISK_FULL, E_STORE_BUSY, …) the fork is open still: the same call goes on where it failed, or `discard` gives it up. After a `LostAnswerError` the same call tells what was
   * saved. E_NOT_SAVED: the engine ended before all was, and the message says what was. E_ENGINE_GONE: it has ended, and the fork with it.
   */
  commit(options?: CommitOptions): Promise<readonly Saved[]>;
  /** Ends the fork; what was changed is gone. Nothing where it has ended. */
  discard(options?: CallOptions): Promise<void>;
}
