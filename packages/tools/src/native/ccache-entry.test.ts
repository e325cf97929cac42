import { arbitraryVersionOf, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ccacheEntryDriver } from './ccache-entry.ts';

function entry(time: number, rest: string, version = 1): Uint8Array {
  const content = Buffer.alloc(15 + rest.length + 16, 'digest of it all');
  content.writeUInt16BE(0xccac, 0);
  content.set([version, 0, 1, 1, 1], 2);
  content.writeBigUInt64BE(BigInt(time), 7);
  content.write(rest, 15);
  content.writeUInt8(time % 256, content.length - 1);
  return content;
}

const arbitraryEntry = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom('a', 'b')).map(([time, rest]) => entry(time, rest));

mergeDriverConformance('entries of ccache', ccacheEntryDriver, arbitraryVersionOf(arbitraryEntry));

test('the same result made again is no change; another manifest is', () => {
  expect(ccacheEntryDriver.same(versionOf(entry(1, 'a')), versionOf(entry(9, 'a')))).toBe(true);
  expect(ccacheEntryDriver.same(versionOf(entry(1, 'a')), versionOf(entry(9, 'b')))).toBe(false);
});

test('the newest wins', () => {
  const [old, later] = [versionOf(entry(1, 'b')), versionOf(entry(300, 'a'))];
  expect(ccacheEntryDriver.compose([old, later])).toEqual({ kind: 'pick', index: 1, opinion: true });
});

test.each([
  { odd: Buffer.from(''), name: 'short' },
  { odd: entry(1, 'a', 2), name: 'of another version' },
])('an entry never loses to one $name', ({ odd }) => {
  expect(ccacheEntryDriver.compose([versionOf(odd), versionOf(entry(0, 'a'))])).toMatchObject({ index: 1 });
});
