import { invariant } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { baseName, comparePaths, parentPath, parseBytePath, type BytePath } from './byte-path.ts';
import { mergeClasses, type Entry } from './entry.ts';
import {
  attribute,
  attributeBytes,
  digestBytes,
  formCodes,
  header,
  indexMagic,
  indexVersion,
  layOut,
  record,
  recordBytes,
  removalCodes,
  runBytes,
  typeCodes,
  type IndexCounts,
} from './index-codec-format.ts';
import { entryFault, isFileName } from './index-codec-rules.ts';
import { isSpecial } from './memory-index.ts';

const hexDigits = '0123456789abcdef';
const nanosecondsPerSecond = 1_000_000_000n;

/** Distinct values, numbered in the order of first use. */
class Table<T> {
  readonly values: T[] = [];
  readonly #numbers = new Map<string, number>();

  number(key: string, make: () => T): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.values.length;
    this.#numbers.set(key, number);
    this.values.push(make());
    return number;
  }
}

interface AttributeRow {
  readonly entry: Entry;
  readonly originSet: number;
  /** 0 for none, otherwise the label's number plus one. */
  readonly group: number;
}

/** Values shared between entries, collected before writing. */
interface Tables {
  readonly sorted: readonly Entry[];
  readonly directories: Table<BytePath>;
  readonly attributes: Table<AttributeRow>;
  readonly originSets: Table<readonly number[]>;
  readonly runs: Table<string>;
  readonly groups: Table<Uint8Array>;
  /** Directory and attribute numbers of each entry. */
  readonly rows: Uint32Array;
  readonly counts: IndexCounts;
}

/**
 * Returns the bytes of an index, version 1 (docs/reference/store-format.md). The order of the input does not matter: equal
 * entries give equal bytes, whose digest is the layer's id. Throws E_INTERNAL for duplicate paths and invalid entries
 * (see {@link entryFault}); check external input first.
 */
export function encodeIndex(entries: Iterable<Entry>): Uint8Array {
  const tables = collect([...entries].toSorted((a, b) => comparePaths(a.path, b.path)));
  const { counts } = tables;
  const sections = layOut(counts);
  const bytes = new Uint8Array(sections.total);
  const view = new DataView(bytes.buffer);
  writeHeader(bytes, view, counts);
  writeRecords(bytes, view, tables, { at: sections.records, namesAt: sections.nameBytes });
  tables.attributes.values.forEach((row, i) => writeAttribute(view, sections.attributes + i * attributeBytes, row));
  writeEnds(bytes, view, tables.directories.values.map(toBytes), sections.directoryEnds, sections.directoryBytes);
  writeEnds(bytes, view, tables.groups.values, sections.groupEnds, sections.groupBytes);
  let refs = 0;
  tables.originSets.values.forEach((set, i) => {
    for (const run of set) view.setUint32(sections.originRefs + 4 * refs++, run, true);
    view.setUint32(sections.originSetEnds + 4 * i, refs, true);
  });
  tables.runs.values.forEach((run, i) => writeHex(bytes, sections.runs + i * runBytes, run, runBytes));
  let specials = 0;
  tables.sorted.forEach((entry, i) => {
    if (isSpecial(entry)) view.setUint32(sections.specials + 4 * specials++, i, true);
  });
  return bytes;
}

function collect(sorted: readonly Entry[]): Tables {
  const directories = new Table<BytePath>();
  const attributes = new Table<AttributeRow>();
  const originSets = new Table<readonly number[]>();
  const runs = new Table<string>();
  const groups = new Table<Uint8Array>();
  const rows = new Uint32Array(sorted.length * 2);
  let nameBytes = 0;
  let specials = 0;
  let previous: BytePath | undefined;
  const encoder = new TextEncoder();
  sorted.forEach((entry, i) => {
    const fault = entryFault(entry);
    invariant(fault === null, `an index with ${fault}`);
    invariant(entry.path !== previous, 'two entries for one path in one layer');
    previous = entry.path;
    const parent = parentPath(entry.path);
    rows[2 * i] = directories.number(parent, () => parseBytePath(parent));
    const originSet = originSets.number(entry.origins.join(), () =>
      entry.origins.map((origin) => runs.number(origin, () => runHex(origin))),
    );
    const { group } = entry;
    const groupNumber = group === null ? 0 : groups.number(group, () => groupBytesOf(group, encoder)) + 1;
    const { type, mergeClass, form, removed, mode } = entry;
    rows[2 * i + 1] = attributes.number(
      `${type} ${mergeClass} ${form} ${removed} ${mode} ${originSet} ${groupNumber}`,
      () => ({ entry, originSet, group: groupNumber }),
    );
    nameBytes += baseName(entry.path).length;
    if (isSpecial(entry)) specials++;
  });
  const counts: IndexCounts = {
    entries: sorted.length,
    specials,
    directories: directories.values.length,
    attributes: attributes.values.length,
    originSets: originSets.values.length,
    originRefs: originSets.values.reduce((sum, set) => sum + set.length, 0),
    runs: runs.values.length,
    groups: groups.values.length,
    directoryBytes: directories.values.reduce((sum, path) => sum + path.length, 0),
    nameBytes,
    groupBytes: groups.values.reduce((sum, label) => sum + label.length, 0),
  };
  for (const count of Object.values(counts)) invariant(count <= 0xffff_ffff, 'an index beyond 32-bit tables');
  return { sorted, directories, attributes, originSets, runs, groups, rows, counts };
}

