// The part of the tar format that carries extended attributes: headers with PAX records, no content.

const blockBytes = 512;

export interface PaxMember {
  /** The bytes of a relative name. */
  readonly name: Buffer;
  readonly kind: 'directory' | 'whiteout';
  readonly xattrs: ReadonlyMap<string, string>;
}

const xattrKey = 'SCHILY.xattr.';

/** Returns an archive of directories (mode 0700) and character devices 0:0. */
export function encodePax(members: readonly PaxMember[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, kind, xattrs } of members) {
    const records = [paxRecord('path', name)];
    for (const [key, value] of xattrs) records.push(paxRecord(xattrKey + key, Buffer.from(value)));
    const body = Buffer.concat(records);
    blocks.push(headerBlock('x', body.length), body, Buffer.alloc(-body.length & (blockBytes - 1)));
    blocks.push(headerBlock(kind === 'directory' ? '5' : '3', 0));
  }
  blocks.push(Buffer.alloc(2 * blockBytes));
  return Buffer.concat(blocks);
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  // The length includes its own digits.
  let length = rest.length + 1;
  while (rest.length + String(length).length > length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** The real name is in the PAX header before it. */
function headerBlock(type: 'x' | '5' | '3', sizeBytes: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write('x', 0);
  block.write(`${type === '5' ? '0000700' : '0000000'}\0`, 100);
  for (const at of [108, 116, 329, 337]) block.write('0000000\0', at);
  block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/**
 * Returns the extended attributes of each member of an archive that GNU tar wrote, in order. Throws if the archive
 * is invalid.
 */
export function decodePaxXattrs(archive: Buffer): readonly ReadonlyMap<string, string>[] {
  const members: ReadonlyMap<string, string>[] = [];
  let records = new Map<string, string>();
  for (let at = 0; at + blockBytes <= archive.length;) {
    const header = archive.subarray(at, at + blockBytes);
    if (header[0] === 0) break;
    if (header.toString('latin1', 257, 262) !== 'ustar') throw new Error('tar wrote an invalid archive');
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number(records.get('size') ?? Number.parseInt(header.toString('latin1', 124, 136), 8));
    const body = archive.subarray(at + blockBytes, at + blockBytes + size);
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
    if (type === 'x') {
      records = paxRecords(body);
    } else if (type !== 'g' && type !== 'L' && type !== 'K') {
      members.push(xattrsOf(records));
      records = new Map();
    }
  }
  return members;
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

function xattrsOf(records: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const xattrs = new Map<string, string>();
  for (const [key, value] of records) if (key.startsWith(xattrKey)) xattrs.set(key.slice(xattrKey.length), value);
  return xattrs;
}
