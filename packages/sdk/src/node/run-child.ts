import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { CachelaneError } from '../errors/errors.ts';
import type { CommandResult, RunOptions } from './command.ts';
import type { Environment } from './home-socket.ts';
import { endLeft, newMark } from './left-processes.ts';

/** Time between asking a process to end and killing it. */
const graceMs = 5000;

/** How long to wait for more output after the command has ended while other processes hold its pipe. */
const pipeMs = 500;

export interface ChildOptions extends Pick<RunOptions, 'cwd' | 'stdio' | 'signal'> {
  readonly env: Environment;
  /** Whether to end processes that outlive the command. Those of an aborted command are always ended. */
  readonly endsLeft: boolean;
}

type Ended = Omit<CommandResult, 'saved'>;

/**
 * Runs a command in the program's own process group, so that terminal keys reach both. Errors: E_COMMAND if it cannot
 * be started.
 */
export async function runChild(
  [file = '', ...args]: readonly string[],
  { cwd, env, stdio = 'inherit', signal, endsLeft }: ChildOptions,
): Promise<Ended> {
  const captured = stdio === 'capture' ? 'pipe' : stdio;
  const mark = newMark();
  const child = started(file, args, {
    cwd,
    env: { ...env, [mark]: '1' },
    stdio: [stdio === 'inherit' ? 'inherit' : 'ignore', captured, captured],
  });
  const outputs = [outputOf(child.stdout), outputOf(child.stderr)] as const;
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  using _ = stopping(child, signal);
  try {
    const [exitCode, name] = await exitOf(child, { file, cwd });
    const leftovers = endsLeft || signal?.aborted === true ? await endLeft(mark, graceMs) : [];
    await within(pipeMs, closed, outputs);
    const [stdout, stderr] = outputs.map(({ text }) => text());
    return { exitCode, signal: name, stdout: stdout ?? '', stderr: stderr ?? '', leftovers };
  } finally {
    // Other processes may hold the pipes for any time.
    for (const { end } of outputs) end();
  }
}

/** Node throws some start errors and emits others later. */
function started(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(file, args, options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CachelaneError('E_COMMAND', `cannot start ${file}: ${why}`, { cause });
  }
}

/** Ends the command if the signal aborts, until disposed. */
function stopping(child: ChildProcess, signal: AbortSignal | undefined): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal?.removeEventListener('abort', stop);
      clearTimeout(timer);
    },
  };
}

async function exitOf(
  child: ChildProcess,
  { file, cwd }: { readonly file: string; readonly cwd: string | undefined },
): Promise<readonly [number | null, string | null]> {
  return await new Promise((resolve, reject) => {
    child.once('exit', (code, name) => {
      resolve([code, name]);
    });
    child.once('error', (cause) => {
      // Node reports a missing program and a missing directory with the same error.
      const isNowhere = cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true;
      const why = isNowhere ? `there is no directory ${cwd}` : cause.message;
      reject(new CachelaneError('E_COMMAND', `cannot start ${file}: ${why}`, { cause }));
    });
  });
}

interface Output {
  readonly count: () => number;
  readonly text: () => string;
  readonly end: () => void;
}

function outputOf(stream: Readable | null): Output {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    count: () => chunks.length,
    text: () => Buffer.concat(chunks).toString('utf8'),
    end: () => void stream?.destroy(),
  };
}

/** A pipe's whole content is read in fewer turns. More output comes from other processes. */
const turnsMax = 16;

/** Reads what the command wrote before it ended, even if the program was too busy before. */
async function within(ms: number, closed: Promise<void>, outputs: readonly Output[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  const first = await Promise.race([closed, late]);
  clearTimeout(timer);
  if (first !== 'late') return;
  const count = (): number => outputs.reduce((sum, each) => sum + each.count(), 0);
  for (let turns = 0, before = -1; before !== count() && turns < turnsMax; turns++) {
    before = count();
    await turn();
    await turn();
  }
}