/** Returns the 32 hex digits of a run id, which comes from our own parser. */
function runHex(run: string): string {
  invariant(/^run_[0-9a-f]{32}$/.test(run), 'an origin that is not a run id');
  return run.slice(4);
}

function groupBytesOf(label: string, encoder: TextEncoder): Uint8Array {
  invariant(label.isWellFormed(), 'a group label that is not text');
  return encoder.encode(label);
}

function writeHeader(bytes: Uint8Array, view: DataView, counts: IndexCounts): void {
  bytes.set(indexMagic);
  view.setUint32(header.version, indexVersion, true);
  for (const [field, count] of Object.entries(counts)) {
    view.setUint32(header[field as keyof IndexCounts], count, true);
  }
}

interface RecordPlace {
  readonly at: number;
  readonly namesAt: number;
}

function writeRecords(bytes: Uint8Array, view: DataView, { sorted, rows }: Tables, place: RecordPlace): void {
  let nameEnd = 0;
  sorted.forEach((entry, i) => {
    const at = place.at + i * recordBytes;
    const name = baseName(entry.path);
    invariant(isFileName(name) && entry.path.length <= limits.pathBytes, 'an entry with an invalid name');
    writeLatin1(bytes, place.namesAt + nameEnd, name);
    nameEnd += name.length;
    if (entry.digest !== null) writeHex(bytes, at + record.digest, entry.digest, digestBytes);
    const { seconds, nanoseconds } = splitTime(entry.mtimeNs);
    view.setBigInt64(at + record.seconds, seconds, true);
    view.setUint32(at + record.nanoseconds, nanoseconds, true);
    view.setBigUint64(at + record.size, BigInt(entry.sizeBytes), true);
    view.setUint32(at + record.directory, rows[2 * i] ?? 0, true);
    view.setUint32(at + record.nameEnd, nameEnd, true);
    view.setUint32(at + record.attribute, rows[2 * i + 1] ?? 0, true);
  });
}

/** Round seconds down, so that nanoseconds are never negative before 1970. */
function splitTime(ns: bigint): { readonly seconds: bigint; readonly nanoseconds: number } {
  const rest = ns % nanosecondsPerSecond;
  const nanoseconds = rest < 0n ? rest + nanosecondsPerSecond : rest;
  const seconds = (ns - nanoseconds) / nanosecondsPerSecond;
  invariant(BigInt.asIntN(64, seconds) === seconds, 'a time beyond 64-bit seconds');
  return { seconds, nanoseconds: Number(nanoseconds) };
}

function writeAttribute(view: DataView, at: number, { entry, originSet, group }: AttributeRow): void {
  view.setUint8(at + attribute.type, typeCodes.indexOf(entry.type));
  view.setUint8(at + attribute.mergeClass, mergeClasses.indexOf(entry.mergeClass));
  view.setUint8(at + attribute.form, formCodes.indexOf(entry.form));
  view.setUint8(at + attribute.removal, removalCodes.indexOf(entry.removed));
  view.setUint16(at + attribute.mode, entry.mode, true);
  view.setUint32(at + attribute.originSet, originSet, true);
  view.setUint32(at + attribute.group, group, true);
}

function writeEnds(bytes: Uint8Array, view: DataView, pieces: readonly Uint8Array[], endsAt: number, at: number): void {
  let end = 0;
  pieces.forEach((piece, i) => {
    bytes.set(piece, at + end);
    end += piece.length;
    view.setUint32(endsAt + 4 * i, end, true);
  });
}

function toBytes(latin1: string): Uint8Array {
  const bytes = new Uint8Array(latin1.length);
  writeLatin1(bytes, 0, latin1);
  return bytes;
}

function writeLatin1(bytes: Uint8Array, at: number, latin1: string): void {
  for (let i = 0; i < latin1.length; i++) bytes[at + i] = latin1.charCodeAt(i);
}

/** The value of each lower-case digit by its code. */
const hexValues = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, hexDigits.indexOf(String.fromCharCode(code))),
);

function writeHex(bytes: Uint8Array, at: number, hex: string, count: number): void {
  invariant(hex.length === 2 * count, 'a digest of the wrong length');
  for (let i = 0, from = 0; i < count; i++, from += 2) {
    bytes[at + i] = ((hexValues[hex.charCodeAt(from)] ?? 0) << 4) | (hexValues[hex.charCodeAt(from + 1)] ?? 0);
  }
}
