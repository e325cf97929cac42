import { expect, test } from 'vitest';
import { formatBytes, formatDuration, formatFields, formatTable, formatTime, printable } from './format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9_949, '9.9 kB'],
  [9_951, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [4_120_000, '4.1 MB'],
  [12_000_000_000, '12 GB'],
])('%d bytes', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [999.6, '1.0 s'],
  [59_900, '59.9 s'],
  [59_960, '1 min'],
  [125_000, '2 min 5 s'],
])('%d milliseconds', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('time is UTC', () => {
  expect(formatTime(1_795_531_145_678)).toBe('2026-11-24 14:39:05Z');
});

test('a table has as many lines as a layer has entries', () => {
  const rows = Array.from({ length: 200_000 }, (_, number) => [String(number)]);
  expect(formatTable([{ title: 'N' }], rows).length).toBeGreaterThan(200_000);
});

test('a table is aligned for any cell contents', () => {
  const columns = [{ title: 'NAME' }, { title: 'SIZE', align: 'right' as const }, { title: 'NOTE' }];
  expect(
    formatTable(columns, [
      ['größe', '1 B', ''],
      ['a\nb', '12 MB', 'x'],
    ]),
  ).toBe('NAME       SIZE  NOTE\ngröße       1 B\na\\u000ab  12 MB  x\n');
});

test('field values are aligned', () => {
  expect(
    formatFields([
      ['a', '1'],
      ['longer', '2'],
    ]),
  ).toBe('a:       1\nlonger:  2\n');
});

test('control characters are escaped', () => {
  expect(printable('a\u001B[31m\r\n\u009B')).toBe('a\\u001b[31m\\u000d\\u000a\\u009b');
  expect(printable('a\u202Eb\u2069')).toBe('a\\u202eb\\u2069');
});
