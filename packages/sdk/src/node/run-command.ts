import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Engine } from '../engine.ts';
import { CachelaneError } from '../errors.ts';
import { aborted } from '../failures.ts';
import { CommandError, type CommandResult, type RunOptions } from './command.ts';
import type { Environment } from './home-socket.ts';

const contextVariable = 'CACHELANE_CONTEXT';

/** See `NodeEngine.run`. */
export async function runCommand(
  engine: Pick<Engine, 'attach' | 'context'>,
  command: readonly string[],
  options: RunOptions & { readonly processEnv: Environment },
): Promise<CommandResult> {
  const { volumes = [], lockTimeoutSeconds, signal, allowFailure = false } = options;
  if (command.length === 0) throw new CachelaneError('E_USAGE', 'there is no command to run');
  // As for commands of `cachelane run`; one that was inherited may be of another project.
  const { warnings: _, ...context } = await engine.context({ signal });
  await using fork = volumes.length === 0 ? null : await engine.attach(volumes, { lockTimeoutSeconds, signal });
  const forkEnv = { ...fork?.environment, [contextVariable]: JSON.stringify({ endpoint: 'local', ...context }) };
  const ended = await ending(command, { ...options, forkEnv });
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
