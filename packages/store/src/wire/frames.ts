import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync, type ZstdOptions } from 'node:zlib';
import { CachelaneError } from '@cachelane/core';
import { isOneZstdFrame } from './zstd-frame.ts';

// Independent zstd frames, so that several threads work at once. A skippable frame with the sizes precedes each.
// `zstd -d` reads the whole as one stream. Node's own thread pool does the work.

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Uncompressed bytes of a frame. A quarter of this size makes archives 3 to 4 % larger. */
export const frameBytes = 4_194_304;
/** Minimum for every frame but the last: many tiny frames would cost more than their content. */
const frameMinBytes = 1_048_576;
/** Frames in memory at once, each both compressed and uncompressed. */
export const framesInFlight = 3;

/** The first of the sixteen magic numbers of skippable frames. */
const skippableMagic = 0x18_4d_2a_50;
const sizesBytes = 8;
const leadBytes = 8 + sizesBytes;
/** Minimum output buffer of the compressor. */
const roomMinBytes = 65_536;
/** A generous upper bound for incompressible content. */
const compressedMax = frameBytes + (frameBytes >> 6) + 1024;

const options = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Compresses what is written, in order. */
export class FrameWriter {
  readonly #pending: Promise<readonly Buffer[]>[] = [];
  /** Compression ratio of the last frame. */
  #shrinks = 1;

  /**
   * Compresses `content`, at most {@link frameBytes}. Yields finished frames once {@link framesInFlight} are in
   * progress.
   * Do not change `content` before {@link framesInFlight} - 1 more calls.
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
 * Returns the output buffer size for a frame: half more than the last frame needed.
 * Too small a buffer costs a turn of the event loop. Too large a buffer brings the next garbage collection nearer.
 */
function roomFor(contentBytes: number, shrinks: number): number {
  const most = contentBytes + (contentBytes >> 6) + 1024;
  return Math.min(most, Math.max(roomMinBytes, Math.ceil(contentBytes * shrinks * 1.5)));
}

export interface Frame {
  readonly compressed: Buffer;
  /** Bytes of the uncompressed content. */
  readonly sizeBytes: number;
}

/**
 * Yields the frames in order, still compressed. Throws E_LAYER_REFUSED for anything {@link FrameWriter} does not write.
 */
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
        if (wasSmall) throw refusedWire('a frame before the last is smaller than the format allows');
        next = readLead(lead);
        wasSmall = next.sizeBytes < frameMinBytes;
      }
      const compressed = bytes.take(next.need);
      if (compressed === null) break;
      yield { compressed, sizeBytes: next.sizeBytes };
      next = null;
    }
  }
  if (next !== null || bytes.length > 0) throw damagedWire('it ends too early');
}

/** Bytes that have arrived but are not taken yet. Copies each byte once. */
class Pending {
  #parts: Uint8Array[] = [];
  #at = 0;
  length = 0;

  add(chunk: Uint8Array): void {
    this.#parts.push(chunk);
    this.length += chunk.length;
  }

  /** Returns null if fewer bytes have arrived. */
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
      // Frees the part's memory if nothing else is in it.
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
    throw damagedWire('its frames are not of this format');
  }
  if (sizeBytes === 0 || sizeBytes > frameBytes || need === 0 || need > compressedMax) {
    throw refusedWire('a frame is larger than the format allows');
  }
  return { need, sizeBytes };
}

/** Node allocates as much again if the output fills its buffer exactly. */
const spareBytes = 1024;

/** Decompresses a frame on Node's thread pool and frees the compressed bytes. Throws E_LAYER_REFUSED. */
export async function frameContent({ compressed, sizeBytes }: Frame): Promise<Buffer> {
  const content = await decompress(compressed, roomOf(sizeBytes)).catch(refuseDamaged);
  return checked(content, { compressed, sizeBytes });
}

/** Same as {@link frameContent}, synchronously. */
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
  throw damagedWire('a frame is damaged', error);
}

function checked(content: Buffer, { compressed, sizeBytes }: Frame): Buffer {
  if (content.length !== sizeBytes || !isOneZstdFrame(compressed)) throw damagedWire('a frame is damaged');
  free(compressed);
  return content;
}

/** Smaller buffers may share memory with others: Node's pool has 64 KiB. */
const freedBytes = 262_144;

/** Frees a large buffer at once. The garbage collector notices large buffers late and would let 100 MB pile up. */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= freedBytes) buffer.transfer(0);
}

export function refusedWire(why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `the layer is refused: ${why}`);
}

/** Same as {@link refusedWire}, for a layer that is damaged and so was whole once. */
export function damagedWire(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `the layer is refused: ${why}`, {
    hint: 'copy the file again, or export the volume again',
    cause,
  });
}
