import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../host.ts';

/** What one call of our own program came to. */
export interface Called {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Directories of the demo's own: a home, a store, and two projects. Nothing of the user's is read or written. */
export interface Playground extends Disposable {
  readonly dir: string;
  /** `cachelane ARGV` in the directory of a project, as a process of its own. */
  call(project: string, argv: readonly string[]): Promise<Called>;
}

export interface PlaygroundOptions {
  readonly projects: readonly string[];
  /** Ends what is under way, and lets nothing more begin. */
  readonly abort: AbortSignal;
}

/** Longer than any step takes on the slowest machine; a step that waits for another one that failed must end. */
const callMs = 60_000;

export function openPlayground(
  { program, env }: Pick<Host, 'program' | 'env'>,
  { projects, abort }: PlaygroundOptions,
): Playground {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-demo-')));
  for (const name of ['home', 'tmp', 'ready', ...projects]) mkdirSync(join(dir, name));
  const [file = '', ...first] = program;
  return {
    dir,
    async call(project, argv) {
      abort.throwIfAborted();
      const cwd = join(dir, project);
      const child = spawn(file, [...first, ...argv], {
        cwd,
        // Variables of the user would choose another store, and those of a CI system another lane.
        env: {
          PATH: env['PATH'],
          HOME: join(dir, 'home'),
          CACHELANE_HOME: join(dir, 'store'),
          TMPDIR: join(dir, 'tmp'),
          PWD: cwd,
          LC_ALL: 'C',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: callMs,
      });
      // Not spawn's own `signal`: the directories are removed next, so the child has to be gone.
      const stop = (): void => void child.kill('SIGTERM');
      abort.addEventListener('abort', stop);
      try {
        return await ended(child);
      } finally {
        abort.removeEventListener('abort', stop);
      }
    },
    // What the store writes in the background may still come to be there.
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
  };
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
