import type { Digest } from '@cachelane/core';
import type { Piece } from './archive.ts';
import type { PiecePlace } from '../tar/archive-plan.ts';
import type { SinkPlace } from './piece-sinks.ts';
import type { TakenPiece } from './take-piece.ts';

// What a thread that takes pieces and the one that hands them out say to each other.

/** What a thread starts with. */
export interface PieceThreadStart {
  /** In memory that is shared, as the plan's. */
  readonly index: Uint8Array<SharedArrayBuffer>;
  readonly starts: Float64Array<SharedArrayBuffer>;
  readonly sink: SinkPlace;
}

export type PieceJob =
  | { readonly kind: 'piece'; readonly piece: Piece; readonly place: PiecePlace }
  /** To write the index anew, and say what it is then. */
  | { readonly kind: 'index' };

export type PieceAnswer =
  | { readonly kind: 'piece'; readonly taken: TakenPiece }
  | { readonly kind: 'index'; readonly digest: Digest };
