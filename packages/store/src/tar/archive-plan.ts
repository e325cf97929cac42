import type { Entry, LayerIndex } from '@cachelane/core';
import { archiveEndBytes, contentBytes, headerBytes } from './tar-entries.ts';
import { paddingOf } from './tar-header.ts';

/**
 * The layout of a layer's archive, known from its index before the archive arrives. Only contents and symlink
 * targets are unknown.
 */
export interface ArchivePlan {
  readonly index: LayerIndex;
  /** Byte offset of each entry, then of the archive's end. Shared with worker threads. */
  readonly starts: Float64Array<SharedArrayBuffer>;
  /** Content bytes of all entries. */
  readonly sizeBytes: number;
}

/** Plans the archive, with one pass over the index. */
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

/** Returns the size of the uncompressed archive. */
export function archiveBytes({ starts }: Pick<ArchivePlan, 'starts'>): number {
  return (starts.at(-1) ?? 0) + archiveEndBytes;
}

export interface ArchivePlace {
  readonly entry: Entry;
  /** Byte offset of its content in the archive. */
  readonly contentAt: number;
}

/** Yields each entry with the offset of its content. */
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

/** A part of an archive, and the entries that are whole in it. */
export interface PiecePlace {
  /** Byte offset in the archive. */
  readonly at: number;
  /** Place of the first whole entry in the index. Equals `end` without one. */
  readonly first: number;
  /** Place after the last whole entry. */
  readonly end: number;
}

/** Finds the whole entries of consecutive pieces. An entry over several pieces belongs to none of them. */
export class PiecePlacer {
  readonly #starts: Float64Array;
  #at = 0;
  /** The first entry that starts in the next piece, or continues in it. */
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

  /** Returns the last place from `low` on whose offset is `to` or less. */
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
