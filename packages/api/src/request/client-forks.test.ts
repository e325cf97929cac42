import { newId } from '@cachelane/core';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Client, Clients, sessionIdleMs, type AttachedFork } from './clients.ts';
import { forksOfClient, forksOfEngine, ForkRoom } from './fork-room.ts';
import type { ApiProject } from './world.ts';

let nowMs = 0;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => await Promise.resolve() };
const place = { directory: null, namespace: null, isConfined: false, environment: null };
const { signal } = new AbortController();
const idOf = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? n : n >> 8));

const savesNothing = async (): Promise<never[]> => await Promise.resolve([]);

function forkNamed(n: number, discard: () => Promise<void>): AttachedFork {
  const [sessionId, run] = [newId('session', idOf(n)), newId('run', idOf(n))];
  return { id: `fork ${n}`, fork: { sessionId, run, volumes: [], isOpen: true, commit: savesNothing, discard } };
}

const engineRoom = (): ForkRoom => new ForkRoom(forksOfEngine, null);
const aClient = (room = engineRoom()): Client => new Client({ place, project: null, clock, room });
const opening = (attached: AttachedFork) => async (): Promise<AttachedFork> => await Promise.resolve(attached);

const failing = async (): Promise<AttachedFork> => await Promise.reject(new Error('the disk is gone'));

const forgets = async (): Promise<void> => await Promise.resolve();

test('a closing session discards all of its forks, even if one discard fails', async () => {
  const client = aClient();
  const discarded: number[] = [];
  for (const n of [1, 2, 3]) {
    const discard = async (): Promise<void> => {
      discarded.push(n);
      await (n === 2 ? Promise.reject(new Error('the disk is gone')) : Promise.resolve());
    };
    await client.keep(opening(forkNamed(n, discard)), signal);
  }
  await expect(client.leave()).rejects.toThrow('the disk is gone');
  expect(discarded.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test('a subscription to a closed session ends', async () => {
  const client = aClient();
  const next = client.feed.listen(signal).next();
  await client.leave();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(client.feed.isHeard).toBe(false);
});

test('a fork without a waiting client is discarded, since its id is unknown', async () => {
  const client = aClient();
  let isDiscarded = false;
  const fork = forkNamed(1, async () => {
    isDiscarded = true;
    await Promise.resolve();
  });
  await expect(client.keep(opening(fork), AbortSignal.abort())).rejects.toMatchObject({ code: 'E_ABORTED' });
  expect([isDiscarded, client.take(fork.id)]).toEqual([true, undefined]);
});

test('one session has a limit of forks, counting those being opened', async () => {
  const client = aClient();
  for (let n = 0; n < forksOfClient - 1; n += 1) await client.keep(opening(forkNamed(n, forgets)), signal);
  const { promise, resolve } = Promise.withResolvers<AttachedFork>();
  const last = client.keep(async () => await promise, signal);
  const oneMore = opening(forkNamed(forksOfClient, forgets));
  await expect(client.keep(oneMore, signal)).rejects.toThrow('there are already 1000 forks of this session');
  resolve(forkNamed(forksOfClient - 1, forgets));
  await last;
  const held = client.take(forkNamed(0, forgets).id);
  // A fork counts until its end is complete.
  await expect(client.keep(oneMore, signal)).rejects.toMatchObject({ code: 'E_LIMIT', retryable: false });
  held?.place[Symbol.dispose]();
  await client.keep(oneMore, signal);
});

test('only a digest of a repeatable request is kept', async () => {
  const client = aClient();
  const asked = `[${'what it asks for '.repeat(1000)}]`;
  const first = forkNamed(1, forgets);
  expect(await client.keepOnce({ key: 'mine', asked, signal }, opening(first))).toBe(first);
  expect(await client.keepOnce({ key: 'mine', asked, signal }, failing)).toBe(first);
  const other = client.keepOnce({ key: 'mine', asked: `${asked} `, signal }, failing);
  await expect(other).rejects.toMatchObject({ code: 'E_USAGE' });
  expect(inspect(client, { depth: 8, maxStringLength: null })).not.toContain('what it asks for');
});

test('all sessions of an engine share a limit, and failed forks do not count', async () => {
  const room = engineRoom();
  const clients = Array.from({ length: 5 }, () => aClient(room));
  const [one] = clients;
  await expect(one?.keep(failing, signal)).rejects.toThrow('the disk is gone');
  await expect(one?.keep(opening(forkNamed(1, forgets)), AbortSignal.abort())).rejects.toThrow('the client left');
  for (const client of clients.slice(1)) {
    for (let n = 0; n < forksOfClient; n += 1) await client.keep(opening(forkNamed(n, forgets)), signal);
  }
  const more = opening(forkNamed(1, forgets));
  await expect(one?.keep(more, signal)).rejects.toMatchObject({
    code: 'E_LIMIT',
    message: 'there are already 4000 forks of this engine, which is the limit',
    retryable: true,
  });
  await clients.at(-1)?.leave();
  await one?.keep(more, signal);
});

test('a session with a long request does not count as idle', async () => {
  const random = { bytes: (count: number) => new Uint8Array(count) };
  const clients = new Clients({ clock, random, room: engineRoom() });
  const { client } = clients.open(place, null as unknown as ApiProject);
  const work = client.working();
  nowMs += sessionIdleMs + 1;
  await clients.sweep();
  expect(clients.count).toBe(1);
  work[Symbol.dispose]();
  // After that, its minute starts.
  await clients.sweep();
  expect(clients.count).toBe(1);
  nowMs += sessionIdleMs + 1;
  await clients.sweep();
  expect(clients.count).toBe(0);
});
