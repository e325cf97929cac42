import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '@cachelane/core';
import { compiledSources } from '@cachelane/testkit';

const mainFile = join(import.meta.dirname, 'main.ts');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcess;
  /** When nobody holds its output any more. */
  readonly finished: Promise<Finished>;
  /** When the process itself is gone, whoever else lives on. */
  readonly exited: Promise<unknown>;
  /** Resolves when stdout matches. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** A home, a project, and the cli as processes of their own. */
export interface Sandbox extends Disposable {
  readonly dir: string;
  readonly home: string;
  readonly project: string;
  readonly env: Record<string, string>;
  readonly start: (...argv: string[]) => Started;
  readonly cachelane: (...argv: string[]) => Promise<Finished>;
  /** `run -v data:cache --report … -- sh -c SCRIPT`. */
  readonly run: (script: string, ...options: string[]) => Promise<Finished & { readonly report: RunReport }>;
}

export function sandbox(): Sandbox {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-cli-int-')));
  const home = join(dir, 'home');
  const project = join(dir, 'project');
  mkdirSync(project);
  // Nothing of the test run may leak in: CI variables would choose another lane.
  const env: Record<string, string> = {
    HOME: dir,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    CACHELANE_HOME: home,
    ...compiledSources,
  };
  const children: ChildProcess[] = [];
  const start = (...argv: string[]): Started => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...argv], {
      cwd: project,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const text = { stdout: '', stderr: '' };
    const waiting = new Set<() => void>();
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text.stdout += more;
      for (const look of waiting) look();
    });
    child.stderr.setEncoding('utf8').on('data', (more: string) => void (text.stderr += more));
    const exited = once(child, 'exit');
    const finished = new Promise<Finished>((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal, ...text }));
    });
    const said = async (pattern: RegExp): Promise<RegExpExecArray> =>
      await new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text.stdout);
          if (found !== null) resolve(found);
        };
        waiting.add(look);
        look();
        void finished.then((end) => reject(new Error(`ended before it said ${pattern}: ${JSON.stringify(end)}`)));
      });
    return { child, finished, exited, said };
  };
  const cachelane = async (...argv: string[]): Promise<Finished> => await start(...argv).finished;
  return {
    dir,
    home,
    project,
    env,
    start,
    cachelane,
    run: async (script, ...options) => {
      const file = join(dir, `report-${children.length}.json`);
      const finished = await cachelane(
        'run',
        '-v',
        'data:cache',
        '--report',
        file,
        ...options,
        '--',
        'sh',
        '-c',
        script,
      );
      return { ...finished, report: JSON.parse(readFileSync(file, 'utf8')) as RunReport };
    },
    [Symbol.dispose]: () => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
