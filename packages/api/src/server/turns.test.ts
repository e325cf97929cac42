import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Turns } from './turns.ts';

const never = new AbortController().signal;
const reading = { waitsForOthers: false };

test('a limited number of operations run at once; others follow in order of arrival', async () => {
  const turns = new Turns({ atOnce: 2, waiting: 10, turnMs: 60_000, late: 10 });
  const [first, second] = [await turns.take(never, reading), await turns.take(never, reading)];
  const order: string[] = [];
  const waiting = ['a', 'b'].map(async (name) => {
    const turn = await turns.take(never, reading);
    order.push(name);
    return turn;
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  first[Symbol.dispose]();
  const a = await waiting[0];
  expect(order).toEqual(['a']);
  // Returning a turn twice counts once.
  first[Symbol.dispose]();
  a?.[Symbol.dispose]();
  await waiting[1];
  expect(order).toEqual(['a', 'b']);
  second[Symbol.dispose]();
  (await turns.take(never, reading))[Symbol.dispose]();
});

test('operations beyond the waiting limit are refused', async () => {
  const turns = new Turns({ atOnce: 1, waiting: 1, turnMs: 60_000, late: 10 });
  const turn = await turns.take(never, reading);
  const waiting = turns.take(never, reading);
  await expect(turns.take(never, reading)).rejects.toMatchObject({
    status: 503,
    error: { code: 'E_ENGINE_BUSY', retryable: true },
  });
  turn[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('a waiting operation that is aborted loses its place', async () => {
  const turns = new Turns({ atOnce: 1, waiting: 1, turnMs: 60_000, late: 10 });
  const turn = await turns.take(never, reading);
  const controller = new AbortController();
  const gone = turns.take(controller.signal, reading);
  controller.abort(new Error('gone'));
  await expect(gone).rejects.toThrow('gone');
  await expect(turns.take(controller.signal, reading)).rejects.toThrow('gone');
  const waiting = turns.take(never, reading);
  turn[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

/** Whether each has its turn. */
async function whoGoes(waiting: readonly Promise<Disposable>[]): Promise<boolean[]> {
  const states = waiting.map(() => false);
  for (const [index, turn] of waiting.entries()) void turn.then(() => (states[index] = true));
  await vi.advanceTimersByTimeAsync(0);
  return states;
}

describe('slow work', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('does not block others for ever', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 10, turnMs: 1000, late: 10 });
    await turns.take(never, reading);
    const waiting = turns.take(never, reading);
    await vi.advanceTimersByTimeAsync(1000);
    (await waiting)[Symbol.dispose]();
  });

  test('is limited in number, and continues one at a time', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 10, turnMs: 1000, late: 2 });
    const all = Array.from({ length: 6 }, async () => await turns.take(never, reading));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await whoGoes(all)).toEqual([true, true, true, false, false, false]);
    // A late operation ends, so an overdue one gets its place and frees its turn.
    (await all[0])?.[Symbol.dispose]();
    expect(await whoGoes(all)).toEqual([true, true, true, true, false, false]);
    // An operation that still has its turn also frees it.
    (await all[3])?.[Symbol.dispose]();
    expect(await whoGoes(all)).toEqual([true, true, true, true, true, false]);
    for (const index of [1, 2, 4]) (await all[index])?.[Symbol.dispose]();
    (await all[5])?.[Symbol.dispose]();
    const [next, beside] = [turns.take(never, reading), turns.take(never, reading)];
    expect(await whoGoes([next, beside])).toEqual([true, false]);
  });

  test('that may wait for others never blocks them, whatever the number', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 100, turnMs: 1000, late: 2 });
    const waiters = Array.from({ length: 50 }, async () => await turns.take(never, { waitsForOthers: true }));
    const awaited = turns.take(never, { waitsForOthers: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await whoGoes([...waiters, awaited])).not.toContain(false);
  });
});
