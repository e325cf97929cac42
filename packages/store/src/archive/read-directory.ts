import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { CachelaneError, childPath, limits, rootPath, type BytePath } from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../layers/file-errors.ts';
import { byteNames, filePath } from '../layers/file-path.ts';
import type { ArchiveMember } from './archive-member.ts';

const chunkBytes = 1_048_576;

/** A directory as if it were an archive of it; names that are the same file are hard links. */
export async function* readDirectory(dir: string, signal: AbortSignal): AsyncGenerator<ArchiveMember> {
  const seen = new Map<string, BytePath>();
  let count = 0;
  for (const path of pathsBelow(dir)) {
    await Promise.resolve();
    throwIfAborted(signal);
    count += 1;
    if (count > limits.incomingEntries) {
      throw new CachelaneError('E_USAGE', `${dir} has more than ${limits.incomingEntries} entries`, {
        hint: 'import a part of it',
      });
    }
    yield reading(() => memberAt(dir, path, seen));
  }
}

/** What stands above comes first. Symlinks are named, never followed. */
export function* pathsBelow(dir: string): Generator<BytePath> {
  const waiting: BytePath[] = [rootPath];
  for (let holder = waiting.pop(); holder !== undefined; holder = waiting.pop()) {
    const at = holder;
    const entries = reading(() => readdirSync(filePath(dir, at), { ...byteNames, withFileTypes: true }));
    for (const entry of entries) {
      const path = childPath(at, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      yield path;
    }
  }
}

function memberAt(dir: string, path: BytePath, seen: Map<string, BytePath>): ArchiveMember {
  const file = filePath(dir, path);
  const stat = lstatSync(file, { bigint: true });
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
    return { ...about, kind: 'symlink', what: 'a symlink', linkName: readlinkSync(file, byteNames) };
  }
  if (!stat.isFile()) return { ...about, kind: 'special', what: specialName(stat) };
  const first = sameFile(stat, path, seen);
  if (first !== path) return { ...about, kind: 'hard link', what: 'a hard link', linkName: first };
  return { ...about, kind: 'file', what: 'a file', sizeBytes: Number(stat.size), data: contentOf(file) };
}

function sameFile({ dev, ino, nlink }: BigIntStats, path: BytePath, seen: Map<string, BytePath>): BytePath {
  if (nlink < 2n) return path;
  const key = `${dev}:${ino}`;
  const first = seen.get(key);
  if (first === undefined) seen.set(key, path);
  return first ?? path;
}

function specialName(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'a fifo';
  return stat.isSocket() ? 'a socket' : 'a device';
}

async function* contentOf(file: string | Buffer): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  // What has become something else meanwhile is neither followed nor waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const descriptor = reading(() => openSync(file, flags));
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new CachelaneError('E_USAGE', `${String(file)} changed while it was read`);
    // Whoever reads it is done with it before asking for more.
    const bytes = Buffer.allocUnsafe(Math.min(stat.size + 1, chunkBytes));
    for (;;) {
      const got = reading(() => readSync(descriptor, bytes));
      if (got === 0) return;
      yield bytes.subarray(0, got);
    }
  } finally {
    closeSync(descriptor);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Errors: E_USAGE for what is not there, or not for us to read. */
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
