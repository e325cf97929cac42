import { baseName, childPath, parentPath, type BytePath, type Entry } from '@cachelane/core';
import {
  blockBytes,
  linkBytes,
  linkField,
  nameBytes,
  octalSizes,
  paddingOf,
  paxRecord,
  sealHeader,
  writeHeader,
} from './tar-header.ts';

// Entries of a layer as members of a tar archive (docs/reference/store-format.md, "Wire form"). The bytes follow from
// the entry alone, so a reader with the index knows all of them in advance, except contents and targets of symlinks.

const whiteoutPrefix = '.wh.';
const literalPrefix = '.wh..wh..name.';
const opaqueName = '.wh..wh..opq';

/** A header with the blocks before it. {@link withTarget} adds the target of a symlink. */
export interface TarHeader {
  readonly bytes: Buffer;
  /** Offset of a symlink's target, null for other types. */
  readonly targetAt: number | null;
}

/** Reusable memory for one header at a time, to spare the garbage collector. */
export class HeaderSpace {
  #bytes: Buffer = Buffer.allocUnsafeSlow(4 * blockBytes);

  /** Returns `count` zero bytes. */
  take(count: number): Buffer {
    if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(count);
    return this.#bytes.subarray(0, count).fill(0);
  }
}

/** An entry in the archive. */
export interface WireEntry {
  readonly entry: Entry;
  /** The earlier file with the same content, mode and time: the archive has a hard link to it instead of the content. */
  readonly linkedTo: BytePath | null;
}

/**
 * Returns the blocks before an entry's content, or none if the archive omits the entry. They are valid until the
 * space is used again.
 */
export function tarHeader(wire: WireEntry, space: HeaderSpace = new HeaderSpace()): TarHeader {
  const [own, ...marks] = membersOf(wire);
  if (own === undefined) return { bytes: space.take(0), targetAt: null };
  const header = headerOf(own, space);
  const bytes = marks.reduce(
    (before, mark) => Buffer.concat([before, headerOf(mark, new HeaderSpace()).bytes]),
    header.bytes,
  );
  return { bytes, targetAt: header.targetAt };
}

/** Returns the size of {@link tarHeader} in bytes. */
export function headerBytes(wire: WireEntry): number {
  return membersOf(wire).reduce((sum, member) => sum + headBytes(recordsOf(member).length), 0);
}

interface Member {
  readonly name: string;
  readonly entry: Entry;
  readonly type: MemberType;
  /** For a hard link. */
  readonly target?: string;
}

type MemberType = '0' | '1' | '2' | '5';

/** Returns the archive's members for an entry. */
function membersOf({ entry, linkedTo }: WireEntry): readonly Member[] {
  if (entry.removed === 'hint') return [];
  if (entry.removed === 'counted') return [{ name: whiteoutName(entry.path), entry, type: '0' }];
  const name = wirePath(entry.path);
  switch (entry.type) {
    case 'dir': {
      const own: Member = { name: `${name}/`, entry, type: '5' };
      if (entry.removed !== 'below') return [own];
      return [own, { name: `${name}/${opaqueName}`, entry: { ...entry, mode: 0 }, type: '0' }];
    }
    case 'symlink':
      return [{ name, entry, type: '2' }];
    case 'file':
      if (linkedTo !== null) return [{ name, entry, type: '1', target: wirePath(linkedTo) }];
      return [{ name, entry, type: '0' }];
  }
}

/** Returns the header with the target filled in. The target must have the size in the entry. */
export function withTarget({ bytes, targetAt }: TarHeader, target: Uint8Array): Buffer {
  if (targetAt === null) return bytes;
  const filled = Buffer.from(bytes);
  filled.set(target, targetAt);
  sealHeader(filled, filled.length - blockBytes);
  return filled;
}

/** Returns the bytes of content after an entry's header, without padding. */
export function contentBytes({ entry, linkedTo }: WireEntry): number {
  return linkedTo === null && hasContent(entry) ? entry.sizeBytes : 0;
}

/** Returns whether the entry is a file, empty or not. */
export function hasContent({ type, removed }: Entry): boolean {
  return type === 'file' && removed !== 'counted' && removed !== 'hint';
}

/** Two blocks of zeros. */
export const archiveEndBytes: number = 2 * blockBytes;

/** Escapes names that would look like whiteouts. */
function wirePath(path: BytePath): string {
  if (!path.includes(whiteoutPrefix)) return path;
  return path.split('/').map(literalName).join('/');
}

function literalName(name: string): string {
  return name.startsWith(whiteoutPrefix) ? literalPrefix + name.slice(whiteoutPrefix.length) : name;
}

function whiteoutName(path: BytePath): string {
  return childPath(wirePath(parentPath(path)) as BytePath, whiteoutPrefix + literalName(baseName(path)));
}

/** Writes a PAX header for what the old format cannot express, then the member's own header. */
function headerOf(member: Member, space: HeaderSpace): TarHeader {
  const { name, entry, type, target = '' } = member;
  const { mode, mtimeNs, sizeBytes } = entry;
  const records = recordsOf(member);
  const recordsEnd = blockBytes + records.length;
  const bytes = space.take(headBytes(records.length));
  const own = bytes.length - blockBytes;
  bytes.set(recordsHeader(records.length));
  bytes.write(records, blockBytes, 'latin1');
  // The PAX records have the exact time.
  const seconds = Math.max(0, Number(mtimeNs / 1_000_000_000n));
  const size = sizeIn(member);
  const link = target.length <= linkBytes ? target : '';
  writeHeader(bytes, own, { name, mode, size: size % octalSizes, seconds: seconds % octalSizes, type, link });
  if (type !== '2') return { bytes, targetAt: null };
  // The record of a long target is the last one, and ends with a line feed.
  return { bytes, targetAt: sizeBytes > linkBytes ? recordsEnd - 1 - sizeBytes : own + linkField };
}

function headBytes(recordsBytes: number): number {
  return 2 * blockBytes + recordsBytes + paddingOf(recordsBytes);
}

function sizeIn({ entry, type }: Member): number {
  return type === '0' && hasContent(entry) ? entry.sizeBytes : 0;
}

function recordsOf(member: Member): string {
  const { name, entry, type, target = '' } = member;
  const { mtimeNs, sizeBytes } = entry;
  const size = sizeIn(member);
  // To the nanosecond: builds compare times.
  let records = paxRecord('mtime', decimalTime(mtimeNs));
  if (name.length > nameBytes) records += paxRecord('path', name);
  if (size >= octalSizes) records += paxRecord('size', String(size));
  if (target.length > linkBytes) records += paxRecord('linkpath', target);
  if (type === '2' && sizeBytes > linkBytes) records += paxRecord('linkpath', '\0'.repeat(sizeBytes));
  return records;
}

/** Few sizes occur: most records have only a time. */
const recordsHeaders = new Map<number, Buffer>();

function recordsHeader(recordsBytes: number): Buffer {
  const known = recordsHeaders.get(recordsBytes);
  if (known !== undefined) return known;
  const made = Buffer.alloc(blockBytes);
  writeHeader(made, 0, { name: 'pax', mode: 0o644, size: recordsBytes, seconds: 0, type: 'x' });
  recordsHeaders.set(recordsBytes, made);
  return made;
}

function decimalTime(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const size = ns < 0n ? -ns : ns;
  return `${sign}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')}`;
}
