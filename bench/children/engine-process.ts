import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { EngineAccess } from './engine-client.ts';

export interface Engine extends EngineAccess, AsyncDisposable {
  readonly pid: number;
  /** The time from the start of the process to its ready line. */
  readonly readyMs: number;
}

/** Starts an engine in the caller's directory and environment. Disposing stops it. */
export async function startEngine(launcher: string): Promise<Engine> {
  const started = performance.now();
  const child = spawn(launcher, ['serve', '--json', '--keep', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const readyMs = performance.now() - started;
  return {
    ...(JSON.parse(line.toString()) as EngineAccess & { readonly pid: number }),
    readyMs,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export function residentBytes({ pid }: Engine): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Returns the processor time. The kernel's unit is a hundredth of a second on every Linux. */
export function cpuMs({ pid }: Engine): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
