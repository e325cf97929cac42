import type { BytePath, MergeDriver, Version } from '@cachelane/core';
import { arbitraryVersionOf, composedVersion, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goActionEntryDriver } from '../go/go-action-entry.ts';
import { goSumLookupDriver } from '../go/go-sum-lookup.ts';
import { plainTimeDriver } from './plain-time.ts';

interface ActionEntry {
  readonly output?: string;
  readonly size?: number;
  readonly timeNs: bigint;
}

function actionEntry({ output = 'e3', size = 7, timeNs }: ActionEntry): Uint8Array {
  const [sizeText, timeText] = [String(size).padStart(20), String(timeNs).padStart(20)];
  return Buffer.from(`v1 ${'01'.repeat(32)} ${output.repeat(32)} ${sizeText} ${timeText}\n`);
}

const ms = 1_000_000n;

const arbitraryActionEntry = fc
  .record({
    output: fc.constantFrom('e3', 'b0'),
    size: fc.constantFrom(7, 8),
    timeNs: fc.bigInt({ min: 0n, max: 20n }).map((time) => time * ms),
  })
  .map(actionEntry);

const seconds = plainTimeDriver('s');
const arbitrarySeconds = fc
  .tuple(fc.nat({ max: 2 }), fc.constantFrom('', '\n'))
  .map(([time, end]) => Buffer.from(`${time}${end}`));
const arbitraryTime = fc.nat({ max: 20 }).map((time) => Buffer.from(String(time)));
const arbitraryLookup = fc
  .tuple(fc.constantFrom('left', 'right'), fc.integer({ min: 1, max: 20 }))
  .map(([name, size]) => lookup(name, size));

function lookup(name: string, size: number): Uint8Array {
  const record = `7\n${name} v1.0.0 h1:3TgA=\n${name} v1.0.0/go.mod h1:BjxH=`;
  return Buffer.from(`${record}\n\ngo.sum database tree\n${size}\nDATC2t76=\n\n— sum.example WkeA${size}=\n`);
}

mergeDriverConformance('entries of Go actions', goActionEntryDriver, arbitraryVersionOf(arbitraryActionEntry));
mergeDriverConformance('times in seconds', seconds, arbitraryVersionOf(arbitrarySeconds));
mergeDriverConformance('times in milliseconds', plainTimeDriver('ms'), arbitraryVersionOf(arbitraryTime));
mergeDriverConformance('times in nanoseconds', plainTimeDriver('ns'), arbitraryVersionOf(arbitraryTime));
mergeDriverConformance('answers of a checksum database', goSumLookupDriver, arbitraryVersionOf(arbitraryLookup));

function composed(driver: MergeDriver, ...versions: readonly Version[]): string {
  return Buffer.from(composedVersion(versions, driver.compose(versions)).content()).toString('utf8');
}

function at(sealedAtMs: number, content: Uint8Array | string): Version {
  return versionOf(typeof content === 'string' ? Buffer.from(content) : content, { sealedAtMs });
}

function text(content: Uint8Array): string {
  return Buffer.from(content).toString('utf8');
}

describe('entries of Go actions', () => {
  const old = actionEntry({ timeNs: 5n * ms });
  const later = actionEntry({ timeNs: 9n * ms, output: 'b0' });

  test.each([
    ['a later time alone is no change', {}, true],
    ['another output is a change', { output: 'b0' }, false],
    ['another size is a change', { size: 8 }, false],
  ])('%s', (_, change, expected) => {
    const entry = actionEntry({ timeNs: 8n * ms, ...change });
    expect(goActionEntryDriver.same(at(9, old), at(9, entry))).toBe(expected);
  });

  test('the latest wins in any position', () => {
    expect(composed(goActionEntryDriver, at(10, old), at(10, later))).toBe(text(later));
    expect(composed(goActionEntryDriver, at(10, later), at(10, old))).toBe(text(later));
  });

  test('a time in the millisecond of its seal is unchanged', () => {
    const entry = actionEntry({ timeNs: 5n * ms + 999_999n });
    expect(composed(goActionEntryDriver, at(5, entry), at(5, old))).toBe(text(entry));
  });

  test('a time in 2100 loses to an entry sealed later', () => {
    const future = actionEntry({ timeNs: 4_102_444_800_000n * ms });
    expect(composed(goActionEntryDriver, at(7, future), at(10, later))).toBe(text(later));
    expect(composed(goActionEntryDriver, at(7, future), at(10, old))).toBe(text(actionEntry({ timeNs: 8n * ms - 1n })));
  });

  test.each([
    ['empty', ''],
    ['cut short', text(old).slice(0, -2)],
    ['of another version', text(old).replace('v1', 'v2')],
    ['with an invalid number', text(old).replace(/ 7 /, '7 7')],
    ['over 63 bits', text(old).replace(/ {13}\d{7}\n$/, '99999999999999999999\n')],
  ])('an entry %s never beats a readable one', (_, bad) => {
    expect(composed(goActionEntryDriver, at(10, bad), at(10, old))).toBe(text(old));
    expect(goActionEntryDriver.compose([at(10, bad), at(10, 'x')])).toEqual({ kind: 'pick', index: 0, opinion: false });
  });
});

describe('plain times', () => {
  test('a later time is a change and wins', () => {
    expect(seconds.same(at(0, '1795531520'), at(0, '1795531521'))).toBe(false);
    expect(composed(seconds, at(2e12, '1795531520'), at(2e12, '1795531521'))).toBe('1795531521');
  });

  test('a future time counts as its seal’s', () => {
    expect(composed(seconds, at(1_795_531_520_999, '4102444800\n'), at(2e12, '1'))).toBe('1795531520\n');
  });
});

describe('answers of a checksum database', () => {
  test('the same record in a larger tree is no change, but the larger tree wins', () => {
    const [small, large] = [at(0, lookup('left', 5)), at(0, lookup('left', 12))];
    expect(goSumLookupDriver.same(small, large)).toBe(true);
    expect(composed(goSumLookupDriver, small, large)).toBe(text(lookup('left', 12)));
  });

  test('another record is a change', () => {
    expect(goSumLookupDriver.same(at(0, lookup('left', 5)), at(0, lookup('right', 5)))).toBe(false);
  });
});

test('an entry of Go is removed with its output only', () => {
  const path = `cache/01/${'01'.repeat(32)}-a` as BytePath;
  const close = (content: Uint8Array, has: (path: BytePath) => boolean): Uint8Array | null | undefined =>
    goActionEntryDriver.close?.(at(1, content), path, has);
  const entry = actionEntry({ output: 'b0', timeNs: ms });
  const asked: BytePath[] = [];
  expect(close(entry, (each) => asked.push(each) > 0)).toBe(null);
  expect(asked).toEqual([`cache/b0/${'b0'.repeat(32)}-d`]);
  expect(close(entry, () => false)).toEqual(new Uint8Array());
  for (const other of ['', 'v1 zz', 'x'.repeat(175)]) expect(close(Buffer.from(other), () => false)).toBe(null);
});
