import { constants, lstatSync, rmSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { CachelaneError, invariant, type Digest, type PartialDownload } from '@cachelane/core';
import { errnoOf, fromSystem, longPortCall, portCall, throwIfAborted } from '../files/file-errors.ts';
import { ensurePrivateDir } from '../files/home-paths.ts';
import { realFiles } from '../files/store-files.ts';
import { bytesOf, writeBytes } from './open-bytes.ts';
import { handOver, type TransferDir } from './spool-file.ts';

/**
 * Opens a file to which several processes may append at once, each at its own position. It has no gaps: each
 * process starts at the file's end, and none truncates it. A process whose file was discarded continues in its
 * open, nameless file.
 */
export async function openPartialDownload(
  dir: TransferDir,
  object: Digest,
  signal: AbortSignal,
): Promise<PartialDownload> {
  ensurePrivateDir(realFiles, dir.path, dir.owner);
  const path = `${dir.path}/${object}.part`;
  const { file, stats } = await openPart(path, dir);
  const doing = `the download of object ${object.slice(0, 12)}`;
  let position = stats.size;
  let isOpen = true;
  return {
    haveBytes: stats.size,
    read: () => readPart({ file, haveBytes: stats.size, doing }, signal),
    append: (piece) =>
      longPortCall(`appending to ${doing}`, signal, async () => {
        await writeBytes(file, piece, position);
        position += piece.length;
      }),
    discard: () =>
      portCall(`removing ${doing}`, new AbortController().signal, () => {
        invariant(isOpen, 'discarding a download that was disposed of');
        if (isSame(lstatSync(path, { throwIfNoEntry: false }), stats)) rmSync(path, { force: true });
      }),
    [Symbol.asyncDispose]: async () => {
      isOpen = false;
      await file.close();
    },
  };
}

interface OpenPart {
  readonly file: FileHandle;
  readonly haveBytes: number;
  readonly doing: string;
}

async function* readPart({ file, haveBytes, doing }: OpenPart, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let read = 0;
  try {
    throwIfAborted(signal);
    for await (const piece of bytesOf(file, haveBytes)) {
      throwIfAborted(signal);
      read += piece.length;
      yield piece;
    }
  } catch (error) {
    throw fromSystem(error, `reading ${doing}`);
  }
  if (read < haveBytes) throw new CachelaneError('E_OBJECT_CORRUPT', `${doing} has ${read} of ${haveBytes} bytes left`);
}

/** Returns whether the file at the path is still ours. While ours is open, no other file can have its inode. */
function isSame(found: Stats | undefined, ours: Stats): boolean {
  return found?.ino === ours.ino && found.dev === ours.dev;
}

interface OpenedPart {
  readonly file: FileHandle;
  readonly stats: Stats;
}

/** Retries while other processes keep discarding and recreating the file. */
const attempts = 20;

async function openPart(path: string, { owner }: TransferDir): Promise<OpenedPart> {
  for (let left = attempts; ; left--) {
    try {
      const opened = await tryPart(path);
      if (opened === undefined && left > 0) continue;
      invariant(opened !== undefined, `${path} is replaced each time`);
      await handOver(opened.file, owner);
      return opened;
    } catch (error) {
      if (errnoOf(error) === 'EISDIR') throw blocked(path);
      // A symlink, a socket, or root's file in a user's home. Deleting it is safe.
      if (left === 0 || !['ELOOP', 'ENXIO', 'EACCES'].includes(errnoOf(error) ?? '')) throw error;
      rmSync(path, { force: true });
    }
  }
}

function blocked(path: string): CachelaneError {
  const hint = 'move it away: cachelane did not create it';
  return new CachelaneError('E_HOME_UNUSABLE', `${path} is a directory`, { hint });
}

/**
 * Returns undefined if the caller must retry: the file was discarded, or a foreign file was removed. A file with a
 * second name is foreign.
 */
async function tryPart(path: string): Promise<OpenedPart | undefined> {
  // O_NONBLOCK: opening a pipe would wait for its other end.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags, 0o600);
  const stats = await file.stat();
  if (stats.isFile() && stats.nlink === 1) return { file, stats };
  await file.close();
  if (stats.nlink > 0) rmSync(path, { force: true });
  return undefined;
}
