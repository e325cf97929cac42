import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { quoted } from './quoted.ts';

/** The result of a call of our program. */
export interface Called {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Temporary directories with a home, a store and projects. */
export interface Playground extends Disposable {
  readonly dir: string;
  /** Runs `cachelane ARGV` in a project's directory. */
  call(project: string, argv: readonly string[]): Promise<Called>;
  /** Runs a shell line, with `cachelane` and the projects' `bin` on the PATH. */
  shell(project: string, line: string): Promise<Called>;
}

export interface PlaygroundOptions {
  /** Names of directories to create, or a directory to copy. */
  readonly projects: readonly string[] | string;
  /** Ends running calls and prevents new ones. */
  readonly abort: AbortSignal;
}

/** Longer than any step takes. Ends steps that wait for a failed one. */
const callMs = 60_000;
/** How long stopped processes may clean up before they are killed. */
const graceMs = 2000;

/** Errors: E_CONFIG if no temporary directory can be created. */
export function openPlayground(
  { program, env }: Pick<Host, 'program' | 'env'>,
  { projects, abort }: PlaygroundOptions,
): Playground {
  const dir = freshDirectory();
  for (const name of ['home', 'tmp', 'ready', 'bin']) mkdirSync(join(dir, name));
  const projectsDir = typeof projects === 'string' ? join(dir, 'projects') : dir;
  try {
    if (typeof projects === 'string') cpSync(projects, projectsDir, { recursive: true });
    else for (const name of projects) mkdirSync(join(dir, name));
  } catch (error) {
    remove(dir);
    throw error;
  }
  const ownBin = join(dir, 'bin');
  const path = [join(projectsDir, 'bin'), ownBin, env['PATH']].join(':');
  writeFileSync(join(ownBin, 'cachelane'), `#!/bin/sh\nexec ${program.map(quoted).join(' ')} "$@"\n`, { mode: 0o755 });
  const start = async (project: string, [file = '', ...argv]: readonly string[]): Promise<Called> => {
    abort.throwIfAborted();
    const cwd = join(projectsDir, project);
    const child = spawn(file, argv, {
      cwd,
      // Variables of the user or CI would choose another store or lane.
      env: {
        PATH: path,
        HOME: join(dir, 'home'),
        CACHELANE_HOME: join(dir, 'store'),
        TMPDIR: join(dir, 'tmp'),
        PWD: cwd,
        LC_ALL: 'C',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group, so that children are stopped too.
      detached: true,
    });
    // Not spawn's `signal`: the child must have ended before its directories are removed.
    let grace: NodeJS.Timeout | undefined;
    const stop = (): void => {
      signalGroup(child, 'SIGTERM');
      grace = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    };
    const end = AbortSignal.any([abort, AbortSignal.timeout(callMs)]);
    end.addEventListener('abort', stop);
    try {
      return await ended(child);
    } finally {
      end.removeEventListener('abort', stop);
      clearTimeout(grace);
    }
  };
  return {
    dir,
    call: async (project, argv) => await start(project, [...program, ...argv]),
    shell: async (project, line) => await start(project, ['sh', '-c', line]),
    [Symbol.dispose]: () => remove(dir),
  };
}

function freshDirectory(): string {
  try {
    return realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-demo-')));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CachelaneError('E_CONFIG', `cannot create a directory in ${tmpdir()} (${why})`, {
      hint: 'set TMPDIR to a directory that you can write to',
      cause: error,
    });
  }
}

/** Retries, since background processes of the store may still write. */
function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

function signalGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

async function ended(child: ChildProcess): Promise<Called> {
  const text = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (more: string) => (text.stdout += more));
  child.stderr?.setEncoding('utf8').on('data', (more: string) => (text.stderr += more));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 128, ...text }));
  });
}
