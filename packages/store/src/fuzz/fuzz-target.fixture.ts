import type { ErrorCode } from '@cachelane/core';

/** A number or another part of an input that has a meaning of its own. */
export interface Piece {
  readonly at: number;
  readonly bytes: number;
  /** `little`: a little-endian number. `octal`: digits, with a NUL at the end. `json`: a value. `block`: no number. */
  readonly kind: 'little' | 'octal' | 'json' | 'block';
}

/** One reader of bytes that others made, or that a disk may have changed. */
export interface FuzzTarget<T = unknown> {
  /** What it may say no with. */
  readonly refusals: readonly ErrorCode[];
  /** Inputs that are valid, the smallest first. */
  readonly bases: readonly Buffer[];
  pieces(input: Buffer): readonly Piece[];
  /** Puts sums right that only say that something was changed, so that a mutation gets behind them. In place. */
  mend(input: Buffer): void;
  /** What the reader makes of it. Whatever it throws beside refusals is a failure. */
  accept(input: Buffer): Promise<T>;
  /** Throws where something accepted is not what it has to be. */
  hold(input: Buffer, accepted: T): Promise<void>;
  /** After each input, taken or refused: throws where it left something. */
  after(): void;
  close(): void;
}

export interface TargetOptions {
  /** Of what the valid inputs are made from. */
  readonly seed: number;
  /** A directory of its own: empty, and removed by whoever made it. */
  readonly dir: string;
}

export type TargetFactory = (options: TargetOptions) => Promise<FuzzTarget>;

/** What must hold does not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function requireThat(holds: boolean, what: string): void {
  if (!holds) throw new Violation(what);
}

/** Two parts in one input: so many bytes of the first, then both. */
export function joined(first: Uint8Array, second: Uint8Array): Buffer {
  const lead = Buffer.alloc(4);
  lead.writeUInt32LE(first.length);
  return Buffer.concat([lead, first, second]);
}

/** What is none of {@link joined} is all second part. */
export function split(input: Buffer): readonly [first: Buffer, second: Buffer] {
  const count = input.length < 4 ? 0 : Math.min(input.readUInt32LE(), input.length - 4);
  return [input.subarray(4, 4 + count), input.subarray(4 + count)];
}

/** As many pieces of the second part of {@link joined} lie further back. */
export function behind(pieces: readonly Piece[], count: number): readonly Piece[] {
  return pieces.map((piece) => ({ ...piece, at: piece.at + count }));
}
