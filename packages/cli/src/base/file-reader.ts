import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';

interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly birthtimeNs: bigint;
}

/** File system access before the project is known. Synchronous, since promises cost more than these calls. Nothing throws. */
export interface FileReader {
  exists(path: string): boolean;
  /** Follows symlinks; undefined if the path does not exist or is not accessible. */
  facts(path: string): FileFacts | undefined;
  /** The owner's user id, of a symlink itself; undefined if the path does not exist or is not accessible. */
  ownerOf(path: string): number | undefined;
  /** Returns a regular file of at most `maxBytes` as UTF-8; undefined for anything else. */
  readText(path: string, maxBytes?: number): string | undefined;
  realPath(path: string): string | undefined;
}

/** Larger than any expected configuration or event file. */
const textBytes = 32 * 1024 * 1024;

export const nodeFiles: FileReader = {
  exists: existsSync,
  facts(path) {
    try {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      return {
        kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
        mode: Number(stats.mode),
        uid: Number(stats.uid),
        dev: stats.dev,
        ino: stats.ino,
        birthtimeNs: stats.birthtimeNs,
      };
    } catch {
      return undefined;
    }
  },
  ownerOf(path) {
    try {
      return lstatSync(path, { throwIfNoEntry: false })?.uid;
    } catch {
      return undefined;
    }
  },
  readText(path, maxBytes = textBytes) {
    try {
      // Non-blocking, since a pipe at this path must not hang the command.
      const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return readOpen(file, maxBytes);
      } finally {
        closeSync(file);
      }
    } catch {
      return undefined;
    }
  },
  realPath(path) {
    try {
      return realpathSync.native(path);
    } catch {
      return undefined;
    }
  },
};

function readOpen(file: number, maxBytes: number): string | undefined {
  const stats = fstatSync(file);
  if (!stats.isFile() || stats.size > maxBytes) return undefined;
  const bytes = Buffer.allocUnsafe(stats.size);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(file, bytes, length, bytes.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.toString('utf8', 0, length);
}
