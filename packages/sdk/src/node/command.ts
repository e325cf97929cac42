import type { Attachable } from '../volume/cache-volume.ts';
import type { AttachOptions } from '../engine/engine.ts';
import { CachelaneError } from '../errors/errors.ts';
import type { Saved } from '../generated/results.ts';
import type { LeftProcess } from './left-processes.ts';

export interface RunOptions extends AttachOptions {
  /** Volumes that the command gets, through the environment variables of their tools. */
  readonly volumes?: readonly Attachable[] | undefined;
  /** The default is the program's working directory. */
  readonly cwd?: string | undefined;
  /** Added to the program's own environment. Undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** `inherit` (the default) passes the terminal on; `capture` puts the output into the result; `ignore` discards it. */
  readonly stdio?: 'inherit' | 'capture' | 'ignore' | undefined;
  /**
   * Whether processes that outlive a command with volumes continue. Their work up to then is saved. By default, they
   * are ended before the save: SIGTERM, after five seconds SIGKILL. An aborted command's processes always are.
   */
  readonly leaveProcesses?: boolean | undefined;
  /** Returns the result of a failed command instead of throwing. */
  readonly allowFailure?: boolean | undefined;
}

export interface CommandResult {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  /** `SIGKILL`; null if no signal ended it. */
  readonly signal: string | null;
  /** This and the next field are empty if not captured. */
  readonly stdout: string;
  readonly stderr: string;
  /** Processes that outlived the command and were ended. */
  readonly leftovers: readonly LeftProcess[];
  /** What was saved of each volume; null if a signal ended the command and its changes were discarded. */
  readonly saved: readonly Saved[] | null;
}

/** Thrown for a command that failed: `E_COMMAND`. */
export class CommandError extends CachelaneError {
  readonly result: CommandResult;

  constructor(command: readonly string[], result: CommandResult) {
    const { exitCode, signal, saved } = result;
    const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
    const kept = (saved ?? []).filter(({ layer }) => layer !== null).map(({ key }) => key);
    const what = kept.length === 0 ? 'nothing was saved' : `saved only ${kept.join(', ')}`;
    super('E_COMMAND', `${command.join(' ')} ${how}: ${what}`);
    this.result = result;
  }
}
