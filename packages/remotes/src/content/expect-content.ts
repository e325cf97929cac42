import { createHash } from 'node:crypto';
import { CachelaneError, type ObjectContent } from '@cachelane/core';

/**
 * Yields the pieces. Throws E_OBJECT_CORRUPT, at the latest after the last one, if they differ from the expected
 * content.
 */
export async function* expectContent(
  pieces: AsyncIterable<Uint8Array>,
  expected: ObjectContent,
  what: string,
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > expected.sizeBytes) throw corrupt(what, `is longer than ${expected.sizeBytes} bytes`);
    hash.update(piece);
    yield piece;
  }
  if (sizeBytes < expected.sizeBytes) throw corrupt(what, `has ${sizeBytes} of ${expected.sizeBytes} bytes`);
  const digest = hash.digest('hex');
  if (digest !== expected.digest) throw corrupt(what, `has the digest ${digest}, not ${expected.digest}`);
}

export function corrupt(what: string, why: string): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', `${what} ${why}`);
}

/** Returns whether the pieces are that content. Reads to the end or to the first surplus byte. */
export async function isContent(pieces: AsyncIterable<Uint8Array>, expected: ObjectContent): Promise<boolean> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > expected.sizeBytes) return false;
    hash.update(piece);
  }
  return sizeBytes === expected.sizeBytes && hash.digest('hex') === expected.digest;
}
