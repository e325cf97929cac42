import type { RunId } from '../base/ids.ts';
import { childPath, isBelow, type BytePath } from './byte-path.ts';
import type { Entry, LayerIndex } from './entry.ts';
import { IndexReader } from './index-codec-decode.ts';
import { corrupt } from './index-codec-format.ts';
import { isSpecial } from './memory-index.ts';

/**
 * Opens the bytes of an index ({@link encodeIndex}) at constant cost. Entries are decoded and checked on access, so
 * `bytes` must not change. Throws E_LAYER_CORRUPT, now or on access, and E_STORE_NEWER for a later version. Does not
 * detect damage that leaves valid entries: compare the digest of the bytes with the layer's id.
 */
export function openIndex(bytes: Uint8Array): LayerIndex {
  const reader = new IndexReader(bytes);
  return {
    count: reader.count,
    find(path) {
      const number = lowerBound(reader, path);
      return number < reader.count && reader.compare(number, path) === 0 ? reader.entry(number) : undefined;
    },
    entries: (from = 0, to = reader.count) => iterable(() => entriesAt(reader, from, to)),
    below: (directory) => iterable(() => entriesBelow(reader, directory)),
    special: () => iterable(() => specialEntries(reader)),
    runs: () => iterable(() => runsOf(reader)),
  };
}

function* runsOf(reader: IndexReader): Generator<RunId> {
  for (let number = 0; number < reader.runs; number++) yield reader.run(number);
}

/** Returns the position of the first entry not before `path`; `count` if there is none. */
function lowerBound(reader: IndexReader, path: string): number {
  let low = 0;
  let high = reader.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reader.compare(middle, path) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Yields entries from position `from` to before `to`. */
function* entriesAt(reader: IndexReader, from: number, to: number): Generator<Entry> {
  let specials = specialsBefore(reader, from);
  let previous: BytePath | undefined;
  for (let number = from; number < to; number++) {
    const entry = reader.entry(number);
    checkOrder(previous, entry.path);
    previous = entry.path;
    const listed = specials < reader.specials && reader.special(specials) === number;
    if (listed) specials++;
    if (listed !== isSpecial(entry)) throw corrupt('a table of special entries that does not fit');
    yield entry;
  }
}

/** Returns how many special entries have lower positions. */
function specialsBefore(reader: IndexReader, place: number): number {
  let low = 0;
  let high = reader.specials;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reader.special(middle) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* entriesBelow(reader: IndexReader, directory: BytePath): Generator<Entry> {
  if (directory === '') {
    yield* entriesAt(reader, 0, reader.count);
    return;
  }
  let previous: BytePath | undefined;
  for (let number = lowerBound(reader, childPath(directory, '')); number < reader.count; number++) {
    const entry = reader.entry(number);
    if (!isBelow(entry.path, directory)) return;
    checkOrder(previous, entry.path);
    previous = entry.path;
    yield entry;
  }
}

function* specialEntries(reader: IndexReader): Generator<Entry> {
  for (let position = 0; position < reader.specials; position++) {
    const entry = reader.entry(reader.special(position));
    if (!isSpecial(entry)) throw corrupt('a table of special entries that does not fit');
    yield entry;
  }
}

function checkOrder(previous: BytePath | undefined, path: BytePath): void {
  if (previous !== undefined && previous >= path) throw corrupt('entries out of order');
}

/** Allows repeated iteration, like an array. */
function iterable<T>(each: () => Generator<T>): Iterable<T> {
  return { [Symbol.iterator]: each };
}
