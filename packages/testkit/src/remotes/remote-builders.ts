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

/** Bytes that look like nothing, the same for the same seed. */
export function noise(sizeBytes: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const random = seededRandom(seed);
  for (let start = 0; start < sizeBytes; start += 65_536)
    bytes.set(random.bytes(Math.min(65_536, sizeBytes - start)), start);
  return bytes;
}

/** The numbers of `seed`, one after the other (xorshift32); for attempts and names, so no two may have the same one. */
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

/** `pieceBytes` as a reader of files would have them. */
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
 * What `call` answers in the end. A server on which many write at once may say of a request that it does not know what became of it, or that it is busy;
 * every call of a remote is made to be repeated then, a writing one with the attempt that it had.
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

/** A clock on which sleeping takes no time, and what was slept. */
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
