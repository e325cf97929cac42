import {
  digestOf,
  isCachelaneError,
  newAttempt,
  parseRemoteKey,
  type AttemptId,
  type Clock,
  type ObjectDownload,
  type ObjectSource,
  type Random,
  type RemoteKey,
} from '@cachelane/core';

export const key = (text: string): RemoteKey => parseRemoteKey(text);
export const text = (written: string): Uint8Array => new TextEncoder().encode(written);
export const asText = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

/** Returns pseudo-random bytes of a seed. */
export function noise(sizeBytes: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const random = seededRandom(seed);
  for (let start = 0; start < sizeBytes; start += 65_536)
    bytes.set(random.bytes(Math.min(65_536, sizeBytes - start)), start);
  return bytes;
}

/** Numbers of a seed (xorshift32), for attempts and names: no two users may have the same seed. */
export function seededRandom(seed: number): Random {
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) | 1;
  return {
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let index = 0; index < count; index++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        bytes[index] = (state >>> 11) & 0xff;
      }
      return bytes;
    },
  };
}

export function countingAttempts(seed = 1): () => AttemptId {
  const random = seededRandom(seed);
  return () => newAttempt(random.bytes(16));
}

/** `pieceBytes`: the piece size of a file reader. */
export function sourceOf(bytes: Uint8Array, pieceBytes = 65_536): ObjectSource {
  return {
    sizeBytes: bytes.length,
    digest: digestOf(bytes),
    async *read() {
      for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
    },
  };
}

export async function contentOf(download: ObjectDownload | undefined): Promise<Uint8Array | undefined> {
  if (download === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of download.data) pieces.push(piece);
  return Uint8Array.from(Buffer.concat(pieces));
}

/**
 * Repeats a call until its outcome is known. A busy server may fail or lose an answer; every call of a remote may be repeated, a write with
 * the same attempt.
 */
export async function surely<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (let repetitions = 0; ; repetitions++) {
    try {
      return await call();
    } catch (error) {
      if (!isCachelaneError(error) || !error.retryable || repetitions === 20) throw error;
    }
  }
}

/** A clock that records its sleeps; they take no time. */
export function hastyClock(): Clock & { readonly sleptMs: readonly number[] } {
  const sleptMs: number[] = [];
  let nowMs = 0;
  return {
    sleptMs,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      signal.throwIfAborted();
      sleptMs.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
  };
}
