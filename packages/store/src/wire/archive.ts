import { invariant, limits } from '@cachelane/core';
import { damagedWire, refusedWire, splitFrames } from './frames.ts';
import type { TakenPiece } from './take-piece.ts';

/** A part of an incoming archive: a compressed frame, or plain content. */
export interface Piece {
  readonly kind: 'frame' | 'content';
  readonly bytes: Buffer;
  /** Bytes of the uncompressed content. */
  readonly sizeBytes: number;
}

/**
 * Yields the frames of an archive. Throws E_LAYER_REFUSED for invalid frames and for an archive that expands too much.
 */
export async function* framePieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const counted = new CountedSource(source);
  let total = 0;
  for await (const { compressed, sizeBytes } of splitFrames(counted)) {
    total += sizeBytes;
    if (total > limits.incomingUnchecked && total > counted.bytes * limits.incomingExpansion) {
      throw refusedWire(`it expands to more than ${limits.incomingExpansion} times its size`);
    }
    yield { kind: 'frame', bytes: compressed, sizeBytes };
  }
}

/** Counts incoming bytes to detect an archive that expands too much. */
class CountedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

/** Reads the parts of an archive that remain after whole entries were taken out of its pieces. */
export class Archive {
  readonly #pieces: AsyncGenerator<TakenPiece>;
  readonly #onPiece: (piece: TakenPiece) => void;
  #piece: TakenPiece | null = null;
  /** Head or tail of the piece. */
  #current: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(pieces: AsyncGenerator<TakenPiece>, onPiece: (piece: TakenPiece) => void) {
    this.#pieces = pieces;
    this.#onPiece = onPiece;
  }

  /**
   * Returns the first place after the entries from `place` on that were already taken out. Returns `place` if there are
   * none.
   */
  async pass(place: number): Promise<number> {
    while (this.#isRead()) {
      const piece = this.#piece;
      if (piece !== null && this.#current === piece.head && piece.first < piece.end) {
        invariant(piece.first === place, 'unread entries before a piece');
        this.#current = piece.tail;
        this.#at = 0;
        return piece.end;
      }
      if (!(await this.#next())) throw damagedWire('it ends too early');
    }
    return place;
  }

  /** Returns exactly `count` bytes. */
  async take(count: number): Promise<Buffer> {
    if (this.#current.length - this.#at >= count) {
      this.#at += count;
      return this.#current.subarray(this.#at - count, this.#at);
    }
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      // Copy: the next piece overwrites this one's memory.
      const part = Buffer.from(await this.takeSome(left));
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Returns 1 to `count` bytes, or none if `count` is 0. */
  async takeSome(count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0);
    while (this.#isRead()) {
      if (!(await this.#next())) throw damagedWire('it ends too early');
    }
    const part = this.#current.subarray(this.#at, this.#at + count);
    this.#at += part.length;
    return part;
  }

  async expectEnd(): Promise<void> {
    if (!this.#isRead() || (await this.#next())) throw refusedWire('it has more content than its index says');
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }

  #isRead(): boolean {
    return this.#at === this.#current.length;
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#pieces.next();
    if (done === true) return false;
    this.#piece = value;
    this.#current = value.head;
    this.#at = 0;
    this.#onPiece(value);
    return true;
  }
}
