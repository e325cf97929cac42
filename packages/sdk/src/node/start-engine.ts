import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError } from '../errors.ts';
import { aborted } from '../failures.ts';
import type { Environment } from './home-socket.ts';

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
      env: { ...env },
      stdio: ['ignore', 'pipe', fd],
    });
    await readiness(child, { file, signal, said: () => readFileSync(errors, 'utf8') });
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What `cachelane serve` says where another engine has the socket: one that has started, is about to, or is about to stop. */
const isOtherThere = /\ban engine listens at\b/;

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
    const settle = (end: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      // The engine ends one day, and the program may be at work still: nobody asks then what it said.
      child.removeAllListeners().on('error', () => undefined);
      child.stdout?.removeAllListeners().destroy();
      child.unref();
      end();
    };
    // Its one line says that it is ready.
    child.stdout?.once('data', () => {
      settle(resolve);
    });
    child.once('error', (cause) => {
      settle(() => {
        reject(missing(file, cause));
      });
    });
    child.once('exit', (code, name) => {
      settle(() => {
        const words = said().trim();
        if (isOtherThere.test(words)) resolve();
        else reject(failed(file, code === null ? String(name) : `exit code ${code}`, words));
      });
    });
  });
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
