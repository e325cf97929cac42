import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BytePath } from './byte-path.ts';
import { addPathMarks, decodePathMarks, encodePathMarks, pathMark, type PathMark } from './path-marks.ts';

const minuteMs = 60_000;
const mark = fc.oneof(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1));
const marks = fc
  .array(fc.tuple(mark, fc.integer({ min: 0, max: 2 ** 31 })))
  .map((list) => new Map(list.map(([path, minutes]) => [path as PathMark, minutes * minuteMs])));

test('marks are read as written, and their order does not change the bytes', () => {
  fc.assert(
    fc.property(marks, (all) => {
      expect(decodePathMarks(encodePathMarks(all))).toEqual(all);
      expect(encodePathMarks(new Map([...all].toReversed()))).toEqual(encodePathMarks(all));
      expect(encodePathMarks(all).length).toBe(all.size * 10);
    }),
  );
});

test('other bytes decode to no marks', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(decodePathMarks(bytes).size).toBeLessThanOrEqual(bytes.length / 10);
      if (bytes.length % 10 !== 0) expect(decodePathMarks(bytes).size).toBe(0);
    }),
  );
});

test('different paths have different marks', () => {
  const all = Array.from({ length: 10_000 }, (_, number) => pathMark(`content/${number}` as BytePath));
  expect(new Set(all).size).toBe(all.length);
});

test('a path keeps its latest time; old and surplus marks are dropped', () => {
  const known = new Map([1, 2, 3].map((each) => [each as PathMark, each * minuteMs]));
  const paths = [
    [1 as PathMark, 0],
    [2 as PathMark, 9 * minuteMs],
  ] as const;
  expect([...addPathMarks(known, { paths, sinceMs: 0, limit: 9 })]).toEqual([
    [1, minuteMs],
    [2, 9 * minuteMs],
    [3, 3 * minuteMs],
  ]);
  expect([...addPathMarks(known, { paths: [], sinceMs: 2 * minuteMs, limit: 9 }).keys()]).toEqual([2, 3]);
  expect([...addPathMarks(known, { paths, sinceMs: 0, limit: 2 }).keys()]).toEqual([2, 3]);
});
