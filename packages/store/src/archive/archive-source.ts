import { createReadStream, type ReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { CachelaneError, limits } from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../files/file-errors.ts';

const chunkBytes = 1_048_576;
const signatureBytes = 6;
/**
 * actions/cache compresses with `zstd --long=30`, which Node's default refuses. Memory grows with the input, up to this
 * window.
 */
const windowLog = 30;

/** Known compressions that this reader does not support, by a file's first bytes in latin1. */
const otherCompressions: readonly (readonly [start: string, name: string, mend: string])[] = [
  ['\xfd7zXZ', 'xz', 'decompress it first: xz -dk'],
  ['BZh', 'bzip2', 'decompress it first: bzip2 -dk'],
  ['\x04\x22\x4d\x18', 'lz4', 'decompress it first: lz4 -d'],
  ['PK\x03\x04', 'zip', 'unzip it first and import the directory'],
];

/** Reads a file, decompressed if it is gzip or zstd, in amounts that the caller chooses. */
export class ArchiveSource implements AsyncDisposable {
  readonly #file: string;
  readonly #signal: AbortSignal;
  readonly #streams: Streams;
  readonly #chunks: AsyncIterator<Buffer>;
  #current: Buffer = Buffer.alloc(0);
  #at = 0;
  #total = 0;

  private constructor(file: string, streams: Streams, signal: AbortSignal) {
    this.#file = file;
    this.#signal = signal;
    this.#streams = streams;
    this.#chunks = streams.output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static async open(file: string, signal: AbortSignal): Promise<ArchiveSource> {
    return new ArchiveSource(file, decompress(file, await signatureOf(file)), signal);
  }

  /** Returns exactly `count` bytes, or null at the end of the file. */
  async take(count: number): Promise<Buffer | null> {
    if (this.#current.length - this.#at >= count) {
      this.#at += count;
      return this.#current.subarray(this.#at - count, this.#at);
    }
    const parts: Buffer[] = [];
    let left = count;
    while (left > 0) {
      const part = await this.#some(left);
      if (part === null) break;
      parts.push(part);
      left -= part.length;
    }
    if (left === count && count > 0) return null;
    if (left > 0) throw unreadable(this.#file, 'it ends too early');
    return Buffer.concat(parts);
  }

  /** Returns 1 to `count` bytes. */
  async takeSome(count: number): Promise<Buffer> {
    const part = await this.#some(count);
    if (part === null) throw unreadable(this.#file, 'it ends too early');
    return part;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) left -= (await this.takeSome(left)).length;
  }

  /** Reads past the archive's end, to detect damaged compression. */
  async drain(): Promise<void> {
    while ((await this.#some(chunkBytes)) !== null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of new Set([this.#streams.output, this.#streams.input])) {
      stream.destroy();
      if (!stream.closed) await new Promise<void>((resolve) => void stream.once('close', () => resolve()));
    }
  }

  async #some(count: number): Promise<Buffer | null> {
    while (this.#at === this.#current.length) {
      throwIfAborted(this.#signal);
      if (!(await this.#next())) return null;
    }
    const part = this.#current.subarray(this.#at, this.#at + count);
    this.#at += part.length;
    return part;
  }

  async #next(): Promise<boolean> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#chunks.next();
    } catch (error) {
      throw asUnreadable(this.#file, error);
    }
    if (next.done === true) return false;
    this.#current = next.value;
    this.#at = 0;
    this.#total += next.value.length;
    const came = Math.max(this.#streams.input.bytesRead, 1);
    if (this.#total > limits.incomingUnchecked && this.#total > came * limits.incomingExpansion) {
      throw unreadable(this.#file, `it expands to more than ${limits.incomingExpansion} times its size`);
    }
    return true;
  }
}

interface Streams {
  readonly input: ReadStream;
  readonly output: Readable;
}

function decompress(file: string, signature: string): Streams {
  const other = otherCompressions.find(([start]) => signature.startsWith(start));
  if (other !== undefined) throw unreadable(file, `it is compressed with ${other[1]}`, { hint: other[2] });
  const input = createReadStream(file, { highWaterMark: chunkBytes });
  const decompressor = decompressorFor(signature);
  if (decompressor === null) return { input, output: input };
  // The reader of the pipe gets its errors. These handlers cover errors after the reader has stopped.
  pipeline(input, decompressor, () => undefined);
  decompressor.on('error', () => undefined);
  return { input, output: decompressor };
}

function decompressorFor(signature: string): (Readable & NodeJS.WritableStream) | null {
  if (signature.startsWith('\x1f\x8b')) return createGunzip({ chunkSize: chunkBytes });
  // pzstd writes a skippable frame first.
  const isSkippable = /^[P-_]/.test(signature) && signature.slice(1, 4) === '\x2a\x4d\x18';
  const isZstd = signature.startsWith('\x28\xb5\x2f\xfd') || isSkippable;
  if (!isZstd) return null;
  return createZstdDecompress({ chunkSize: chunkBytes, params: { [constants.ZSTD_d_windowLogMax]: windowLog } });
}

async function signatureOf(file: string): Promise<string> {
  const start = createReadStream(file, { end: signatureBytes - 1 });
  try {
    let text = '';
    for await (const chunk of start) text += (chunk as Buffer).toString('latin1');
    if (text === '') throw unreadable(file, 'it is empty');
    return text;
  } catch (error) {
    throw fromSystem(error, `reading ${file}`);
  }
}

function asUnreadable(file: string, error: unknown): unknown {
  const code = (error as { readonly code?: unknown }).code;
  if (typeof code === 'string' && /^(?:Z_|ZSTD_)/.test(code)) {
    const why = code === 'Z_BUF_ERROR' ? 'it ends too early' : 'its compression is damaged';
    return unreadable(file, why, { cause: error });
  }
  return fromSystem(error, `reading ${file}`);
}

export function unreadable(
  file: string,
  why: string,
  { hint = 'use a tar archive: plain, gzip or zstd', cause }: Unreadable = {},
): CachelaneError {
  return new CachelaneError('E_USAGE', `${file} cannot be read: ${why}`, { hint, cause });
}

interface Unreadable {
  readonly hint?: string;
  readonly cause?: unknown;
}
