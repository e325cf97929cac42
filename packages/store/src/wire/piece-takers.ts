import type { Piece } from './archive.ts';
import { archiveBytes, PiecePlacer, type ArchivePlan, type PiecePlace } from '../tar/archive-plan.ts';
import { frameContent, framesInFlight, free, refusedWire } from './frames.ts';
import { takePiece, type ArchiveSink, type TakenPiece } from './take-piece.ts';

/** Works on pieces of an archive. */
export interface PieceTaker extends AsyncDisposable {
  /** How many pieces may be in progress or queued. */
  readonly atOnce: number;
  /** Takes over the piece's memory. Throws E_LAYER_REFUSED, and the system's errors. */
  take(piece: Piece, place: PiecePlace): Promise<TakenPiece>;
}

/** Works in this process. Only decompression uses other threads: those of Node's pool. */
export function ownTaker(plan: ArchivePlan, sink: ArchiveSink): PieceTaker {
  return {
    atOnce: framesInFlight,
    async take({ kind, bytes, sizeBytes }, place) {
      const content = kind === 'content' ? bytes : await frameContent({ compressed: bytes, sizeBytes });
      return takePiece(plan, place, { content, sink });
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Yields the pieces of an archive in order, each processed. A piece is invalid once the next one is requested. */
export async function* takePieces(
  source: AsyncIterable<Piece>,
  plan: ArchivePlan,
  taker: PieceTaker,
): AsyncGenerator<TakenPiece> {
  const placer = new PiecePlacer(plan);
  const pending: Promise<TakenPiece>[] = [];
  let left = archiveBytes(plan);
  try {
    for await (const piece of source) {
      left -= piece.sizeBytes;
      if (left < 0) throw refusedWire('it has more content than its index says');
      const taken = taker.take(piece, placer.place(piece.sizeBytes));
      // The consumer gets the error when it awaits the piece. This handler covers pieces that are never awaited.
      taken.catch(() => undefined);
      pending.push(taken);
      if (pending.length >= taker.atOnce) yield* passing(await (pending.shift() as Promise<TakenPiece>));
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) yield* passing(await next);
  } finally {
    await Promise.allSettled(pending);
  }
}

function* passing(piece: TakenPiece): Generator<TakenPiece> {
  yield piece;
  free(piece.head);
  free(piece.tail);
}
