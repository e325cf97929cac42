import type { Attachable } from '../volume/cache-volume.ts';
import type { AttachOptions } from '../engine/engine.ts';
import { CachelaneError } from '../errors/errors.ts';
import type { Saved } from '../generated/results.ts';
import type { LeftProcess } from './left-processes.ts';

export interface RunOptions extends AttachOptions {
  /** Whose directories the command gets, by the environment variables of their tools. */
  readonly volumes?: readonly Attachable[] | undefined;
  /** That of the program where it is left out. */
  readonly cwd?: string | undefined;
  /** On top of the program's own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** `inherit`: the terminal is the command's; `capture`: what it prints is in the result; `ignore`: nobody reads it. `inherit` where it is left out. */
  readonly stdio?: 'inherit' | 'capture' | 'ignore' | undefined;
  /**
   * Processes that outlive a command with volumes go on, and what they have written by then is saved; where it is left out they are ended, by SIGTERM and after five seconds by SIGKILL, before anything is saved. Those of a command that is aborted are ended.
   */
  readonly leaveProcesses?: boolean | undefined;
  /** A command that fails is a result, and no error. */
  readonly allowFailure?: boolean | undefined;
}

export interface CommandResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  /** `SIGKILL`; null where it ended by itself. */
  readonly signal: string | null;
  /** Empty where it was not captured, as for the next one. */
  readonly stdout: string;
  readonly stderr: string;
  /** Processes that outlived the command, and were ended. */
  readonly leftovers: readonly LeftProcess[];
  /** What became of each volume's changes; null where a signal ended the command, and they were discarded. */
  readonly saved: readonly Saved[] | null;
}

/** A command that did not end well: `E_COMMAND`. */
export class CommandError extends CachelaneError {
  readonly result: CommandResult;

  constructor(command: readonly string[], result: CommandResult) {
    const { exitCode, signal, saved } = result;
    const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
    const kept = (saved ?? []).filter(({ layer }) => layer !== null).map(({ key }) => key);
    const what =
      kept.length === 0 ? 'nothing that it changed in volumes was saved' : `of volumes ${kept.join(', ')} was saved`;
    super('E_COMMAND', `${command.join(' ')} ${how}: ${what}`);
    this.result = result;
  }
}
