import type { Digest } from '@cachelane/core';
import type { Piece } from './archive.ts';
import type { PiecePlace } from '../tar/archive-plan.ts';
import type { SinkPlace } from './piece-sinks.ts';
import type { TakenPiece } from './take-piece.ts';

// Messages between the main thread and the threads that work on pieces.

/** What a thread gets when it starts. */
export interface PieceThreadStart {
  /** Shared memory, like `starts` and `links`. */
  readonly index: Uint8Array<SharedArrayBuffer>;
  readonly starts: Float64Array<SharedArrayBuffer>;
  readonly links: Uint32Array<SharedArrayBuffer>;
  readonly sink: SinkPlace;
}

export type PieceJob =
  | { readonly kind: 'piece'; readonly piece: Piece; readonly place: PiecePlace }
  /** Encodes the index again and returns its digest. */
  | { readonly kind: 'index' };

export type PieceAnswer =
  | { readonly kind: 'piece'; readonly taken: TakenPiece }
  | { readonly kind: 'index'; readonly digest: Digest };
