// Headers of a tar archive (ustar, with PAX records). Not `tar-stream`: it loses names that are not UTF-8, and cuts
// times to seconds.

export const blockBytes = 512;
export const nameBytes = 100;
export const linkField = 157;
export const linkBytes = 100;
const magicField = 257;
const magic = 'ustar\x0000';

/** The smallest number that eleven octal digits cannot hold. */
export const octalSizes: number = 8 ** 11;

/** Returns the number of zeros that follow a content of this size. */
export function paddingOf(sizeBytes: number): number {
  return -sizeBytes & (blockBytes - 1);
}

export interface HeaderFields {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: '0' | '1' | '2' | '3' | '5' | 'x';
  /** Target of a link, at most {@link linkBytes}. */
  readonly link?: string;
}

/** Writes a header into zeroed bytes. Name and link have one character per byte. */
export function writeHeader(
  bytes: Buffer,
  at: number,
  { name, mode, size, seconds, type, link = '' }: HeaderFields,
): void {
  bytes.write(name, at, nameBytes, 'latin1');
  // Mode, owner, group, size, time, checksum field, type.
  bytes.write(
    `${octal(mode, 7)}\x000000000\x000000000\0${octal(size, 11)}\0${octal(seconds, 11)}\0        ${type}`,
    at + nameBytes,
    'latin1',
  );
  bytes.write(link, at + linkField, 'latin1');
  bytes.write(magic, at + magicField, 'latin1');
  sealHeader(bytes, at);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** The bytes after the link target's field are the same in all headers. */
const magicSum = Buffer.from(magic, 'latin1').reduce((sum, byte) => sum + byte, 0);

/** Writes the checksum of a header. */
export function sealHeader(bytes: Buffer, at: number): void {
  bytes.fill(0x20, at + 148, at + 156);
  let sum = magicSum;
  for (let i = at; i < at + magicField; i++) sum += bytes[i] ?? 0;
  bytes.write(`${octal(sum, 6)}\0 `, at + 148, 'latin1');
}

/** Returns a PAX record with one character per byte. */
export function paxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  // The length includes its own digits.
  let length = rest + 1;
  while (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}
