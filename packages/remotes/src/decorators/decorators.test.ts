import { describe, expect, test } from 'vitest';
import { limits, newAttempt, parseRemoteKey, type Remote, type RemoteEvent, type RemoteKey } from '@cachelane/core';
import {
  addWords,
  contentOf,
  countingAttempts,
  damageMemoryHead,
  emptyRemoteState,
  faultyRemote,
  hastyClock,
  memoryRemote,
  noAbort,
  noise,
  remoteHeadsConformance,
  remoteObjectsConformance,
  seededRandom,
  sourceOf,
  wordsOf,
  type RemoteFactory,
  type RemoteFault,
} from '@cachelane/testkit';
import { limited } from './limited.ts';
import { retrying } from './retrying.ts';
import { traced } from './traced.ts';

const key = parseRemoteKey('v/npm');
const bytes = new TextEncoder().encode('state');

/**
 * The ports keep their guarantees with retries around a driver that fails every third call, before or after it takes
 * effect.
 */
const wrapped =
  (faults: readonly RemoteFault[]): RemoteFactory =>
  () => {
    const state = emptyRemoteState();
    let seed = 0;
    const open = (): Promise<Remote> => {
      const random = seededRandom(++seed);
      const clock = hastyClock();
      const faulty = faultyRemote(memoryRemote(state), () => {
        const [number = 0] = random.bytes(1);
        return number < 85 ? faults[number % faults.length] : undefined;
      });
      const told = traced(faulty, { clock, onEvent: () => undefined });
      return Promise.resolve(retrying(limited(told, { clock, parallelCalls: 2 }), { clock, random, attempts: 30 }));
    };
    const damageHead = (damaged: RemoteKey): Promise<void> => Promise.resolve(damageMemoryHead(state, damaged));
    return Promise.resolve({ open, damageHead, [Symbol.asyncDispose]: () => Promise.resolve() });
  };

// A repeated put may find its own object and report `present`, so here calls fail only before they take effect.
remoteObjectsConformance('memory that loses every third request, with patience', wrapped(['before']));
remoteHeadsConformance('memory that loses every third answer, with patience', wrapped(['before', 'after']));

const setUp = (decide: Parameters<typeof faultyRemote>[1]) => {
  const clock = hastyClock();
  const events: RemoteEvent[] = [];
  const inner = memoryRemote();
  const remote = retrying(faultyRemote(inner, decide), {
    clock,
    random: seededRandom(1),
    onEvent: (event) => events.push(event),
  });
  return { clock, events, inner, remote };
};

