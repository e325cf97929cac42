import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { digestOf, encodeIndex, type Entry, type IncomingLayer, type LayerId } from '@cachelane/core';
import { frameBytes } from './frames.ts';
import { LinkFinder } from '../tar/archive-plan.ts';
import { archiveEndBytes, tarHeader, withTarget } from '../tar/tar-entries.ts';
import { paddingOf } from '../tar/tar-header.ts';

const compress = promisify(zstdCompress);

export async function frame(content: Buffer, claimed = content.length): Promise<Buffer> {
  const compressed = await compress(content);
  const lead = Buffer.alloc(16);
  lead.writeUInt32LE(0x18_4d_2a_50, 0);
  lead.writeUInt32LE(8, 4);
  lead.writeUInt32LE(compressed.length, 8);
  lead.writeUInt32LE(claimed, 12);
  return Buffer.concat([lead, compressed]);
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  // Copies: the reader keeps the bytes.
  yield Uint8Array.from(bytes);
}

export interface Sent {
  readonly entry: Entry;
  readonly content?: Uint8Array | undefined;
}

/** Returns an index and an archive as another program might make them: well-formed, but with any content. */
export function archived(items: readonly Sent[]): { readonly index: Uint8Array; readonly archive: Buffer } {
  const sorted = items.toSorted((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  const index = encodeIndex(sorted.map(({ entry }) => entry));
  const links = new LinkFinder();
  const blocks = sorted.flatMap(({ entry, content }, place) => {
    const linkedTo = links.find(entry, place)?.path ?? null;
    const header = tarHeader({ entry, linkedTo });
    if (entry.type === 'symlink') return [withTarget(header, content ?? Buffer.alloc(0))];
    return content === undefined || linkedTo !== null
      ? [header.bytes]
      : [header.bytes, content, Buffer.alloc(paddingOf(content.length))];
  });
  return { index, archive: Buffer.concat([...blocks, Buffer.alloc(archiveEndBytes)]) };
}

/** Returns the same as an incoming layer. */
export async function sent(items: readonly Sent[]): Promise<IncomingLayer> {
  const { index, archive } = archived(items);
  return await sentArchive(index, archive);
}

export async function sentArchive(index: Uint8Array, archive: Buffer): Promise<IncomingLayer> {
  return { id: digestOf(index) as LayerId, index, data: once(await framed(archive)), sealedAtMs: 1 };
}

export async function framed(archive: Buffer): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (let at = 0; at < archive.length; at += frameBytes) {
    frames.push(await frame(archive.subarray(at, at + frameBytes)));
  }
  return Buffer.concat(frames);
}

const indexHeadBytes = 64;
const recordBytes = 64;
const attributesAt = 60;
const attributeBytes = 16;

/** Swaps the first two rows of the index's table of attributes, which keeps the entries the same. */
export function renumbered(index: Uint8Array): Uint8Array {
  const bytes = Buffer.from(index);
  const table = indexHeadBytes + bytes.readUInt32LE(16) * recordBytes;
  const first = Buffer.from(bytes.subarray(table, table + attributeBytes));
  bytes.copyWithin(table, table + attributeBytes, table + 2 * attributeBytes);
  first.copy(bytes, table + attributeBytes);
  for (let at = indexHeadBytes + attributesAt; at < table; at += recordBytes) {
    const row = bytes.readUInt32LE(at);
    if (row < 2) bytes.writeUInt32LE(1 - row, at);
  }
  return bytes;
}
