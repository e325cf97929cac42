import type { ErrorCode } from '@cachelane/core';

/** A number or another part of an input with its own meaning. */
export interface Piece {
  readonly at: number;
  readonly bytes: number;
  /** `little`: a little-endian number. `octal`: digits with a NUL at the end. `json`: a value. `block`: other bytes. */
  readonly kind: 'little' | 'octal' | 'json' | 'block';
}

/** A reader of untrusted bytes: from elsewhere, or from a disk that may be damaged. */
export interface FuzzTarget<T = unknown> {
  /** Error codes with which it may refuse an input. */
  readonly refusals: readonly ErrorCode[];
  /** Valid inputs, smallest first. */
  readonly bases: readonly Buffer[];
  pieces(input: Buffer): readonly Piece[];
  /** Corrects checksums in place, so that mutations reach the code after them. */
  mend(input: Buffer): void;
  /** Reads the input. Any error that is not a refusal is a failure. */
  accept(input: Buffer): Promise<T>;
  /** Throws if the result is wrong. */
  hold(input: Buffer, accepted: T): Promise<void>;
  /** Runs after each input, accepted or refused. Throws if the reader left something behind. */
  after(): void;
  close(): void;
}

export interface TargetOptions {
  /** Seed of the valid inputs. */
  readonly seed: number;
  /** An empty directory for this target. Its creator deletes it. */
  readonly dir: string;
}

export type TargetFactory = (options: TargetOptions) => Promise<FuzzTarget>;

/** An invariant was violated. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function requireThat(holds: boolean, what: string): void {
  if (!holds) throw new Violation(what);
}

/** Joins two parts into one input: the length of the first, then both. */
export function joined(first: Uint8Array, second: Uint8Array): Buffer {
  const lead = Buffer.alloc(4);
  lead.writeUInt32LE(first.length);
  return Buffer.concat([lead, first, second]);
}

/** Splits an input of {@link joined}. Any other input counts as the second part. */
export function split(input: Buffer): readonly [first: Buffer, second: Buffer] {
  const count = input.length < 4 ? 0 : Math.min(input.readUInt32LE(), input.length - 4);
  return [input.subarray(4, 4 + count), input.subarray(4 + count)];
}

/** Moves the pieces of the second part of {@link joined} to their positions in the input. */
export function behind(pieces: readonly Piece[], count: number): readonly Piece[] {
  return pieces.map((piece) => ({ ...piece, at: piece.at + count }));
}
