import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Attachable } from '../cache-volume.ts';
import type { AttachOptions, Engine } from '../engine.ts';
import { aborted, CachelaneError } from '../errors.ts';
import type { Saved } from '../generated/results.ts';
import type { Environment } from './home-socket.ts';

export interface RunOptions extends AttachOptions {
  /** Whose directories the command gets, by the environment variables of their tools. */
  readonly volumes?: readonly Attachable[] | undefined;
  /** That of the program where it is left out. */
  readonly cwd?: string | undefined;
  /** On top of the program's own environment; undefined takes a variable away. */
  readonly env?: Environment | undefined;
  /** `inherit`: the terminal is the command's; `capture`: what it prints is in the result; `ignore`: nobody reads it. `inherit` where it is left out. */
  readonly stdio?: 'inherit' | 'capture' | 'ignore' | undefined;
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
  /** What became of each volume's changes; null where the command failed, and they were discarded. */
  readonly saved: readonly Saved[] | null;
}

/** A command that did not end well: `E_COMMAND`. */
export class CommandError extends CachelaneError {
  readonly result: CommandResult;

  constructor(command: readonly string[], result: CommandResult) {
    const { exitCode, signal } = result;
    const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
    super('E_COMMAND', `${command.join(' ')} ${how}: nothing that it changed in volumes was saved`);
    this.result = result;
  }
}

/** See `NodeEngine.run`. */
export async function runCommand(
  engine: Pick<Engine, 'attach'>,
  command: readonly string[],
  options: RunOptions & { readonly processEnv: Environment },
): Promise<CommandResult> {
  const { volumes = [], lockTimeoutSeconds, signal, allowFailure = false } = options;
  if (command.length === 0) throw new CachelaneError('E_USAGE', 'there is no command to run');
  await using fork = volumes.length === 0 ? null : await engine.attach(volumes, { lockTimeoutSeconds, signal });
  const ended = await ending(command, { ...options, forkEnv: fork?.environment ?? {} });
  if (signal?.aborted === true) throw aborted(signal);
  if (ended.exitCode === 0) return { ...ended, saved: fork === null ? [] : await fork.commit() };
  await fork?.discard();
  const result = { ...ended, saved: null };
  if (allowFailure) return result;
  throw new CommandError(command, result);
}

interface Spawning extends RunOptions {
  readonly processEnv: Environment;
  readonly forkEnv: Environment;
}

async function ending(
  [file = '', ...args]: readonly string[],
  { cwd, env, stdio = 'inherit', signal, processEnv, forkEnv }: Spawning,
): Promise<Omit<CommandResult, 'saved'>> {
  const captured = stdio === 'capture' ? 'pipe' : stdio;
  const child = spawn(file, args, {
    cwd,
    env: { ...processEnv, ...env, ...forkEnv },
    stdio: [stdio === 'inherit' ? 'inherit' : 'ignore', captured, captured],
  });
  const stop = (): boolean => child.kill();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const closed = new Promise<readonly [number | null, string | null]>((resolve, reject) => {
      child.once('close', (code, name) => {
        resolve([code, name]);
      });
      child.once('error', (cause) => {
        reject(new CachelaneError('E_COMMAND', `${file} was not started: ${cause.message}`, { cause }));
      });
    });
    const [[exitCode, name], stdout, stderr] = await Promise.all([closed, textOf(child.stdout), textOf(child.stderr)]);
    return { exitCode, signal: name, stdout, stderr };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  return stream === null ? '' : await text(stream);
}
