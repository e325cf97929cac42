import type { Entry, LayerIndex } from '@cachelane/core';
import { archiveEndBytes, contentBytes, headerBytes } from './tar-entries.ts';
import { paddingOf } from './tar-header.ts';

/** The archive of a layer before it comes: all of it follows from the index but contents and targets of symlinks. */
export interface ArchivePlan {
  readonly index: LayerIndex;
  /** Where each entry begins, in bytes; behind the last one, where the end begins. Shared with the threads that work on it. */
  readonly starts: Float64Array<SharedArrayBuffer>;
  /** Of all entries. */
  readonly sizeBytes: number;
}

/** Goes through the index once. */
export function planArchive(index: LayerIndex, onEntry: (entry: Entry) => void = () => {}): ArchivePlan {
  const starts = new Float64Array(new SharedArrayBuffer((index.count + 1) * Float64Array.BYTES_PER_ELEMENT));
  let at = 0;
  let place = 0;
  let sizeBytes = 0;
  for (const entry of index.entries()) {
    onEntry(entry);
    sizeBytes += entry.sizeBytes;
    starts[place++] = at;
    const content = contentBytes(entry);
    at += headerBytes(entry) + content + paddingOf(content);
  }
  starts[place] = at;
  return { index, starts, sizeBytes };
}

/** Of the whole archive, decompressed. */
export function archiveBytes({ starts }: Pick<ArchivePlan, 'starts'>): number {
  return (starts.at(-1) ?? 0) + archiveEndBytes;
}

export interface ArchivePlace {
  readonly entry: Entry;
  /** Where its content begins in the archive. */
  readonly contentAt: number;
}

/** Where each entry's content is in the archive. */
export function* archivePlaces({
  index,
  starts,
}: Pick<ArchivePlan, 'index' | 'starts'>): Generator<ArchivePlace, undefined> {
  let place = 0;
  for (const entry of index.entries()) {
    const content = contentBytes(entry);
    yield { entry, contentAt: (starts[++place] as number) - content - paddingOf(content) };
  }
}

/** A part of an archive, and the entries that lie whole in it. */
export interface PiecePlace {
  /** Where it begins in the archive. */
  readonly at: number;
  /** The place of the first of those entries in the index; where there is none, the same as `end`. */
  readonly first: number;
  /** The place behind the last of them. */
  readonly end: number;
}

/** Says of pieces, one after the other, which entries are theirs: each entry is one piece's, or nobody's as it lies in several. */
export class PiecePlacer {
  readonly #starts: Float64Array;
  #at = 0;
  /** The first entry that has not begun before the next piece, or that goes on in it. */
  #next = 0;

  constructor({ starts }: ArchivePlan) {
    this.#starts = starts;
  }

  place(sizeBytes: number): PiecePlace {
    const at = this.#at;
    const to = at + sizeBytes;
    this.#at = to;
    const goesOn = this.#startOf(this.#next) < at;
    if (goesOn && this.#startOf(this.#next + 1) > to) return { at, first: this.#next, end: this.#next };
    const first = goesOn ? this.#next + 1 : this.#next;
    this.#next = this.#placeBehind(first, to);
    return { at, first, end: this.#next };
  }

  #startOf(place: number): number {
    return this.#starts[place] ?? Infinity;
  }

  /** The last place from `low` on at which something begins at `to` or before. */
  #placeBehind(low: number, to: number): number {
    let high = this.#starts.length - 1;
    let found = low;
    while (found < high) {
      const middle = (found + high + 1) >>> 1;
      if (this.#startOf(middle) <= to) found = middle;
      else high = middle - 1;
    }
    return found;
  }
}
