import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { inject } from 'vitest';
import type { Finished, World } from '../cli.fixture.ts';
import { until } from './store.fixture.ts';

/** Returns `cachelane ARGV` as a shell line. */
export function cachelaneLine(argv: readonly string[]): string {
  return [...inject('cachelaneProgram'), ...argv].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** Runs a program around the CLI as the tester's user. */
export function runProgram(world: World, argv: readonly string[], input = ''): Finished {
  const [file = '', ...rest] = argv;
  const end = spawnSync(file, rest, { cwd: world.dir, env: world.env, input, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (end.error !== undefined) throw end.error;
  return { code: end.status, signal: end.signal, stdout: end.stdout, stderr: end.stderr };
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly finished: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Returns stdout and stderr, or the screen. */
  output(): string;
  says(pattern: RegExp): Promise<void>;
  type(text: string): void;
}

/** Starts a program around the CLI. */
export function startProgram(world: World, argv: readonly string[]): Program {
  const [file = '', ...rest] = argv;
  const child = spawn(file, rest, {
    cwd: world.dir,
    env: { ...world.env, SHELL: '/bin/sh', TERM: 'dumb', PS1: '<prompt>' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const finished = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    finished,
    output: () => output,
    says: async (pattern) => {
      await until(
        () => pattern.test(output) || child.exitCode !== null,
        () => `${String(pattern)} in ${JSON.stringify(output)}`,
      );
      if (!pattern.test(output)) throw new Error(`it ended without ${String(pattern)}: ${output}`);
    },
    type: (text) => void child.stdin.write(text),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await finished;
    },
  };
}

/** Starts a shell line in its own terminal. script(1) exits with the line's code. */
export function startInTerminal(world: World, line: string): Program {
  return startProgram(world, ['script', '--quiet', '--flush', '--return', '--command', line, '/dev/null']);
}
