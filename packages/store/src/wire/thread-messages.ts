import { CachelaneError, isCachelaneError, type Digest } from '@cachelane/core';
import type { Piece } from './archive.ts';
import type { PiecePlace } from './archive-plan.ts';
import type { SinkPlace } from './piece-sinks.ts';
import type { TakenPiece } from './take-piece.ts';

// What a thread that takes pieces and the one that hands them out say to each other.

/** What a thread starts with. */
export interface ThreadStart {
  /** In memory that is shared, as the plan's. */
  readonly index: Uint8Array<SharedArrayBuffer>;
  readonly starts: Float64Array<SharedArrayBuffer>;
  readonly sink: SinkPlace;
}

export type ThreadJob =
  | { readonly kind: 'piece'; readonly piece: Piece; readonly place: PiecePlace }
  /** To write the index anew, and say what it is then. */
  | { readonly kind: 'index' };

export type ThreadAnswer =
  | { readonly kind: 'piece'; readonly taken: TakenPiece }
  | { readonly kind: 'index'; readonly digest: Digest }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** An error that can be sent. */
interface PlainError {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly isOurs: boolean;
}

export function plainError(error: unknown): PlainError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (isCachelaneError(error)) return { code: error.code, message, hint: error.hint, isOurs: true };
  return { code, message: message ?? String(error), hint: undefined, isOurs: false };
}

export function fromPlain({ code, message, hint, isOurs }: PlainError): Error {
  if (isOurs) return new CachelaneError(code as CachelaneError['code'], message, hint === undefined ? {} : { hint });
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
