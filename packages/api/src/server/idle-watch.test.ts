import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from './idle-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(isAwaited = (): boolean => false) {
  const watch = watchIdle({ firstMs: 60, graceMs: 10, isAwaited });
  const ended = vi.fn<() => void>();
  void watch.idle.then(ended);
  const pass = async (ms: number): Promise<number> => {
    await vi.advanceTimersByTimeAsync(ms);
    return ended.mock.calls.length;
  };
  return { watch, pass };
}

test('ends if no client comes in time', async () => {
  const { pass } = watched();
  expect(await pass(59)).toBe(0);
  expect(await pass(1)).toBe(1);
});

test('ends if no client comes soon after the last one left', async () => {
  const { watch, pass } = watched();
  watch.onClients(1);
  watch.onClients(2);
  watch.onClients(1);
  expect(await pass(1000)).toBe(0);
  watch.onClients(0);
  expect(await pass(9)).toBe(0);
  watch.onClients(1);
  expect(await pass(1000)).toBe(0);
  watch.onClients(0);
  expect(await pass(10)).toBe(1);
});

test('waits for a client without a connection', async () => {
  let sessions = 1;
  const { watch, pass } = watched(() => sessions > 0);
  watch.onClients(1);
  watch.onClients(0);
  expect(await pass(1000)).toBe(0);
  sessions = 0;
  expect(await pass(10)).toBe(1);
});

test('does not end after its disposal', async () => {
  const { watch, pass } = watched();
  watch[Symbol.dispose]();
  expect(await pass(1000)).toBe(0);
});
