import { existsSync, writeSync } from 'node:fs';
import type { CommandOutcome, RunRequest } from '@cachelane/core';
import { envCommand, type HeldSignal } from '../chain/chain.ts';
import { startChild } from '../system/child.ts';
import { exitedWith, notStarted } from '../system/outcomes.ts';
import { exitCodeOfSignal, openSignalDesk, type SignalDesk } from '../signals/signal-desk.ts';
import { childReceiver } from '../signals/signal-receivers.ts';
import { findTool } from '../chain/tools.ts';

/** A descriptor of this process, or /dev/null. */
type Stdio = number | 'ignore';

export interface RunOptions {
  /** The PATH for the tools. */
  readonly path: string;
  readonly stdio: readonly [Stdio, Stdio, Stdio];
  readonly ignored: readonly HeldSignal[];
}

/** A shell's message and exit code for a command that cannot be started. */
function shellFailure(
  name: string,
  error: NodeJS.ErrnoException,
): { readonly text: string; readonly exitCode: number } {
  switch (error.code) {
    case 'ENOENT':
    case 'ERR_INVALID_ARG_VALUE':
      return {
        text: `${name}: ${name.includes('/') ? 'No such file or directory' : 'command not found'}`,
        exitCode: 127,
      };
    case 'EACCES':
      return { text: `${name}: Permission denied`, exitCode: 126 };
    case 'E2BIG':
      return { text: `${name}: Argument list too long`, exitCode: 126 };
    default:
      return { text: `${name}: cannot be executed (${error.code ?? error.message})`, exitCode: 126 };
  }
}

/** Runs the command as a plain child process. */
export async function runBare(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  if (!existsSync(request.cwd)) return notStarted(`the directory ${request.cwd} does not exist`);
  using desk = openSignalDesk(options.ignored);
  return await runAsChild(request, options, { desk, inherits: [], onStart: () => null });
}

export interface ChildOptions {
  readonly desk: SignalDesk;
  /** Descriptors that the command inherits, from 3 on. */
  readonly inherits: readonly number[];
  /** Called while the command runs; an error that it returns is thrown after the command. */
  readonly onStart: () => Error | null;
}

export async function runAsChild(
  { argv, cwd, env }: Pick<RunRequest, 'argv' | 'cwd' | 'env'>,
  options: RunOptions,
  { desk, inherits, onStart }: ChildOptions,
): Promise<CommandOutcome> {
  const fail = (error: NodeJS.ErrnoException): CommandOutcome => {
    const { text, exitCode } = shellFailure(argv[0] ?? '', error);
    say(options.stdio[2], `cachelane: ${text}\n`);
    return exitedWith(exitCode, null);
  };
  // Node refuses an empty name with another error.
  if (argv[0] === '') return fail({ name: '', message: '', code: 'ENOENT' });
  const receiver = childReceiver();
  await desk.caughtUp();
  const stdio = [...options.stdio, ...inherits];
  const child = await startChild(withIgnoredSignals(argv, options), { cwd, env, stdio });
  if ('error' in child) return fail(child.error);
  desk.connect(receiver(child.pid));
  const failure = onStart();
  const { code, signal } = await child.end();
  const received = await desk.received();
  if (failure !== null) throw failure;
  return exitedWith(signal === null ? (code ?? 0) : exitCodeOfSignal(signal), received);
}

/** Node resets signal actions in children, so `env` sets ignored ones again. */
function withIgnoredSignals(argv: readonly string[], { ignored, path }: RunOptions): readonly string[] {
  if (ignored.length === 0) return argv;
  const [env, nice] = [findTool(path, 'env'), findTool(path, 'nice')];
  if (env === undefined || nice === undefined) return argv;
  return envCommand({ env, nice }, { argv, ignored, set: {}, unset: [] });
}

function say(fd: Stdio, text: string): void {
  if (fd === 'ignore') return;
  try {
    writeSync(fd, text);
  } catch {
    // stderr may be closed.
  }
}
