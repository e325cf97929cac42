import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compiledSources } from '@cachelane/testkit';

const program = fileURLToPath(new URL('./head-writer.fixture.ts', import.meta.url));

export interface WriterRun {
  /** The acknowledged words. */
  readonly added: readonly string[];
  readonly end: readonly unknown[];
}

export interface WriterOptions {
  readonly address: string;
  readonly name: string;
  /** 0: until it is killed. */
  readonly count: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Kill it after this many words; 0: at once. */
  readonly lifetime?: number;
}

/** Starts a process that writes to a head of a remote. */
export async function runWriter({ address, name, count, env = {}, lifetime }: WriterOptions): Promise<WriterRun> {
  const child = spawn(process.execPath, [program, address, name, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...compiledSources, ...env },
  });
  const ended = once(child, 'close');
  if (lifetime === 0) child.kill('SIGKILL');
  const added: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (added.push(line) === lifetime) child.kill('SIGKILL');
  }
  return { added, end: await ended };
}
