import { type BytePath, type Entry, type RunId, digestOf, memoryIndex } from '@cachelane/core';
import { expect, test } from 'vitest';
import { namesRun, withoutRun } from './without-run.ts';

const run = (digit: string): RunId => `run_${digit.repeat(32)}` as RunId;
const [first, second, cleaner] = [run('1'), run('2'), run('3')];

const index: Entry = {
  path: 'index' as BytePath,
  type: 'file',
  mode: 0o644,
  mtimeNs: 0n,
  sizeBytes: 1,
  digest: digestOf('x'),
  origins: [first, second, cleaner],
  mergeClass: 'A',
  group: null,
  form: 'whole',
  removed: 'below',
};

test('paths that a clean-up hid stay hidden, also after two runs are removed from its files', () => {
  const one = withoutRun(memoryIndex([index]), new Set([first]), cleaner);
  const hides = { ...index, removed: 'counted', digest: null, sizeBytes: 0 };
  expect(one).toEqual({ kind: 'rewrite', entries: [{ ...hides, origins: [second, cleaner] }] });
  const two = withoutRun(memoryIndex(one.kind === 'rewrite' ? one.entries : []), new Set([second]), cleaner);
  expect(two).toEqual({ kind: 'rewrite', entries: [{ ...hides, origins: [cleaner] }] });
});

test('files that the run itself removed come back', () => {
  expect(withoutRun(memoryIndex([index]), new Set([cleaner]), cleaner)).toEqual({ kind: 'drop' });
});

test('a layer without a run is not read for it', () => {
  const layer = memoryIndex([index]);
  expect(namesRun(layer, new Set([second]))).toBe(true);
  expect(namesRun({ ...layer, entries: () => expect.fail('it is gone through') }, new Set([run('4')]))).toBe(false);
  // A layer that lists a run may have no entry of it.
  expect(namesRun({ ...layer, runs: () => [run('4')] }, new Set([run('4')]))).toBe(false);
});
