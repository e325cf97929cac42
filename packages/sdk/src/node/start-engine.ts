import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError } from '../errors/errors.ts';
import { aborted } from '../errors/failures.ts';
import type { Environment } from './home-socket.ts';
import { withoutMarks } from './left-processes.ts';

export interface EngineProgram {
  /** `['cachelane']`, found on the PATH, or with arguments. */
  readonly program: readonly string[];
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * Starts an engine for the user's home, which ends with its last client. Returns when it or another one answers.
 * Errors: E_COMMAND if the program does not exist or fails.
 */
export async function startEngine({ program, env, signal }: EngineProgram): Promise<void> {
  const [file = 'cachelane', ...args] = program;
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-start-'));
  const errors = join(dir, 'stderr');
  const fd = openSync(errors, 'a', 0o600);
  try {
    const child = spawn(file, [...args, 'serve', '--json'], {
      // The engine outlives the program, so it must not keep its directory in use, and its output must not be a pipe.
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
      // After it has started, its exit is no error.
      child.removeAllListeners().on('error', () => undefined);
      child.stdout?.removeAllListeners().destroy();
      child.unref();
      end();
    };
    // Its one line says that it is ready, or that another engine has the socket (`taken`) and may be starting or stopping.
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
    // `close` comes after all output.
    child.once('close', (code, name) => {
      settle(() => {
        reject(failed(file, code === null ? String(name) : `exit code ${code}`, said().trim()));
      });
    });
  });
}

/** Returns whether the line is complete and an engine's: any program may be called `cachelane`. */
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
  return new CachelaneError('E_COMMAND', `no engine is running, and ${file} cannot be started: ${cause.message}`, {
    hint: 'install cachelane, or pass its path: connect({ program: [PATH] })',
    cause,
  });
}

function failed(file: string, how: string, words: string): CachelaneError {
  return new CachelaneError('E_COMMAND', `${file} serve ended with ${how}${words === '' ? '' : `: ${words}`}`);
}
