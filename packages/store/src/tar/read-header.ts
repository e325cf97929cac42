import { blockBytes } from './tar-header.ts';

// Member headers in the V7, ustar, GNU and PAX formats. Names are bytes, one per character. Times are in nanoseconds.

export interface RawHeader {
  readonly name: string;
  readonly linkName: string;
  readonly type: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
}

/** What extension headers say about the next member. */
export interface Extended {
  /** PAX records. The last value of a key counts. */
  readonly records: ReadonlyMap<string, string>;
  readonly name: string | null;
  readonly linkName: string | null;
}

/** Returns null if the block is not a header. */
export function parseHeader(block: Buffer): RawHeader | null {
  if (!hasRightSum(block)) return null;
  const sizeBytes = numberIn(block, 124, 136);
  const seconds = numberIn(block, 136, 148);
  const mode = numberIn(block, 100, 108);
  if (sizeBytes === null || sizeBytes < 0 || seconds === null || mode === null) return null;
  const own = textIn(block, 0, 100);
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textIn(block, 345, 500) : '';
  return {
    name: prefix === '' ? own : `${prefix}/${own}`,
    linkName: textIn(block, 157, 257),
    type: String.fromCharCode(block[156] ?? 0),
    mode,
    sizeBytes,
    mtimeNs: BigInt(seconds) * 1_000_000_000n,
  };
}

/** Returns null if a record is invalid. */
export function withExtended(header: RawHeader, { records, name, linkName }: Extended): RawHeader | null {
  const size = records.get('size');
  const mtime = records.get('mtime');
  const sizeBytes = size === undefined ? header.sizeBytes : /^\d{1,15}$/.test(size) ? Number(size) : null;
  const mtimeNs = mtime === undefined ? header.mtimeNs : nanoseconds(mtime);
  if (sizeBytes === null || mtimeNs === null) return null;
  return {
    ...header,
    name: records.get('path') ?? name ?? header.name,
    linkName: records.get('linkpath') ?? linkName ?? header.linkName,
    sizeBytes,
    mtimeNs,
  };
}

const recordsThatCount = ['path', 'linkpath', 'size', 'mtime'];

/** Prefix of PAX records that mark a sparse file. */
export const sparseRecord = 'GNU.sparse.';

/** Returns the records that this reader uses, or null if the body is invalid. */
export function parseRecords(body: Buffer): ReadonlyMap<string, string> | null {
  try {
    const records = new Map<string, string>();
    for (const [key, value] of paxRecords(body)) {
      if (key.startsWith(sparseRecord)) records.set(sparseRecord, '');
      else if (recordsThatCount.includes(key)) records.set(key, value);
    }
    return records;
  } catch {
    return null;
  }
}

/** Returns keys and values with one character per byte. Throws if the body is invalid. */
export function paxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(' ', at);
    const end = at + Number.parseInt(body.toString('latin1', at, space), 10);
    const equals = body.indexOf('=', space);
    if (!(end > at) || space < 0 || equals < 0 || equals >= end) throw new Error('tar wrote an invalid record');
    records.set(body.toString('latin1', space + 1, equals), body.toString('latin1', equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** Returns the text up to the first NUL. */
export function textIn(bytes: Buffer, from: number, to: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('latin1', from, end < 0 || end > to ? to : end);
}

/** Also accepts sums of signed bytes, which some old programs wrote. */
function hasRightSum(block: Buffer): boolean {
  const wanted = numberIn(block, 148, 156);
  let sum = 8 * 0x20;
  let signed = sum;
  for (let at = 0; at < blockBytes; at++) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    sum += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return wanted === sum || wanted === signed;
}

/** Parses octal digits between blanks, or the binary form of large numbers. Returns null for anything else. */
function numberIn(block: Buffer, from: number, to: number): number | null {
  const first = block[from] ?? 0;
  if (first >= 0x80) {
    let value = BigInt(first === 0xff ? -1 : first & 0x7f);
    for (let at = from + 1; at < to; at++) value = value * 256n + BigInt(block[at] ?? 0);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : null;
  }
  const text = textIn(block, from, to).trim();
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null;
}

function nanoseconds(text: string): bigint | null {
  const [, sign, seconds = '', fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text) ?? [];
  if (sign === undefined) return null;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}
