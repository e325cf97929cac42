import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { quoted } from './quoted.ts';

/** What one call of our own program came to. */
export interface Called {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Directories of the demo's own: a home, a store, and projects. Nothing of the user's is read or written. */
export interface Playground extends Disposable {
  readonly dir: string;
  /** `cachelane ARGV` in the directory of a project, as a process of its own. */
  call(project: string, argv: readonly string[]): Promise<Called>;
  /** A line of a shell there, which has `cachelane` and the programs of the projects' `bin`. */
  shell(project: string, line: string): Promise<Called>;
}

export interface PlaygroundOptions {
  /** Names of directories to be made, or a directory to be copied. */
  readonly projects: readonly string[] | string;
  /** Ends what is under way, and lets nothing more begin. */
  readonly abort: AbortSignal;
}

/** Longer than any step takes on the slowest machine; a step that waits for another one that failed must end. */
const callMs = 60_000;
/** Time to clear up, for what is stopped; who does not listen is ended. */
const graceMs = 2000;

/** Errors: E_CONFIG where there is no place for it. */
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
      // Variables of the user would choose another store, and those of a CI system another lane.
      env: {
        PATH: path,
        HOME: join(dir, 'home'),
        CACHELANE_HOME: join(dir, 'store'),
        TMPDIR: join(dir, 'tmp'),
        PWD: cwd,
        LC_ALL: 'C',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // What it has started is stopped with it.
      detached: true,
    });
    // Not spawn's own `signal`: the directories are removed next, so the child has to be gone.
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
    throw new CachelaneError('E_CONFIG', `no directory can be made in ${tmpdir()} (${why})`, {
      hint: 'set TMPDIR to a directory that you can write to',
      cause: error,
    });
  }
}

/** What the store writes in the background may still come to be there. */
function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

function signalGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone already.
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
