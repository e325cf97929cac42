import { invariant, limits } from '@cachelane/core';
import { refusedWire, splitFrames } from './frames.ts';
import type { TakenPiece } from './take-piece.ts';

/** A part of an archive as it comes: a frame, or content as it is. */
export interface Piece {
  readonly kind: 'frame' | 'content';
  readonly bytes: Buffer;
  /** Of the content. */
  readonly sizeBytes: number;
}

/** The frames of an archive. Throws E_LAYER_REFUSED for what is none, and for what would grow out of all proportion. */
export async function* framePieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const counted = new CountedSource(source);
  let total = 0;
  for await (const { compressed, sizeBytes } of splitFrames(counted)) {
    total += sizeBytes;
    if (total > limits.incomingUnchecked && total > counted.bytes * limits.incomingExpansion) {
      throw refusedWire(`it becomes more than ${limits.incomingExpansion} times as large as it came`);
    }
    yield { kind: 'frame', bytes: compressed, sizeBytes };
  }
}

/** Counts what comes, so that little that becomes very much is noticed. */
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

/** What is left of the archive where whole entries were taken out of its pieces, as a reader that knows what comes wants it. */
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

  /** The place behind the entries from `place` on that were taken out here; `place` where the reader has to read on. */
  async pass(place: number): Promise<number> {
    while (this.#isRead()) {
      const piece = this.#piece;
      if (piece !== null && this.#current === piece.head && piece.first < piece.end) {
        invariant(piece.first === place, 'entries that nobody has read');
        this.#current = piece.tail;
        this.#at = 0;
        return piece.end;
      }
      if (!(await this.#next())) throw refusedWire('it ends too early');
    }
    return place;
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Buffer> {
    if (this.#current.length - this.#at >= count) {
      this.#at += count;
      return this.#current.subarray(this.#at - count, this.#at);
    }
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      // The next piece takes this one's place.
      const part = Buffer.from(await this.takeSome(left));
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** At least one byte and at most so many; none where none is wanted. */
  async takeSome(count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0);
    while (this.#isRead()) {
      if (!(await this.#next())) throw refusedWire('it ends too early');
    }
    const part = this.#current.subarray(this.#at, this.#at + count);
    this.#at += part.length;
    return part;
  }

  async expectEnd(): Promise<void> {
    if (!this.#isRead() || (await this.#next())) throw refusedWire('there is more in it than its index says');
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
