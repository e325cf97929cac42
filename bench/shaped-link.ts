import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { childArgv } from './children.ts';

/** A file server behind a link with a limited speed. */
export interface ShapedLink extends Disposable {
  urlOf(name: string): string;
}

/** One gigabit per second. */
const gigabitBytes = 125_000_000;

const startMs = 10_000;
const lookMs = 5;

/** Serves the files of `dir` from a separate process, so that it slows down neither contender. */
export function openShapedLink(dir: string, portFile: string): ShapedLink {
  const [command = '', ...args] = childArgv('shaped-server', dir, String(gigabitBytes), portFile);
  // The server ends with its stdin, however this process ends.
  const server = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !existsSync(portFile); waited += lookMs) {
    if (waited > startMs) throw new Error('the server of the shaped link did not start');
    Atomics.wait(cell, 0, 0, lookMs);
  }
  const port = readFileSync(portFile, 'utf8');
  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${encodeURIComponent(name)}`,
    [Symbol.dispose]: () => void server.kill(),
  };
}
