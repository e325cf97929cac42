// The part of the tar format that carries extended attributes: headers with PAX records, no content.

import { paxRecords } from './read-header.ts';
import { blockBytes, paddingOf, paxRecord, writeHeader, type HeaderFields } from './tar-header.ts';

export interface PaxMember {
  /** A relative name with one character per byte. */
  readonly name: string;
  readonly kind: 'directory' | 'whiteout';
  readonly xattrs: ReadonlyMap<string, string>;
}

const xattrKey = 'SCHILY.xattr.';

/** Returns an archive of directories (mode 0700) and character devices 0:0. */
export function encodePax(members: readonly PaxMember[]): Buffer {
  const blocks = members.flatMap(({ name, kind, xattrs }) => {
    const marks = Array.from(xattrs, ([key, value]) => paxRecord(xattrKey + key, value));
    const records = Buffer.from([paxRecord('path', name), ...marks].join(''), 'latin1');
    const own = kind === 'directory' ? headerBlock('5', { mode: 0o700 }) : headerBlock('3', {});
    return [headerBlock('x', { size: records.length }), records, Buffer.alloc(paddingOf(records.length)), own];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

/** The real name is in the PAX header before it. */
function headerBlock(type: HeaderFields['type'], fields: Partial<HeaderFields>): Buffer {
  const block = Buffer.alloc(blockBytes);
  writeHeader(block, 0, { name: 'x', mode: 0, size: 0, seconds: 0, ...fields, type });
  return block;
}

/**
 * Returns the extended attributes of each member of an archive that GNU tar wrote, in order. Throws if the archive
 * is invalid.
 */
export function decodePaxXattrs(archive: Buffer): readonly ReadonlyMap<string, string>[] {
  const members: ReadonlyMap<string, string>[] = [];
  let records = new Map<string, string>();
  for (let at = 0; at + blockBytes <= archive.length && archive[at] !== 0;) {
    // It comes from our own tar: checking all sums would take 3 us a directory.
    const header = archive.subarray(at, at + blockBytes);
    if (header.toString('latin1', 257, 262) !== 'ustar') throw new Error('tar wrote an invalid archive');
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number(records.get('size') ?? Number.parseInt(header.toString('latin1', 124, 136), 8));
    const body = archive.subarray(at + blockBytes, at + blockBytes + size);
    at += blockBytes + size + paddingOf(size);
    if (type === 'x') {
      records = paxRecords(body);
    } else if (!/[gLK]/.test(type)) {
      members.push(xattrsOf(records));
      records = new Map();
    }
  }
  return members;
}

function xattrsOf(records: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const xattrs = new Map<string, string>();
  for (const [key, value] of records) if (key.startsWith(xattrKey)) xattrs.set(key.slice(xattrKey.length), value);
  return xattrs;
}
