import { expect, test } from 'vitest';
import { EntryCache, listKeptMs } from './entry-cache.ts';
import { Readings } from './readings.ts';

const { signal } = new AbortController();

test('reads run one after the other, also after a failed one', async () => {
  const readings = new Readings();
  let atWork = 0;
  const most: number[] = [];
  const read = async (): Promise<void> => {
    most.push(++atWork);
    await new Promise((resolve) => setImmediate(resolve));
    atWork -= 1;
  };
  const failing = readings.take(signal, async () => await Promise.reject(new Error('damaged')));
  await Promise.all([
    expect(failing).rejects.toThrow('damaged'),
    ...[1, 2, 3].map(async () => await readings.take(signal, read)),
  ]);
  expect(most).toEqual([1, 1, 1]);
});

test('a read is not started after its client has gone', async () => {
  const gone = AbortSignal.abort(new Error('gone'));
  const begun = new Readings().take(gone, async () => await Promise.reject(new Error('it was read')));
  await expect(begun).rejects.toThrow('gone');
});

test('a list with two waiting readers is read once, and cached while in use', async () => {
  let nowMs = 0;
  const cache = new EntryCache(new Readings(), { monotonicMs: () => nowMs });
  let count = 0;
  const read = async (): Promise<readonly never[]> => {
    count += 1;
    return await Promise.resolve([]);
  };
  expect(await Promise.all([cache.read('a', read), cache.read('a', read)])).toEqual([[], []]);
  expect(count).toBe(1);
  // It stays cached while a client turns its pages.
  for (let page = 0; page < 3; page += 1) {
    nowMs += listKeptMs;
    cache.forgetUnused();
    await cache.read('a', read);
  }
  expect(count).toBe(1);
  nowMs += listKeptMs + 1;
  cache.forgetUnused();
  await cache.read('a', read);
  expect(count).toBe(2);
});