describe('retrying', () => {
  test('ends after the maximum of attempts, with doubling waits that are reported', async () => {
    const { clock, events, remote } = setUp(() => ({ code: 'E_REMOTE_GONE', retryable: true }));
    await expect(remote.heads.read(key, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_GONE' });
    expect(clock.sleptMs).toHaveLength(limits.remoteAttempts - 1);
    for (const [index, waitMs] of clock.sleptMs.entries()) {
      const fullMs = Math.min(limits.remoteLongestWaitMs, limits.remoteFirstWaitMs * 2 ** index);
      expect(waitMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(waitMs).toBeLessThanOrEqual(fullMs);
    }
    expect(events.map((event) => event.type === 'remote-retry' && event.waitMs)).toEqual(clock.sleptMs);
    expect(events[0]).toMatchObject({ operation: 'read head', key, failures: 1, code: 'E_REMOTE_GONE' });
  });

  test('does not repeat permanent errors', async () => {
    for (const code of ['E_REMOTE_DENIED', 'E_REMOTE_FULL', 'E_OBJECT_CORRUPT'] as const) {
      const { clock, remote } = setUp(() => ({ code, retryable: false }));
      await expect(remote.objects.put(key, sourceOf(bytes), noAbort)).rejects.toMatchObject({ code });
      expect(clock.sleptMs).toEqual([]);
    }
  });

  test('that is aborted reports the last failure, between two attempts and during one', async () => {
    const between = setUp(() => ({ code: 'E_REMOTE_GONE', retryable: true }));
    between.clock.sleep = async () => await Promise.reject(new Error('stop'));
    const inOne = setUp(({ number }) => ({ code: number < 3 ? 'E_REMOTE_GONE' : 'E_ABORTED', retryable: number < 3 }));
    for (const { remote } of [between, inOne]) {
      await expect(remote.heads.read(key, noAbort)).rejects.toMatchObject({
        code: 'E_ABORTED',
        cause: { code: 'E_REMOTE_GONE' },
      });
    }
  });

  test('settles a swap whose answer was lost: it took effect, or another client moved the head since', async () => {
    const { inner, remote } = setUp(({ number }) => (number % 2 === 1 ? 'after' : undefined));
    const request = { key, bytes, expected: null, attempt: newAttempt(seededRandom(9).bytes(16)) };
    const moved = await remote.heads.swap(request, noAbort);
    expect(moved).toEqual({ kind: 'moved', version: (await inner.heads.read(key, noAbort))?.version });

    await addWords(remote.heads, { key, words: ['a', 'b', 'c'], attempt: countingAttempts(3) });
    expect(wordsOf((await inner.heads.read(key, noAbort))?.bytes)).toEqual(['state', 'a', 'b', 'c']);
    expect((await remote.heads.swap(request, noAbort)).kind).toBe('conflict');
  });

  test('a put whose answer was lost has stored the object', async () => {
    const { remote } = setUp(({ number }) => (number === 1 ? 'after' : undefined));
    expect(await remote.objects.put(key, sourceOf(bytes), noAbort)).toEqual({ kind: 'present' });
  });

  test('a download continues at the byte where it broke off while it makes progress', async () => {
    const source = sourceOf(noise(1_000_000));
    const { inner, remote, clock } = setUp(({ operation }) =>
      operation === 'get' ? { afterBytes: 70_000 } : undefined,
    );
    await inner.objects.put(key, source, noAbort);
    expect(await contentOf(await remote.objects.get(key, { expect: source }, noAbort))).toHaveLength(1_000_000);
    expect(clock.sleptMs.length).toBeGreaterThan(limits.remoteAttempts);
    const from = await contentOf(await remote.objects.get(key, { offset: 900_000 }, noAbort));
    expect(Buffer.from(from ?? []).equals(noise(1_000_000).subarray(900_000))).toBe(true);
  });

  test('a download without progress fails', async () => {
    const { inner, remote } = setUp(({ operation }) => (operation === 'get' ? { afterBytes: 0 } : undefined));
    await inner.objects.put(key, sourceOf(bytes), noAbort);
    const read = async () => await contentOf(await remote.objects.get(key, {}, noAbort));
    await expect(read()).rejects.toMatchObject({ code: 'E_REMOTE_GONE' });
  });

  test('ends when it is aborted', async () => {
    const abort = new AbortController();
    const { remote } = setUp(() => {
      abort.abort();
      return 'before';
    });
    await expect(remote.heads.read(key, abort.signal)).rejects.toMatchObject({
      code: 'E_ABORTED',
      cause: { code: expect.stringMatching(/^E_REMOTE_/) as string },
    });
  });
});

describe('limits', () => {
  test('bound concurrent object calls in order, and do not hold up heads', async () => {
    const inner = memoryRemote();
    const opened: (() => void)[] = [];
    const started: string[] = [];
    const slow: Remote = {
      ...inner,
      objects: {
        ...inner.objects,
        async stat(one, signal) {
          started.push(one);
          await new Promise<void>((resolve) => opened.push(resolve));
          return await inner.objects.stat(one, signal);
        },
      },
    };
    const remote = limited(slow, { clock: hastyClock(), parallelCalls: 2 });
    const abort = new AbortController();
    const calls = ['a', 'b', 'c', 'd'].map((name) => remote.objects.stat(parseRemoteKey(name), noAbort));
    const impatient = remote.objects.stat(parseRemoteKey('e'), abort.signal);
    expect(await remote.heads.read(key, noAbort)).toBeUndefined();
    expect(started).toEqual(['a', 'b']);
    abort.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'E_ABORTED' });
    opened.shift()?.();
    await calls[0];
    expect(started).toEqual(['a', 'b', 'c']);
    while (opened.length > 0) {
      opened.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a download keeps its place until its last byte, or until its reader stops', async () => {
    const inner = memoryRemote();
    await inner.objects.put(key, sourceOf(noise(200_000)), noAbort);
    const remote = limited(inner, { clock: hastyClock(), parallelCalls: 1 });
    for (const stopEarly of [false, true]) {
      const download = await remote.objects.get(key, {}, noAbort);
      const order: string[] = [];
      const other = remote.objects.stat(key, noAbort).then(() => order.push('stat'));
      for await (const _piece of download?.data ?? []) {
        order.push('piece');
        if (stopEarly) break;
      }
      await other;
      expect(order.at(-1)).toBe('stat');
    }
    expect(await remote.objects.get(parseRemoteKey('missing'), {}, noAbort)).toBeUndefined();
    expect(await remote.objects.stat(key, noAbort)).toBeDefined();
  });

  test('bound the rate of all streams together', async () => {
    const clock = hastyClock();
    const remote = limited(memoryRemote(), { clock, bytesPerSecond: 100_000 });
    await remote.objects.put(key, sourceOf(noise(400_000)), noAbort);
    await contentOf(await remote.objects.get(key, {}, noAbort));
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(7999);
    expect(clock.monotonicMs()).toBeLessThan(9000);
  });
});

describe('tracing', () => {
  test('reports the operation, outcome and size of each call', async () => {
    const events: RemoteEvent[] = [];
    const inner = memoryRemote(emptyRemoteState(), 'memory:one');
    const remote = traced(inner, { clock: hastyClock(), onEvent: (event) => events.push(event) });
    await remote.objects.put(key, sourceOf(noise(100_000)), noAbort);
    await contentOf(await remote.objects.get(key, { offset: 40_000 }, noAbort));
    await remote.objects.get(parseRemoteKey('missing'), {}, noAbort);
    await remote.heads.swap({ key, bytes, expected: null, attempt: countingAttempts()() }, noAbort);
    const lie = { ...sourceOf(bytes), digest: sourceOf(noise(1)).digest };
    await expect(remote.objects.put(parseRemoteKey('lie'), lie, noAbort)).rejects.toThrow('lie');
    for await (const _piece of (await remote.objects.get(key, {}, noAbort))?.data ?? []) break;
    expect(
      events.map(
        (event) => event.type === 'remote-call' && [event.operation, event.key, event.sizeBytes, event.outcome],
      ),
    ).toEqual([
      ['put', 'v/npm', 100_000, 'stored'],
      ['get', 'v/npm', 60_000, 'found'],
      ['get', 'missing', 0, 'missing'],
      ['swap head', 'v/npm', 5, 'moved'],
      ['put', 'lie', 5, 'E_OBJECT_CORRUPT'],
      ['get', 'v/npm', 65_536, 'stopped'],
    ]);
    expect(events.every((event) => event.remote === 'memory:one')).toBe(true);
  });
});
