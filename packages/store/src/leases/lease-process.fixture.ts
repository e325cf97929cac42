import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, writeSync, type ReadStream } from 'node:fs';
import { newId, type SessionId } from '@cachelane/core';
import { openLeaseStore } from './lease-store.ts';

/**
 * One side of the lease tests as a process. DIR holds the leases, and a number names a session.
 * `hold DIR N [SCRIPT]` acquires the lease, prints `held` and waits for the end of descriptor 3. A shell script
 * prints `held` instead: it starts with the lease, like a command, and inherits descriptor 3.
 * `ask DIR N …` prints `held` or `free` for each.
 * `cycle DIR COUNT` acquires and releases the sessions 1 to COUNT, one after the other.
 * `watch DIR COUNT` tests these repeatedly until descriptor 3 ends. Prints those seen held, then free, then held
 * again.
 */
const { signal } = new AbortController();
const [, , role, dir = '', ...rest] = process.argv;
const store = openLeaseStore({ sessionsDir: dir });

function sessionOf(number: number): SessionId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return newId('session', bytes);
}

/** Descriptor 3. Its end tells the process to end. */
function input(): ReadStream {
  return createReadStream('', { fd: 3 }).resume();
}

async function hold(number: number, shellScript: string | undefined): Promise<void> {
  const lease = await store.acquire(sessionOf(number), signal);
  if (shellScript === undefined) {
    writeSync(1, 'held\n');
  } else {
    const [flock, ...chain] = ['flock', '--no-fork', '--exclusive', lease.commandFile, 'sh', '-c', shellScript];
    spawn(flock, chain, { stdio: ['ignore', 'inherit', 'inherit', 3] });
  }
  await once(input(), 'end');
  await lease[Symbol.asyncDispose]();
}

async function cycle(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const lease = await store.acquire(sessionOf(number), signal);
    await lease[Symbol.asyncDispose]();
  }
}

async function watch(count: number): Promise<void> {
  const ending = input();
  const seen = Array.from({ length: count }, () => 'new');
  while (!ending.readableEnded) {
    for (let number = 1; number <= count; number++) {
      const isHeld = await store.isHeld(sessionOf(number), signal);
      if (seen[number - 1] === 'gone' && isHeld) writeSync(1, `${number} came back\n`);
      if (isHeld) seen[number - 1] = 'held';
      else if (seen[number - 1] === 'held') seen[number - 1] = 'gone';
    }
    await new Promise(setImmediate);
  }
}

switch (role) {
  case 'hold':
    await hold(Number(rest[0]), rest[1]);
    break;
  case 'ask':
    for (const number of rest) {
      writeSync(1, (await store.isHeld(sessionOf(Number(number)), signal)) ? 'held\n' : 'free\n');
    }
    break;
  case 'cycle':
    await cycle(Number(rest[0]));
    break;
  case 'watch':
    await watch(Number(rest[0]));
    break;
  default:
    throw new Error(`no such role: ${role}`);
}
