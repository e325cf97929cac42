import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { CachelaneError } from '@cachelane/core';

// Independent zstd frames, each behind a skippable one with its sizes, so that several are worked on at once; `zstd -d` reads the whole as
// one stream. The threads of Node's own pool do the work.

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Uncompressed bytes of a frame; a quarter of it costs 3 to 4 % in size. */
export const frameBytes = 4_194_304;
/** Of every frame but the last: many small ones would cost more than what is in them. */
const frameMinBytes = 1_048_576;
/** As much as this is in memory twice, compressed and not. */
export const framesInFlight = 3;

/** Of the first of the sixteen kinds of skippable frames. */
const skippableMagic = 0x18_4d_2a_50;
const sizesBytes = 8;
const leadBytes = 8 + sizesBytes;
/** What zstd adds to what cannot be compressed, generously. */
const compressedMax = frameBytes + (frameBytes >> 6) + 1024;

const options = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Compresses what is written, in order. */
export class FrameWriter {
  readonly #pending: Promise<readonly Buffer[]>[] = [];

  /**
   * `content`: at most {@link frameBytes}; must not change before this has been called {@link framesInFlight} - 1 times more. Yields frames once
   * that many are at work.
   */
  async *write(content: Buffer): AsyncGenerator<Uint8Array> {
    this.#pending.push(frameOf(content));
    while (this.#pending.length >= framesInFlight) yield* await (this.#pending.shift() as Promise<readonly Buffer[]>);
  }

  async *end(): AsyncGenerator<Uint8Array> {
    for (const frame of this.#pending) yield* await frame;
  }
}

async function frameOf(content: Buffer): Promise<readonly Buffer[]> {
  // Room for all of it: each time that Node runs out of room costs a turn of the event loop.
  const chunkSize = content.length + (content.length >> 6) + 1024;
  const compressed = await compress(content, { ...options, chunkSize, pledgedSrcSize: content.length });
  const lead = Buffer.alloc(leadBytes);
  lead.writeUInt32LE(skippableMagic, 0);
  lead.writeUInt32LE(sizesBytes, 4);
  lead.writeUInt32LE(compressed.length, 8);
  lead.writeUInt32LE(content.length, 12);
  return [lead, compressed];
}

/** The contents of the frames, in order. Throws E_LAYER_REFUSED for anything but what {@link FrameWriter} writes. */
export async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const pending: Promise<Buffer>[] = [];
  try {
    for await (const { compressed, sizeBytes } of splitFrames(source)) {
      const content = contentOf(compressed, sizeBytes);
      // Whoever waits for it is told; one that nobody waits for any more is nobody's failure.
      content.catch(() => undefined);
      pending.push(content);
      if (pending.length >= framesInFlight) yield await (pending.shift() as Promise<Buffer>);
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) yield await next;
  } finally {
    await Promise.allSettled(pending);
  }
}

interface Frame {
  readonly compressed: Buffer;
  readonly sizeBytes: number;
}

async function* splitFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const bytes = new Pending();
  let next: Lead | null = null;
  let wasSmall = false;
  for await (const chunk of source) {
    bytes.add(chunk);
    for (;;) {
      if (next === null) {
        const lead = bytes.take(leadBytes);
        if (lead === null) break;
        if (wasSmall) throw refusedWire('a frame before the last is smaller than any of this format');
        next = readLead(lead);
        wasSmall = next.sizeBytes < frameMinBytes;
      }
      const compressed = bytes.take(next.need);
      if (compressed === null) break;
      yield { compressed, sizeBytes: next.sizeBytes };
      next = null;
    }
  }
  if (next !== null || bytes.length > 0) throw refusedWire('it ends too early');
}

/** Bytes that came and were not asked for yet; each is copied once. */
class Pending {
  #parts: Uint8Array[] = [];
  #at = 0;
  length = 0;

  add(chunk: Uint8Array): void {
    this.#parts.push(chunk);
    this.length += chunk.length;
  }

  /** Null where fewer have come. */
  take(count: number): Buffer | null {
    if (this.length < count) return null;
    const taken = Buffer.allocUnsafe(count);
    let done = 0;
    let used = 0;
    while (done < count) {
      const part = this.#parts[used] as Uint8Array;
      const piece = part.subarray(this.#at, this.#at + count - done);
      taken.set(piece, done);
      done += piece.length;
      this.#at += piece.length;
      if (this.#at < part.length) continue;
      used += 1;
      this.#at = 0;
    }
    this.#parts.splice(0, used);
    this.length -= count;
    return taken;
  }
}

interface Lead {
  readonly need: number;
  readonly sizeBytes: number;
}

function readLead(lead: Buffer): Lead {
  const need = lead.readUInt32LE(8);
  const sizeBytes = lead.readUInt32LE(12);
  if (lead.readUInt32LE(0) !== skippableMagic || lead.readUInt32LE(4) !== sizesBytes) {
    throw refusedWire('it is not made of frames of this format');
  }
  if (sizeBytes === 0 || sizeBytes > frameBytes || need === 0 || need > compressedMax) {
    throw refusedWire('a frame is larger than any of this format');
  }
  return { need, sizeBytes };
}

async function contentOf(compressed: Buffer, sizeBytes: number): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await decompress(compressed, { maxOutputLength: sizeBytes, chunkSize: Math.max(sizeBytes, 1024) });
  } catch (error) {
    throw refusedWire('a frame is damaged', error);
  }
  if (content.length !== sizeBytes) throw refusedWire('a frame is damaged');
  return content;
}

export function refusedWire(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `the layer is refused: ${why}`, { cause });
}
