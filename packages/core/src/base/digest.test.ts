import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from './digest.ts';

test('text and bytes of any length have their SHA-256', () => {
  const lengths = fc.constantFrom(0, 1, 55, 56, 63, 64, 65, 1023, 1024, 1025, 40_000);
  const text = fc.tuple(lengths, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }));
  fc.assert(
    fc.property(text, ([length, piece]) => {
      const whole = piece
        .repeat(Math.ceil(length / piece.length))
        .slice(0, length)
        .toWellFormed();
      const expected = createHash('sha256').update(whole).digest('hex');
      expect(digestOf(whole)).toBe(expected);
      expect(digestOf(new TextEncoder().encode(whole))).toBe(expected);
    }),
  );
});
