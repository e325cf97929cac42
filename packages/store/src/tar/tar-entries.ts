import { baseName, childPath, parentPath, type BytePath, type Entry } from '@cachelane/core';

// What an entry of a layer is in a tar archive (docs/reference/store-format.md, "Wire form"). The bytes follow from the entry alone, so that a
// reader who has the index knows each of them before it comes, but for contents and targets of symlinks.

const blockBytes = 512;

const whiteoutPrefix = '.wh.';
const literalPrefix = '.wh..wh..name.';
const opaqueName = '.wh..wh..opq';

/** A header, with what stands before it; the target of a symlink is filled in by {@link withTarget}. */
export interface TarHeader {
  readonly bytes: Buffer;
  /** Where the target is to stand; null but for symlinks. */
  readonly targetAt: number | null;
}

/** Memory for one header at a time; the next one takes its place. A buffer for each would be work for the garbage collector. */
export class HeaderSpace {
  #bytes: Buffer = Buffer.allocUnsafeSlow(4 * blockBytes);

  /** So many zeros. */
  take(count: number): Buffer {
    if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(count);
    return this.#bytes.subarray(0, count).fill(0);
  }
}

/** Blocks that come before an entry's content; none where the archive does not hold the entry. They are gone with the next use of the space. */
export function tarHeader(entry: Entry, space: HeaderSpace = new HeaderSpace()): TarHeader {
  const [own, ...marks] = membersOf(entry);
  if (own === undefined) return { bytes: space.take(0), targetAt: null };
  const header = headerOf(own, space);
  const bytes = marks.reduce(
    (before, mark) => Buffer.concat([before, headerOf(mark, new HeaderSpace()).bytes]),
    header.bytes,
  );
  return { bytes, targetAt: header.targetAt };
}

/** Bytes of {@link tarHeader}. */
export function headerBytes(entry: Entry): number {
  return membersOf(entry).reduce((sum, member) => sum + headBytes(recordsOf(member).length), 0);
}

interface Member {
  readonly name: string;
  readonly entry: Entry;
  readonly type: '0' | '2' | '5';
}

/** What the archive has for an entry. */
function membersOf(entry: Entry): readonly Member[] {
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
      return [{ name, entry, type: '0' }];
  }
}

/** The header with the target in its place, of as many bytes as the entry says. */
export function withTarget({ bytes, targetAt }: TarHeader, target: Uint8Array): Buffer {
  if (targetAt === null) return bytes;
  const filled = Buffer.from(bytes);
  filled.set(target, targetAt);
  sealHeader(filled, filled.length - blockBytes);
  return filled;
}

/** Bytes of content behind an entry's header, without padding. */
export function contentBytes({ type, sizeBytes, removed }: Entry): number {
  return type === 'file' && removed !== 'counted' && removed !== 'hint' ? sizeBytes : 0;
}

export function paddingOf(sizeBytes: number): number {
  return -sizeBytes & (blockBytes - 1);
}

/** Two blocks of zeros. */
export const archiveEndBytes: number = 2 * blockBytes;

/** No name of a volume can be taken for a mark of the archive. */
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

const nameBytes = 100;
const linkField = 157;
const linkBytes = 100;
const magicField = 257;
/** What eleven octal digits can hold. */
const octalSizes = 8 ** 11;

/** A header of its own for what the old format cannot say, then the member's. */
function headerOf(member: Member, space: HeaderSpace): TarHeader {
  const { name, entry, type } = member;
  const { mode, mtimeNs, sizeBytes } = entry;
  const records = recordsOf(member);
  const recordsEnd = blockBytes + records.length;
  const bytes = space.take(headBytes(records.length));
  const own = bytes.length - blockBytes;
  bytes.set(recordsHeader(records.length));
  bytes.write(records, blockBytes, 'latin1');
  // The exact time stands in the records.
  const seconds = Math.max(0, Number(mtimeNs / 1_000_000_000n));
  const size = sizeIn(member);
  writeHeader(bytes, own, { name, mode, size: size % octalSizes, seconds: seconds % octalSizes, type });
  if (type !== '2') return { bytes, targetAt: null };
  // The record of a long target is the last one, and ends with a line feed.
  return { bytes, targetAt: sizeBytes > linkBytes ? recordsEnd - 1 - sizeBytes : own + linkField };
}

function headBytes(recordsBytes: number): number {
  return 2 * blockBytes + recordsBytes + paddingOf(recordsBytes);
}

function sizeIn({ entry, type }: Member): number {
  return type === '0' ? contentBytes(entry) : 0;
}

function recordsOf(member: Member): string {
  const { name, entry, type } = member;
  const { mtimeNs, sizeBytes } = entry;
  const size = sizeIn(member);
  // To the nanosecond: builds compare times.
  let records = paxRecord('mtime', decimalTime(mtimeNs));
  if (name.length > nameBytes) records += paxRecord('path', name);
  if (size >= octalSizes) records += paxRecord('size', String(size));
  if (type === '2' && sizeBytes > linkBytes) records += paxRecord('linkpath', '\0'.repeat(sizeBytes));
  return records;
}

/** Few are different: most records have a time and nothing else. */
const recordsHeaders = new Map<number, Buffer>();

function recordsHeader(recordsBytes: number): Buffer {
  const known = recordsHeaders.get(recordsBytes);
  if (known !== undefined) return known;
  const made = Buffer.alloc(blockBytes);
  writeHeader(made, 0, { name: 'pax', mode: 0o644, size: recordsBytes, seconds: 0, type: 'x' });
  recordsHeaders.set(recordsBytes, made);
  return made;
}

interface HeaderFields {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: '0' | '2' | '5' | 'x';
}

/** Into zeros. */
function writeHeader(bytes: Buffer, at: number, { name, mode, size, seconds, type }: HeaderFields): void {
  bytes.write(name, at, nameBytes, 'latin1');
  // Mode, owner, group, size, time, the place of the sum, type.
  bytes.write(
    `${octal(mode, 7)}\x000000000\x000000000\0${octal(size, 11)}\0${octal(seconds, 11)}\0        ${type}`,
    at + nameBytes,
    'latin1',
  );
  bytes.write(magic, at + magicField, 'latin1');
  sealHeader(bytes, at);
}

const magic = 'ustar\x0000';

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** What stands behind the field of a link's target is the same in all of them. */
const magicSum = Buffer.from(magic, 'latin1').reduce((sum, byte) => sum + byte, 0);

function sealHeader(bytes: Buffer, at: number): void {
  bytes.fill(0x20, at + 148, at + 156);
  let sum = magicSum;
  for (let i = at; i < at + magicField; i++) sum += bytes[i] ?? 0;
  bytes.write(`${octal(sum, 6)}\0 `, at + 148, 'latin1');
}

function paxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  // The length counts its own digits.
  let length = rest + 1;
  while (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}

function decimalTime(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const size = ns < 0n ? -ns : ns;
  return `${sign}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')}`;
}
