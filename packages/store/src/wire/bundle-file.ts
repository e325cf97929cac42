import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { errnoOf, fromSystem, throwIfAborted } from '../files/file-errors.ts';

// An export is one plain ustar archive, so any tar can unpack it.

export interface BundlePart {
  readonly name: string;
  readonly data: AsyncIterable<Uint8Array>;
}

const blockBytes = 512;
const nameBytes = 100;
const chunkBytes = 1_048_576;
/** The largest number that eleven octal digits hold. */
const partMax = 8 ** 11;

/** A temporary file untouched for this long belongs to a writer that died. */
const leftBehindMs = 3_600_000;

/**
 * Writes a temporary file beside `file` and renames it when it is complete. Returns its size in bytes. Throws the
 * system's error if it cannot create the temporary file.
 */
export async function writeBundle(
  file: string,
  parts: AsyncIterable<BundlePart>,
  signal: AbortSignal,
): Promise<number> {
  const { beside, descriptor } = openBeside(file);
  try {
    removeLeftBehind(file, fstatSync(descriptor).mtimeMs);
    let at = 0;
    for await (const { name, data } of parts) {
      const headerAt = at;
      at += blockBytes;
      for await (const chunk of data) {
        throwIfAborted(signal);
        writeAll(descriptor, chunk, at);
        at += chunk.length;
      }
      const size = at - headerAt - blockBytes;
      // The size is known only now.
      writeAll(descriptor, header(name, size), headerAt);
      const padding = -size & (blockBytes - 1);
      writeAll(descriptor, Buffer.alloc(padding), at);
      at += padding;
    }
    writeAll(descriptor, Buffer.alloc(2 * blockBytes), at);
    fsyncSync(descriptor);
    renameSync(beside, file);
    return at + 2 * blockBytes;
  } catch (error) {
    rmSync(beside, { force: true });
    throw fromSystem(error, `writing ${file}`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Creates a temporary file under a free name. A process id is not enough: processes of different containers share ids.
 */
function openBeside(file: string): { readonly beside: string; readonly descriptor: number } {
  for (let attempt = 0; ; attempt++) {
    const beside = `${file}.${process.pid}-${attempt}.new`;
    try {
      return { beside, descriptor: openSync(beside, 'wx', 0o600) };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Deletes stale temporary files, using times from the file system's own clock. */
function removeLeftBehind(file: string, nowMs: number): void {
  const dir = dirname(file);
  const start = `${basename(file)}.`;
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(start) || !/^\d+-\d+\.new$/.test(name.slice(start.length))) continue;
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    if (stat !== undefined && nowMs - stat.mtimeMs > leftBehindMs) rmSync(join(dir, name), { force: true });
  }
}

/**
 * Yields the parts in order and skips what a part's reader leaves unread. Throws E_USAGE if `file` is not an export.
 */
export async function* readBundle(file: string): AsyncGenerator<BundlePart> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw fromSystem(error, `reading ${file}`);
  }
  try {
    let at = 0;
    for (;;) {
      const block = readExactly(descriptor, blockBytes, at);
      if (block === null) throw noBundle('it ends too early');
      if (block.every((byte) => byte === 0)) return;
      const { name, size } = readHeader(block);
      yield { name, data: chunksOf(descriptor, at + blockBytes, size) };
      at += blockBytes + size + (-size & (blockBytes - 1));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Returns whether a file begins like an export, even if it ends within the first header. */
export function isBundle(file: string, firstName: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const block = Buffer.alloc(blockBytes);
    readSync(descriptor, block, 0, blockBytes, 0);
    return nameIn(block) === firstName;
  } finally {
    closeSync(descriptor);
  }
}

async function* chunksOf(descriptor: number, start: number, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += chunkBytes) {
    await Promise.resolve();
    const chunk = readExactly(descriptor, Math.min(chunkBytes, size - at), start + at);
    if (chunk === null) throw noBundle('it ends too early');
    yield chunk;
  }
}

/** Returns null if the file is shorter. */
function readExactly(descriptor: number, count: number, at: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(count);
  let got = 0;
  while (got < count) {
    const more = readSync(descriptor, bytes, got, count - got, at + got);
    if (more === 0) return null;
    got += more;
  }
  return bytes;
}

function writeAll(descriptor: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, at + done);
  }
}

function header(name: string, size: number): Buffer {
  if (name.length > nameBytes || size >= partMax) {
    throw new CachelaneError('E_LIMIT', `${name} has ${size} bytes: too large for an export`);
  }
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 'latin1');
  block.write('0000644', 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The checksum's own field counts as blanks. */
function sumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

function readHeader(block: Buffer): { readonly name: string; readonly size: number } {
  const octal = (from: number, to: number): number => Number.parseInt(block.toString('latin1', from, to), 8);
  const size = octal(124, 135);
  const isPlain = block[156] === 0x30 && block.toString('latin1', 257, 262) === 'ustar';
  if (octal(148, 154) !== sumOf(block) || !isPlain || !Number.isSafeInteger(size)) {
    throw noBundle('it is damaged, or another program made it');
  }
  return { name: nameIn(block), size };
}

function nameIn(block: Buffer): string {
  return block.toString('latin1', 0, nameBytes).replace(/\0.*$/s, '');
}

function noBundle(why: string): CachelaneError {
  return new CachelaneError('E_USAGE', `this is not an export of a volume: ${why}`, {
    hint: 'copy the file again, or export the volume again',
  });
}
