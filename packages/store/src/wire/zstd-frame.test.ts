import { constants, zstdCompressSync } from 'node:zlib';
import { noise } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOneZstdFrame } from './zstd-frame.ts';

const arbitraryContent = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.nat(400_000).map((size) => Buffer.alloc(size, 'abc')),
  fc.nat(300_000).map((size) => noise(size)),
);

const arbitraryFrame = fc
  .record({
    content: arbitraryContent,
    level: fc.constantFrom(1, 3, 9),
    sum: fc.constantFrom(0, 1),
    size: fc.constantFrom(0, 1),
  })
  .map(({ content, level, sum, size }) =>
    zstdCompressSync(content, {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_checksumFlag]: sum,
        [constants.ZSTD_c_contentSizeFlag]: size,
      },
    }),
  );

test('every compressor output is one frame', () => {
  fc.assert(fc.property(arbitraryFrame, isOneZstdFrame), { numRuns: 60 });
});

test('extra bytes before or after a frame, or missing bytes, make it invalid', () => {
  const other = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 20 }), arbitraryFrame);
  fc.assert(
    fc.property(arbitraryFrame, other, fc.nat(), (frame, more, cut) => {
      expect(isOneZstdFrame(Buffer.concat([frame, more]))).toBe(false);
      expect(isOneZstdFrame(Buffer.concat([more, frame]))).toBe(false);
      expect(isOneZstdFrame(frame.subarray(0, cut % frame.length))).toBe(false);
    }),
    { numRuns: 60 },
  );
});
