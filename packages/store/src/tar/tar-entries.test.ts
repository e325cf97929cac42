import type { BytePath, Entry } from '@cachelane/core';
import { contentEntry, madeEntry, removalEntry } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { headerBytes, HeaderSpace, tarHeader, type WireEntry } from './tar-entries.ts';

const long = `${'d'.repeat(90)}/${'n'.repeat(200)}`;
const unlinked: readonly Entry[] = [
  contentEntry(long, 'x').entry,
  contentEntry('f', 'x').entry,
  contentEntry('old', 'x', { mtimeNs: -1_500_000_000n }).entry,
  contentEntry('huge', 'x', { sizeBytes: 8 ** 11 + 5 }).entry,
  contentEntry('.wh.f', 'x').entry,
  contentEntry('link', 'x', { type: 'symlink', mode: 0o777, sizeBytes: 100 }).entry,
  contentEntry('long-link', 'x', { type: 'symlink', mode: 0o777, sizeBytes: 3000 }).entry,
  madeEntry('d').entry,
  madeEntry('anew', { removed: 'below' }).entry,
  removalEntry('gone', 'counted').entry,
  removalEntry('hint', 'hint').entry,
];
const entries: readonly WireEntry[] = [
  ...unlinked.map((entry) => ({ entry, linkedTo: null })),
  { entry: contentEntry('same', 'x').entry, linkedTo: 'f' as BytePath },
  { entry: contentEntry(`${long}/same`, 'x').entry, linkedTo: long as BytePath },
];

test.each([entries, entries.toReversed()])('a header is the same in reused memory', (...each) => {
  const space = new HeaderSpace();
  for (const entry of each) {
    const fresh = tarHeader(entry);
    const { bytes, targetAt } = tarHeader(entry, space);
    expect(bytes.equals(fresh.bytes)).toBe(true);
    expect(targetAt).toBe(fresh.targetAt);
  }
});

test.each(entries)('headerBytes returns the length of the header of $entry.path', (entry) => {
  expect(headerBytes(entry)).toBe(tarHeader(entry).bytes.length);
});

test('each header has the right checksum', () => {
  for (const entry of entries) {
    const { bytes } = tarHeader(entry);
    for (const at of [0, bytes.length - 512].filter((at) => at >= 0 && at < bytes.length)) {
      const block = Buffer.from(bytes.subarray(at, at + 512));
      const found = Number.parseInt(block.toString('latin1', 148, 154), 8);
      block.fill(0x20, 148, 156);
      expect(found).toBe(block.reduce((sum, byte) => sum + byte, 0));
    }
  }
});
