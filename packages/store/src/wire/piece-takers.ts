import type { Piece } from './archive.ts';
import { archiveBytes, PiecePlacer, type ArchivePlan, type PiecePlace } from '../tar/archive-plan.ts';
import { frameContent, framesInFlight, free, refusedWire } from './frames.ts';
import { takePiece, type ArchiveSink, type TakenPiece } from './take-piece.ts';

/** Who works on pieces. */
export interface PieceTaker extends AsyncDisposable {
  /** Pieces that are worked on, or wait for their turn. */
  readonly atOnce: number;
  /** Takes the memory of the piece. Throws E_LAYER_REFUSED, and the system's errors. */
  take(piece: Piece, place: PiecePlace): Promise<TakenPiece>;
}

/** This process: frames are decompressed on the threads of Node's pool, all else takes turns. */
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

/** The pieces of an archive, in order, each worked on; what is left of one is gone when the next one is asked for. */
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
      if (left < 0) throw refusedWire('there is more in it than its index says');
      const taken = taker.take(piece, placer.place(piece.sizeBytes));
      // Whoever waits for it is told; one that nobody waits for any more is nobody's failure.
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
