import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync, type ZstdOptions } from 'node:zlib';
import { CachelaneError } from '@cachelane/core';
import { isOneZstdFrame } from './zstd-frame.ts';

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
/** Of the memory for what a frame becomes. */
const roomMinBytes = 65_536;
/** What zstd adds to what cannot be compressed, generously. */
const compressedMax = frameBytes + (frameBytes >> 6) + 1024;

const options = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Compresses what is written, in order. */
export class FrameWriter {
  readonly #pending: Promise<readonly Buffer[]>[] = [];
  /** What was left of the last frame. */
  #shrinks = 1;

  /**
   * `content`: at most {@link frameBytes}; must not change before this has been called {@link framesInFlight} - 1 times more. Yields frames once
   * that many are at work.
   */
  async *write(content: Buffer): AsyncGenerator<Uint8Array> {
    this.#pending.push(this.#frameOf(content));
    while (this.#pending.length >= framesInFlight) yield* await (this.#pending.shift() as Promise<readonly Buffer[]>);
  }

  async *end(): AsyncGenerator<Uint8Array> {
    for (const frame of this.#pending) yield* await frame;
  }

  async #frameOf(content: Buffer): Promise<readonly Buffer[]> {
    const roomBytes = roomFor(content.length, this.#shrinks);
    const compressed = await compress(content, { ...options, chunkSize: roomBytes, pledgedSrcSize: content.length });
    this.#shrinks = compressed.length / content.length;
    const lead = Buffer.allocUnsafe(leadBytes);
    lead.writeUInt32LE(skippableMagic, 0);
    lead.writeUInt32LE(sizesBytes, 4);
    lead.writeUInt32LE(compressed.length, 8);
    lead.writeUInt32LE(content.length, 12);
    return [lead, compressed];
  }
}

/**
 * Each time that Node runs out of room costs a turn of the event loop, and room that stays empty brings the next garbage collection nearer: a
 * half more than the frame before has taken.
 */
function roomFor(contentBytes: number, shrinks: number): number {
  const most = contentBytes + (contentBytes >> 6) + 1024;
  return Math.min(most, Math.max(roomMinBytes, Math.ceil(contentBytes * shrinks * 1.5)));
}

export interface Frame {
  readonly compressed: Buffer;
  /** Of what is in it. */
  readonly sizeBytes: number;
}

/** The frames, in order, not looked into. Throws E_LAYER_REFUSED for anything but what {@link FrameWriter} writes. */
export async function* splitFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
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
      // It was ours to keep, and so is its memory where nothing else is in it.
      if (part.length === part.buffer.byteLength) free(part);
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

/** Where what comes fills the memory for it to the last byte, Node takes as much again to see whether there is more. */
const spareBytes = 1024;

/** What is in a frame, on a thread of Node's pool. Throws E_LAYER_REFUSED. The frame's own bytes are gone then. */
export async function frameContent({ compressed, sizeBytes }: Frame): Promise<Buffer> {
  const content = await decompress(compressed, roomOf(sizeBytes)).catch(refuseDamaged);
  return checked(content, { compressed, sizeBytes });
}

/** The same at once. */
export function frameContentSync({ compressed, sizeBytes }: Frame): Buffer {
  let content: Buffer;
  try {
    content = zstdDecompressSync(compressed, roomOf(sizeBytes));
  } catch (error) {
    return refuseDamaged(error);
  }
  return checked(content, { compressed, sizeBytes });
}

const roomOf = (sizeBytes: number): ZstdOptions => ({ maxOutputLength: sizeBytes, chunkSize: sizeBytes + spareBytes });

function refuseDamaged(error: unknown): never {
  throw refusedWire('a frame is damaged', error);
}

function checked(content: Buffer, { compressed, sizeBytes }: Frame): Buffer {
  if (content.length !== sizeBytes || !isOneZstdFrame(compressed)) throw refusedWire('a frame is damaged');
  free(compressed);
  return content;
}

/** What is smaller may share its memory with others: Node's pool has 64 KiB. */
const freedBytes = 262_144;

/** The garbage collector hears of large buffers late: a hundred megabytes of them would wait for it. */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= freedBytes) buffer.transfer(0);
}

export function refusedWire(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `the layer is refused: ${why}`, { cause });
}
