import { hash } from 'node:crypto';
import { displayPath, digestOf, type BytePath, type CachelaneError, type Entry } from '@cachelane/core';
import { wireEntries, type PiecePlace, type WirePlan } from '../tar/archive-plan.ts';
import { checkTarget } from './check-incoming.ts';
import { damagedWire } from './frames.ts';
import {
  archiveEndBytes,
  contentBytes,
  hasContent,
  HeaderSpace,
  tarHeader,
  withTarget,
  type TarHeader,
} from '../tar/tar-entries.ts';
import { paddingOf } from '../tar/tar-header.ts';

/**
 * Receives the entries of an incoming layer. Each entry is already checked, except the content of a large file.
 * Directories and removals are only in the index.
 */
export interface ArchiveSink {
  /** An unchecked part of the archive. Called before the entries in it. */
  piece(at: number, content: Buffer): void;
  symlink(entry: Entry, target: Buffer): void;
  file(entry: Entry, content: Buffer): void;
  /**
   * A file that spans several pieces. `content` passes its parts, and throws at the end if they do not match the entry.
   */
  largeFile(entry: Entry, content: ContentParts): Promise<void>;
}

export type ContentParts = (use: (part: Buffer) => void) => Promise<void>;

/** The rest of a piece after its whole entries were processed. */
export interface TakenPiece {
  readonly first: number;
  readonly end: number;
  /** The bytes before the first whole entry, or all bytes without one. */
  readonly head: Buffer;
  readonly tail: Buffer;
  /** Small contents for merge drivers. */
  readonly deltas: readonly Delta[];
}

interface Delta {
  /** Place of its entry in the index. */
  readonly place: number;
  readonly content: Buffer;
}

/**
 * Processes the entries that are whole in a piece, and returns the rest. Head and tail are views of `content`.
 * Every byte must be the one that follows from the index, and each content must have its digest.
 * Throws E_LAYER_REFUSED with the reason.
 */
export function takePiece(
  plan: WirePlan,
  { at, first, end }: PiecePlace,
  { content, sink }: { readonly content: Buffer; readonly sink: ArchiveSink },
): TakenPiece {
  sink.piece(at, content);
  const deltas: Delta[] = [];
  if (first === end) return { first, end, head: content, tail: content.subarray(content.length), deltas };
  const head = content.subarray(0, (plan.starts[first] as number) - at);
  const piece = new PieceReader(content, head.length);
  const space = new HeaderSpace();
  let place = first;
  for (const wire of wireEntries(plan, first, end)) {
    const { entry } = wire;
    const header = tarHeader(wire, space);
    const target = checkHeader(entry, header, piece.next(header.bytes.length));
    const bytes = piece.next(contentBytes(wire));
    checkZeros(piece.next(paddingOf(bytes.length)), 'its padding');
    if (target !== null) sink.symlink(entry, target);
    else if (hasContent(entry) && wire.linkedTo === null) {
      if (hash('sha256', bytes, 'hex') !== entry.digest) throw disagree(entry);
      if (entry.form === 'delta') deltas.push({ place, content: Buffer.from(bytes) });
      else sink.file(entry, bytes);
    }
    place += 1;
  }
  return { first, end, head, tail: piece.rest(), deltas };
}

class PieceReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next(count: number): Buffer {
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}

/** Returns the target of a symlink. */
export function checkHeader(entry: Entry, header: TarHeader, found: Buffer): Buffer | null {
  const { bytes, targetAt } = header;
  let target: Buffer | null = null;
  if (targetAt !== null) {
    target = Buffer.from(found.subarray(targetAt, targetAt + entry.sizeBytes));
    if (digestOf(target) !== entry.digest) throw disagree(entry);
    checkTarget(entry, target);
  }
  if (!found.equals(target === null ? bytes : withTarget(header, target))) throw disagree(entry);
  return target;
}

/** The archive's end is the longest run of zeros; padding is shorter. */
const zeros = Buffer.alloc(archiveEndBytes);

export function checkZeros(found: Buffer, what: string): void {
  if (found.compare(zeros, 0, found.length) !== 0) throw damagedWire(`${what} has unexpected bytes`);
}

export function disagree({ path }: { readonly path: BytePath }): CachelaneError {
  return damagedWire(`index and content differ at ${displayPath(path)}`);
}
