import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compiledSources } from '@cachelane/testkit';
import type { Interference } from './interfere.fixture.ts';

/** The work of a machine's process. */
export interface MachineOrder {
  readonly dir: string;
  readonly address: string;
  /** The machine's name. Its commits are `NAME.0`, `NAME.1`, … */
  readonly name: string;
  /** The first commit, and the end of the range (exclusive). */
  readonly from: number;
  readonly to: number;
  /** Null: this process adds no faults. */
  readonly faults: { readonly seed: number; readonly rate: number } | null;
  /** Null: it is not killed. */
  readonly dies: { readonly call: number; readonly when: Interference } | null;
}

const program = fileURLToPath(new URL('./machine-process.fixture.ts', import.meta.url));

export interface MachineProcess {
  readonly child: ChildProcess;
  /** Its output lines. Throws its stderr unless it is killed by SIGKILL or completes its work. */
  readonly lines: AsyncIterable<string>;
}

export function startMachine(order: MachineOrder, env: Readonly<Record<string, string>>): MachineProcess {
  const child = spawn(process.execPath, ['--min-semi-space-size=16', program, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...compiledSources, ...env },
  });
  async function* lines(): AsyncIterable<string> {
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const errors = text(child.stderr);
    yield* createInterface({ input: child.stdout });
    const [code, signal] = await ended;
    if (signal !== 'SIGKILL' && code !== 0) throw new Error(`machine ${order.name}: ${code} ${await errors}`);
  }
  return { child, lines: lines() };
}
