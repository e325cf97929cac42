import { invariant, type BytePath, type Digest, type Entry, type LayerIndex } from '@cachelane/core';
import { archiveEndBytes, contentBytes, hasContent, headerBytes, type WireEntry } from './tar-entries.ts';
import { paddingOf } from './tar-header.ts';

/**
 * The layout of a layer's archive, known from its index before the archive arrives. Only contents and symlink
 * targets are unknown.
 */
export interface ArchivePlan {
  readonly index: LayerIndex;
  /** Byte offset of each entry, then of the archive's end. Shared with worker threads. */
  readonly starts: Float64Array<SharedArrayBuffer>;
  /** For each entry, the place of the file that it is a hard link to, or {@link notLinked}. Shared like `starts`. */
  readonly links: Uint32Array<SharedArrayBuffer>;
  /** Content bytes of all entries. */
  readonly sizeBytes: number;
}

const notLinked = 0xffff_ffff;

/** ext4 allows 65,000 links to a file, and layers may share it too. */
const linksMax = 10_000;

/** Finds files that repeat an earlier file of the layer. */
export class LinkFinder {
  readonly #first = new Map<Digest, { readonly place: number; readonly entry: Entry; links: number }>();

  /** Returns the earlier file with the same content, mode and time. Call it once for each entry, in order. */
  find(entry: Entry, place: number): { readonly place: number; readonly path: BytePath } | null {
    const { digest, form, sizeBytes } = entry;
    if (digest === null || sizeBytes === 0 || form === 'delta' || !hasContent(entry)) return null;
    const first = this.#first.get(digest);
    if (first !== undefined && first.links < linksMax) {
      if (!isSame(first.entry, entry)) return null;
      first.links += 1;
      return { place: first.place, path: first.entry.path };
    }
    this.#first.set(digest, { place, entry, links: 0 });
    return null;
  }
}

/** An index from elsewhere may give one digest several sizes: such files are not linked, so that each is checked. */
function isSame(a: Entry, b: Entry): boolean {
  return a.sizeBytes === b.sizeBytes && a.mode === b.mode && a.mtimeNs === b.mtimeNs;
}

/** Plans the archive, with one pass over the index. */
export function planArchive(index: LayerIndex, onEntry: (entry: Entry) => void = () => {}): ArchivePlan {
  const starts = new Float64Array(new SharedArrayBuffer((index.count + 1) * Float64Array.BYTES_PER_ELEMENT));
  const links = new Uint32Array(new SharedArrayBuffer(index.count * Uint32Array.BYTES_PER_ELEMENT)).fill(notLinked);
  const finder = new LinkFinder();
  let at = 0;
  let place = 0;
  let sizeBytes = 0;
  for (const entry of index.entries()) {
    onEntry(entry);
    sizeBytes += entry.sizeBytes;
    const link = finder.find(entry, place);
    if (link !== null) links[place] = link.place;
    starts[place++] = at;
    const wire = { entry, linkedTo: link?.path ?? null };
    const content = contentBytes(wire);
    at += headerBytes(wire) + content + paddingOf(content);
  }
  starts[place] = at;
  return { index, starts, links, sizeBytes };
}

/** What the entries' bytes in the archive follow from. */
export type WirePlan = Pick<ArchivePlan, 'index' | 'starts' | 'links'>;

/** Returns the entries from place `first` up to `end`, without it. */
export function* wireEntries(
  { index, links }: Omit<WirePlan, 'starts'>,
  first = 0,
  end: number = index.count,
): Generator<WireEntry, undefined> {
  let place = first;
  for (const entry of index.entries(first, end)) {
    const link = links[place++] ?? notLinked;
    yield { entry, linkedTo: link === notLinked ? null : entryAt(index, link).path };
  }
}

/** Returns the entry at a place of the index. */
export function entryAt(index: LayerIndex, place: number): Entry {
  const [entry] = index.entries(place, place + 1);
  invariant(entry !== undefined, 'an entry after the last one');
  return entry;
}

/** Returns the size of the uncompressed archive. */
export function archiveBytes({ starts }: Pick<ArchivePlan, 'starts'>): number {
  return (starts.at(-1) ?? 0) + archiveEndBytes;
}

export interface ArchivePlace extends WireEntry {
  /** Byte offset of its header in the archive. */
  readonly headAt: number;
  /** Byte offset of its content, or of the content of the file that it is linked to. */
  readonly contentAt: number;
}

/** Yields each entry with its offsets. */
export function* archivePlaces(plan: WirePlan): Generator<ArchivePlace, undefined> {
  const { starts, links } = plan;
  let place = 0;
  for (const wire of wireEntries(plan)) {
    const link = links[place] ?? notLinked;
    const content = contentBytes({ ...wire, linkedTo: null });
    const end = starts[(link === notLinked ? place : link) + 1] as number;
    yield { ...wire, headAt: starts[place] as number, contentAt: end - content - paddingOf(content) };
    place += 1;
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
