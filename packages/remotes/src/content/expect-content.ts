import { createHash } from 'node:crypto';
import { CachelaneError, type ObjectContent } from '@cachelane/core';

/** Passes the pieces on and throws E_OBJECT_CORRUPT, at the latest behind the last one, where they are not what they should be. */
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

/** Whether the pieces are that content; reads them to the end, or to the first byte too many. */
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
