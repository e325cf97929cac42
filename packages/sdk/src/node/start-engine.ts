import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError } from '../errors/errors.ts';
import { aborted } from '../errors/failures.ts';
import type { Environment } from './home-socket.ts';
import { withoutMarks } from './left-processes.ts';

export interface EngineProgram {
  /** `['cachelane']`, found on the PATH; or with arguments of its own. */
  readonly program: readonly string[];
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * Starts an engine of the person's home, which stays until its last client has gone. Returns when it answers, or when it says that another one does already. Errors: E_COMMAND where there
 * is no such program, or it fails.
 */
export async function startEngine({ program, env, signal }: EngineProgram): Promise<void> {
  const [file = 'cachelane', ...args] = program;
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-start-'));
  const errors = join(dir, 'stderr');
  const fd = openSync(errors, 'a', 0o600);
  try {
    const child = spawn(file, [...args, 'serve', '--json'], {
      // It outlives the program, and is to hold on to no directory of it. What it says is no pipe: that would break when the program ends.
      cwd: '/',
      detached: true,
      env: { ...withoutMarks(env) },
      stdio: ['ignore', 'pipe', fd],
    });
    await readiness(child, { file, signal, said: () => readFileSync(errors, 'utf8') });
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Starting {
  readonly file: string;
  readonly signal: AbortSignal;
  readonly said: () => string;
}

async function readiness(child: ChildProcess, { file, signal, said }: Starting): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      child.kill();
      settle(() => {
        reject(aborted(signal));
      });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let isSettled = false;
    const settle = (end: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener('abort', onAbort);
      // The engine ends one day, and the program may be at work still: nobody asks then what it said.
      child.removeAllListeners().on('error', () => undefined);
      child.stdout?.removeAllListeners().destroy();
      child.unref();
      end();
    };
    // Its one line says that it is ready, or that another engine has the socket (`taken`): one that has started, is about to, or is about to stop.
    let line = '';
    child.stdout?.on('data', (more) => {
      line += String(more);
      if (isEngineLine(line)) settle(resolve);
    });
    child.once('error', (cause) => {
      settle(() => {
        reject(missing(file, cause));
      });
    });
    // After all that it said.
    child.once('close', (code, name) => {
      settle(() => {
        reject(failed(file, code === null ? String(name) : `exit code ${code}`, said().trim()));
      });
    });
  });
}

/** Whole, and of an engine: anything may be called `cachelane`. */
function isEngineLine(line: string): boolean {
  if (!line.endsWith('\n')) return false;
  try {
    const told = JSON.parse(line) as { readonly address?: unknown; readonly taken?: unknown } | null;
    return typeof (told?.address ?? told?.taken) === 'string';
  } catch {
    return false;
  }
}

function missing(file: string, cause: Error): CachelaneError {
  return new CachelaneError('E_COMMAND', `${file} cannot be started, and no engine runs: ${cause.message}`, {
    hint: 'install cachelane, or say which program it is: connect({ program: [PATH] })',
    cause,
  });
}

function failed(file: string, how: string, words: string): CachelaneError {
  return new CachelaneError('E_COMMAND', `${file} serve ended with ${how}${words === '' ? '' : `: ${words}`}`);
}
