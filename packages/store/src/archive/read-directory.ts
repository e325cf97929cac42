import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { CachelaneError, childPath, limits, rootPath, type BytePath } from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../files/file-errors.ts';
import { byteNames, filePath } from '../files/file-path.ts';
import type { ArchiveMember } from './archive-member.ts';

const chunkBytes = 1_048_576;

/** Yields the members of a directory as if it were an archive. Further names of the same file are hard links. */
export async function* readDirectory(dir: string, signal: AbortSignal): AsyncGenerator<ArchiveMember> {
  const names = new FirstNames();
  let count = 0;
  for (const found of entriesBelow(dir, reading)) {
    await Promise.resolve();
    throwIfAborted(signal);
    count += 1;
    if (count > limits.incomingEntries) {
      throw new CachelaneError('E_USAGE', `${dir} has more than ${limits.incomingEntries} entries`, {
        hint: 'import a part of it',
      });
    }
    const member = reading(() => memberOf(dir, found, names));
    yield member.kind === 'file' ? { ...member, data: contentOf(filePath(dir, found.path)) } : member;
  }
}

/** An entry as found in the directory. */
export interface Found {
  readonly path: BytePath;
  readonly stat: BigIntStats;
}

/** Returns undefined if the entry is to be skipped. */
export type Attempt = <T>(read: () => T) => T | undefined;

/** Yields entries, parents first. Symlinks are not followed. The directory itself must exist. */
export function* entriesBelow(dir: string, attempt: Attempt): Generator<Found> {
  const namesIn = (holder: BytePath): string[] => readdirSync(filePath(dir, holder), byteNames);
  const open = [{ holder: rootPath, names: reading(() => namesIn(rootPath)) }];
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const name = last.names.pop();
    if (name === undefined) {
      open.pop();
      continue;
    }
    const path = childPath(last.holder, name);
    const stat = attempt(() => lstatSync(filePath(dir, path), { bigint: true }));
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      const names = attempt(() => namesIn(path));
      if (names === undefined) continue;
      open.push({ holder: path, names });
    }
    yield { path, stat };
  }
}

/** Returns the member without the content of a file. */
export function memberOf(dir: string, { path, stat }: Found, names: FirstNames): ArchiveMember {
  const about = {
    name: path,
    mode: Number(stat.mode),
    mtimeNs: stat.mtimeNs,
    sizeBytes: 0,
    linkName: '',
    data: nothing(),
  };
  if (stat.isDirectory()) return { ...about, kind: 'dir', what: 'a directory' };
  if (stat.isSymbolicLink()) {
    const linkName = readlinkSync(filePath(dir, path), byteNames);
    return { ...about, kind: 'symlink', what: 'a symlink', linkName };
  }
  if (!stat.isFile()) return { ...about, kind: 'special', what: specialName(stat) };
  const first = names.firstOf(stat, path);
  if (first !== path) return { ...about, kind: 'hard link', what: 'a hard link', linkName: first };
  return { ...about, kind: 'file', what: 'a file', sizeBytes: Number(stat.size) };
}

/** The first name found of each file that has several. */
export class FirstNames {
  readonly #names = new Map<string, BytePath>();

  firstOf(stat: BigIntStats, path: BytePath): BytePath {
    if (stat.nlink < 2n) return path;
    const key = inodeOf(stat);
    const first = this.#names.get(key);
    if (first === undefined) this.#names.set(key, path);
    return first ?? path;
  }

  /** Makes the next name of the file count as its first. */
  forget(stat: BigIntStats): void {
    this.#names.delete(inodeOf(stat));
  }
}

function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function specialName(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'a fifo';
  return stat.isSocket() ? 'a socket' : 'a device';
}

async function* contentOf(file: string | Buffer): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  const descriptor = reading(() => openToRead(file));
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new CachelaneError('E_USAGE', `${String(file)} changed while it was read`);
    yield* piecesOf(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens without following a symlink or waiting on a pipe, in case the entry was replaced. */
export function openToRead(file: string | Buffer): number {
  return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/**
 * Yields the file's content to its current end, which may differ from `sizeBytes`. The buffer is reused: a piece is
 * valid until the next one.
 */
export function* piecesOf(descriptor: number, sizeBytes: number): Generator<Uint8Array> {
  const bytes = Buffer.allocUnsafe(Math.min(sizeBytes + 1, chunkBytes));
  for (;;) {
    const got = reading(() => readSync(descriptor, bytes));
    if (got === 0) return;
    yield bytes.subarray(0, got);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Runs a read. Errors: E_USAGE if the file is missing or unreadable. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    if (code === 'EACCES' || code === 'ENOENT' || code === 'ELOOP') {
      throw new CachelaneError('E_USAGE', error instanceof Error ? error.message : code, { cause: error });
    }
    throw fromSystem(error, 'reading a directory');
  }
}
