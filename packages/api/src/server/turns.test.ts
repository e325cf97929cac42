import { expect, test, vi } from 'vitest';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

test('so many are at it at once; the others go in the order in which they came', async () => {
  const turns = new Turns({ atOnce: 2, waiting: 10, turnMs: 60_000 });
  const [first, second] = [await turns.take(never), await turns.take(never)];
  const order: string[] = [];
  const waiting = ['a', 'b'].map(async (name) => {
    const turn = await turns.take(never);
    order.push(name);
    return turn;
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  first[Symbol.dispose]();
  const a = await waiting[0];
  expect(order).toEqual(['a']);
  // Given back twice, it is one turn.
  first[Symbol.dispose]();
  a?.[Symbol.dispose]();
  await waiting[1];
  expect(order).toEqual(['a', 'b']);
  second[Symbol.dispose]();
  (await turns.take(never))[Symbol.dispose]();
});

test('beyond so many that wait, nobody waits', async () => {
  const turns = new Turns({ atOnce: 1, waiting: 1, turnMs: 60_000 });
  const turn = await turns.take(never);
  const waiting = turns.take(never);
  await expect(turns.take(never)).rejects.toMatchObject({
    status: 503,
    error: { code: 'E_ENGINE_BUSY', retryable: true },
  });
  turn[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('whoever goes while it waits has no place in the row', async () => {
  const turns = new Turns({ atOnce: 1, waiting: 1, turnMs: 60_000 });
  const turn = await turns.take(never);
  const controller = new AbortController();
  const gone = turns.take(controller.signal);
  controller.abort(new Error('gone'));
  await expect(gone).rejects.toThrow('gone');
  await expect(turns.take(controller.signal)).rejects.toThrow('gone');
  const waiting = turns.take(never);
  turn[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('what takes long keeps nobody waiting for ever: it may wait for one of them', async () => {
  vi.useFakeTimers();
  try {
    const turns = new Turns({ atOnce: 1, waiting: 10, turnMs: 1000 });
    await turns.take(never);
    const waiting = turns.take(never);
    vi.advanceTimersByTime(1000);
    (await waiting)[Symbol.dispose]();
  } finally {
    vi.useRealTimers();
  }
});
