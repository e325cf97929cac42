import { baseName, childPath, parentPath, type BytePath, type Entry } from '@cachelane/core';

// What an entry of a layer is in a tar archive (docs/STORE_FORMAT.md, "Wire form"). The bytes follow from the entry alone, so that a
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

/** Blocks that come before an entry's content; none where the archive does not hold the entry. */
export function tarHeader(entry: Entry): TarHeader {
  if (entry.removed === 'hint') return { bytes: Buffer.alloc(0), targetAt: null };
  if (entry.removed === 'counted')
    return { bytes: member({ name: whiteoutName(entry.path), entry, type: '0' }).bytes, targetAt: null };
  switch (entry.type) {
    case 'dir': {
      const own = member({ name: `${wirePath(entry.path)}/`, entry, type: '5' });
      if (entry.removed !== 'below') return own;
      const mark = member({ name: `${wirePath(entry.path)}/${opaqueName}`, entry: { ...entry, mode: 0 }, type: '0' });
      return { bytes: Buffer.concat([own.bytes, mark.bytes]), targetAt: null };
    }
    case 'symlink':
      return member({ name: wirePath(entry.path), entry, type: '2' });
    case 'file':
      return member({ name: wirePath(entry.path), entry, type: '0' });
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

interface Member {
  readonly name: string;
  readonly entry: Entry;
  readonly type: '0' | '2' | '5';
}

const nameBytes = 100;
const linkField = 157;
/** What eleven octal digits can hold. */
const octalSizes = 8 ** 11;

/** A header of its own for what the old format cannot say, then the member's. */
function member({ name, entry, type }: Member): TarHeader {
  const { mode, mtimeNs, sizeBytes } = entry;
  const size = type === '0' ? contentBytes(entry) : 0;
  const isLongLink = type === '2' && sizeBytes > nameBytes;
  // To the nanosecond: builds compare times.
  let records = paxRecord('mtime', decimalTime(mtimeNs));
  if (name.length > nameBytes) records += paxRecord('path', name);
  if (size >= octalSizes) records += paxRecord('size', String(size));
  if (isLongLink) records += paxRecord('linkpath', '\0'.repeat(sizeBytes));
  const recordsEnd = blockBytes + records.length;
  const own = recordsEnd + paddingOf(records.length);
  const bytes = Buffer.alloc(own + blockBytes);
  bytes.write(records, blockBytes, 'latin1');
  writeHeader(bytes, 0, { name: 'pax', mode: 0o644, size: records.length, seconds: 0, type: 'x' });
  // The exact time stands in the records.
  const seconds = Math.max(0, Number(mtimeNs / 1_000_000_000n));
  writeHeader(bytes, own, { name, mode, size: size % octalSizes, seconds: seconds % octalSizes, type });
  if (type !== '2') return { bytes, targetAt: null };
  // The record of a long target is the last one, and ends with a line feed.
  return { bytes, targetAt: isLongLink ? recordsEnd - 1 - sizeBytes : own + linkField };
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
  bytes.write(mode.toString(8).padStart(7, '0'), at + 100, 'latin1');
  bytes.write('0000000', at + 108, 'latin1');
  bytes.write('0000000', at + 116, 'latin1');
  bytes.write(size.toString(8).padStart(11, '0'), at + 124, 'latin1');
  bytes.write(seconds.toString(8).padStart(11, '0'), at + 136, 'latin1');
  bytes.write(type, at + 156, 'latin1');
  bytes.write('ustar\x0000', at + 257, 'latin1');
  sealHeader(bytes, at);
}

function sealHeader(bytes: Buffer, at: number): void {
  bytes.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let i = at; i < at + blockBytes; i++) sum += bytes[i] ?? 0;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
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
