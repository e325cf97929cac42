import { CachelaneError } from '../base/errors.ts';
import type { RunId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { childPath, type BytePath } from './byte-path.ts';
import type { Digest } from '../base/digest.ts';
import { mergeClasses, type Entry } from './entry.ts';
import {
  attribute,
  attributeBytes,
  corrupt,
  digestBytes,
  formCodes,
  header,
  headerBytes,
  indexMagic,
  indexVersion,
  layOut,
  record,
  recordBytes,
  removalCodes,
  runBytes,
  typeCodes,
  type IndexCounts,
  type IndexSections,
} from './index-codec-format.ts';
import { entryFault, isDirectoryPath, isFileName } from './index-codec-rules.ts';

type Attributes = Pick<Entry, 'type' | 'mode' | 'origins' | 'mergeClass' | 'group' | 'form' | 'removed'>;

/**
 * Reads single entries of an index. It trusts no bytes: the header's counts must match the length exactly, and every
 * number and offset is checked before use. Shared values (directories, attributes) are decoded once.
 */
export class IndexReader {
  readonly count: number;
  readonly specials: number;
  readonly runs: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #counts: IndexCounts;
  readonly #sections: IndexSections;
  readonly #directories: (BytePath | undefined)[];
  readonly #attributes: (Attributes | undefined)[];

  /** Throws E_LAYER_CORRUPT if the bytes are not an index, E_STORE_NEWER for a later version. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#counts = readHeader(bytes, this.#view);
    this.#sections = layOut(this.#counts);
    if (this.#sections.total !== bytes.length) throw corrupt('its length does not match its header');
    this.count = this.#counts.entries;
    this.specials = this.#counts.specials;
    this.runs = this.#counts.runs;
    this.#directories = [];
    this.#attributes = [];
  }

  /** `number` must be below `count`. */
  entry(number: number): Entry {
    const at = this.#sections.records + number * recordBytes;
    const attributes = this.#attributesOf(this.#view.getUint32(at + record.attribute, true));
    const size = this.#view.getBigUint64(at + record.size, true);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt('a size beyond 2^53');
    const nanoseconds = this.#view.getUint32(at + record.nanoseconds, true);
    if (nanoseconds >= 1_000_000_000) throw corrupt('a time with a whole second of nanoseconds');
    const entry: Entry = {
      path: this.path(number),
      type: attributes.type,
      mode: attributes.mode,
      mtimeNs: this.#view.getBigInt64(at + record.seconds, true) * 1_000_000_000n + BigInt(nanoseconds),
      sizeBytes: Number(size),
      digest: this.#digestAt(at + record.digest, attributes),
      origins: attributes.origins,
      mergeClass: attributes.mergeClass,
      group: attributes.group,
      form: attributes.form,
      removed: attributes.removed,
    };
    const fault = entryFault(entry);
    if (fault !== null) throw corrupt(fault);
    return entry;
  }

  path(number: number): BytePath {
    const directory = this.#directory(number);
    const { from, to } = this.#nameRange(number);
    if (to - from > limits.fileNameBytes) throw corrupt(`a name over ${limits.fileNameBytes} bytes`);
    const name = latin1(this.#bytes, from, to);
    if (!isFileName(name)) throw corrupt('an invalid name');
    const path = childPath(directory, name);
    if (path.length > limits.pathBytes) throw corrupt(`a path over ${limits.pathBytes} bytes`);
    return path;
  }

  /** Compares an entry's path with `path`: negative if it sorts before, 0 if equal. Allocates no strings. */
  compare(number: number, path: string): number {
    const directory = this.#directory(number);
    let at = 0;
    if (directory.length > 0) {
      if (path.startsWith(directory)) {
        at = directory.length;
      } else {
        return directory < path ? -1 : 1;
      }
      const next = at < path.length ? path.charCodeAt(at) : -1;
      if (next !== slash) return slash - next;
      at++;
    }
    const { from, to } = this.#nameRange(number);
    for (let i = from; i < to; i++, at++) {
      if (at >= path.length) return 1;
      const difference = (this.#bytes[i] as number) - path.charCodeAt(at);
      if (difference !== 0) return difference;
    }
    return at === path.length ? 0 : -1;
  }

  /** Returns the number of the special entry at `position`; ascending. */
  special(position: number): number {
    const number = this.#view.getUint32(this.#sections.specials + 4 * position, true);
    const previous = position === 0 ? -1 : this.#view.getUint32(this.#sections.specials + 4 * (position - 1), true);
    if (number >= this.count || number <= previous) throw corrupt('a table of special entries out of order');
    return number;
  }

  /** Returns the run at `number` in the table. */
  run(number: number): RunId {
    const at = this.#sections.runs + number * runBytes;
    return `run_${hex(this.#bytes, at, at + runBytes)}` as RunId;
  }

  #directory(number: number): BytePath {
    const directory = this.#view.getUint32(this.#sections.records + number * recordBytes + record.directory, true);
    const known = this.#directories[directory];
    if (known !== undefined) return known;
    if (directory >= this.#counts.directories) throw corrupt('a directory that is not in its table');
    const { from, to } = this.#range(this.#sections.directoryEnds, directory, this.#counts.directoryBytes);
    if (to - from > limits.pathBytes) throw corrupt(`a directory over ${limits.pathBytes} bytes`);
    const path = latin1(this.#bytes, this.#sections.directoryBytes + from, this.#sections.directoryBytes + to);
    if (!isDirectoryPath(path)) throw corrupt('an invalid directory');
    this.#directories[directory] = path as BytePath;
    return path as BytePath;
  }

  #nameRange(number: number): { readonly from: number; readonly to: number } {
    const at = this.#sections.records + number * recordBytes + record.nameEnd;
    const to = this.#view.getUint32(at, true);
    const from = number === 0 ? 0 : this.#view.getUint32(at - recordBytes, true);
    if (from > to || to > this.#counts.nameBytes) throw corrupt('a name outside of its section');
    return { from: this.#sections.nameBytes + from, to: this.#sections.nameBytes + to };
  }

  /** Returns piece `number` of a table of ends, relative to its bytes. */
  #range(endsAt: number, number: number, limit: number): { readonly from: number; readonly to: number } {
    const to = this.#view.getUint32(endsAt + 4 * number, true);
    const from = number === 0 ? 0 : this.#view.getUint32(endsAt + 4 * (number - 1), true);
    if (from > to || to > limit) throw corrupt('a table of ends out of order');
    return { from, to };
  }

  #attributesOf(number: number): Attributes {
    const known = this.#attributes[number];
    if (known !== undefined) return known;
    if (number >= this.#counts.attributes) throw corrupt('attributes that are not in their table');
    const at = this.#sections.attributes + number * attributeBytes;
    if (this.#view.getUint16(at + attribute.reserved, true) !== 0) throw corrupt('reserved bits');
    const attributes: Attributes = {
      type: decode(typeCodes, this.#view.getUint8(at + attribute.type)),
      mode: this.#view.getUint16(at + attribute.mode, true),
      origins: this.#originsOf(this.#view.getUint32(at + attribute.originSet, true)),
      mergeClass: decode(mergeClasses, this.#view.getUint8(at + attribute.mergeClass)),
      group: this.#groupOf(this.#view.getUint32(at + attribute.group, true)),
      form: decode(formCodes, this.#view.getUint8(at + attribute.form)),
      removed: decode(removalCodes, this.#view.getUint8(at + attribute.removal)),
    };
    this.#attributes[number] = attributes;
    return attributes;
  }

  #originsOf(set: number): readonly RunId[] {
    if (set >= this.#counts.originSets) throw corrupt('origins that are not in their table');
    const { from, to } = this.#range(this.#sections.originSetEnds, set, this.#counts.originRefs);
    const origins: RunId[] = [];
    for (let i = from; i < to; i++) {
      const run = this.#view.getUint32(this.#sections.originRefs + 4 * i, true);
      if (run >= this.#counts.runs) throw corrupt('a run that is not in its table');
      origins.push(this.run(run));
    }
    return origins;
  }

  #groupOf(number: number): string | null {
    if (number === 0) return null;
    if (number > this.#counts.groups) throw corrupt('a group that is not in its table');
    const { from, to } = this.#range(this.#sections.groupEnds, number - 1, this.#counts.groupBytes);
    const at = this.#sections.groupBytes;
    try {
      return utf8.decode(this.#bytes.subarray(at + from, at + to));
    } catch {
      throw corrupt('a group label that is not UTF-8');
    }
  }

  #digestAt(at: number, { type, removed }: Attributes): Digest | null {
    if (type !== 'dir' && removed !== 'counted' && removed !== 'hint') {
      return hex(this.#bytes, at, at + digestBytes) as Digest;
    }
    for (let i = at; i < at + digestBytes; i++) if (this.#bytes[i] !== 0) throw corrupt('a digest without content');
    return null;
  }
}

const slash = 0x2f;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readHeader(bytes: Uint8Array, view: DataView): IndexCounts {
  if (bytes.length < headerBytes || indexMagic.some((byte, i) => bytes[i] !== byte))
    throw corrupt('it is not an index');
  const version = view.getUint32(header.version, true);
  if (version > indexVersion) {
    throw new CachelaneError(
      'E_STORE_NEWER',
      `the layer's index has version ${version}; this cachelane reads version ${indexVersion}`,
      {
        hint: 'use the version of cachelane that wrote it, or a later one',
      },
    );
  }
  const reserved = view.getUint32(header.reserved, true) | view.getUint32(header.reservedEnd, true);
  if (version !== indexVersion || reserved !== 0) throw corrupt('an invalid header');
  const at = (field: keyof IndexCounts): number => view.getUint32(header[field], true);
  return {
    entries: at('entries'),
    specials: at('specials'),
    directories: at('directories'),
    attributes: at('attributes'),
    originSets: at('originSets'),
    originRefs: at('originRefs'),
    runs: at('runs'),
    groups: at('groups'),
    directoryBytes: at('directoryBytes'),
    nameBytes: at('nameBytes'),
    groupBytes: at('groupBytes'),
  };
}

function decode<T>(codes: readonly T[], code: number): T {
  if (code >= codes.length) throw corrupt('an unknown code');
  return codes[code] as T;
}

/** At most `limits.pathBytes` bytes, because they are passed as arguments. */
function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode.apply(null, bytes.subarray(from, to) as unknown as number[]);
}

const hexCodes: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const hexScratch: number[] = Array.from({ length: 2 * digestBytes }, () => 0);

/** Built in one step; appending pairs would keep every intermediate string in memory. */
function hex(bytes: Uint8Array, from: number, to: number): string {
  hexScratch.length = 2 * (to - from);
  for (let i = from, at = 0; i < to; i++, at += 2) {
    const byte = bytes[i] as number;
    hexScratch[at] = hexCodes[byte >> 4] as number;
    hexScratch[at + 1] = hexCodes[byte & 15] as number;
  }
  return String.fromCharCode.apply(null, hexScratch);
}
