import { newId } from '@cachelane/core';
import type { Fork } from '@cachelane/engine';
import { expect, test } from 'vitest';
import { Client, Clients, sessionIdleMs } from './clients.ts';
import type { ApiProject } from './world.ts';

let nowMs = 0;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => await Promise.resolve() };
const place = { directory: null, namespace: null, isConfined: false, environment: null };
const { signal } = new AbortController();
const idOf = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? n : n >> 8));

function forkNamed(n: number, discard: () => Promise<void>): Fork {
  const [sessionId, run] = [newId('session', idOf(n)), newId('run', idOf(n))];
  return { sessionId, run, volumes: [], isOpen: true, commit: async () => await Promise.resolve([]), discard };
}

const forgets = async (): Promise<void> => await Promise.resolve();

test('whoever leaves has all forks discarded, also behind one that cannot be', async () => {
  const client = new Client(place, null, clock);
  const discarded: number[] = [];
  for (const n of [1, 2, 3]) {
    const discard = async (): Promise<void> => {
      discarded.push(n);
      await (n === 2 ? Promise.reject(new Error('the disk is gone')) : Promise.resolve());
    };
    await client.keep(forkNamed(n, discard), signal);
  }
  await expect(client.leave()).rejects.toThrow('the disk is gone');
  expect(discarded.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test('whoever listens to a client that has left is told that nothing more comes', async () => {
  const client = new Client(place, null, clock);
  const next = client.feed.listen(signal).next();
  await client.leave();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(client.feed.isHeard).toBe(false);
});

test('a fork that nobody waits for any more is discarded: who does not know its id cannot end it', async () => {
  const client = new Client(place, null, clock);
  let isDiscarded = false;
  const fork = forkNamed(1, async () => {
    isDiscarded = true;
    await Promise.resolve();
  });
  await expect(client.keep(fork, AbortSignal.abort())).rejects.toMatchObject({ code: 'E_ABORTED' });
  expect([isDiscarded, client.take(fork.sessionId)]).toEqual([true, undefined]);
});

test('one session has only so many forks at one time', async () => {
  const client = new Client(place, null, clock);
  for (let n = 0; n < 1000; n += 1) {
    client.requireRoom();
    await client.keep(forkNamed(n, forgets), signal);
  }
  expect(() => {
    client.requireRoom();
  }).toThrow('there are 1000 forks');
});

test('a session that waits for something long is not taken for one that has gone', async () => {
  const random = { bytes: (count: number) => new Uint8Array(count) };
  const clients = new Clients({ clock, random });
  const { client } = clients.open(place, null as unknown as ApiProject);
  const work = client.working();
  nowMs += sessionIdleMs + 1;
  await clients.sweep();
  expect(clients.count).toBe(1);
  work[Symbol.dispose]();
  // From the end of that on it has its minute.
  await clients.sweep();
  expect(clients.count).toBe(1);
  nowMs += sessionIdleMs + 1;
  await clients.sweep();
  expect(clients.count).toBe(0);
});
