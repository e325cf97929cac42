import type { Dirent } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface DirLook {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/**
 * The single steps that change the directory, so that tests can simulate a crash between them. They throw system
 * errors.
 */
export interface DirFiles {
  /** Creates the directory with all parents, durably. */
  makeDirs(path: string): Promise<void>;
  /** Creates a file with these bytes, durably. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  /** Creates a file from pieces, durably. */
  writeStream(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** Throws EEXIST if `to` exists. */
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  syncDir(path: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** Reads are not crash points. */
export const dirLooks = {
  read: (path: string): Promise<Uint8Array> => readFile(path),
  list: (path: string): Promise<Dirent[]> => readdir(path, { withFileTypes: true }),
  names: (path: string): Promise<string[]> => readdir(path),
  async stat(path: string): Promise<DirLook> {
    const { size, mtimeMs, mode } = await stat(path);
    const type = mode & 0o170000;
    return { sizeBytes: size, mtimeMs, isFile: type === 0o100000, isDirectory: type === 0o040000 };
  },
};

async function withFile(path: string, flags: string, act: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o666);
  try {
    await act(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDir(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some network file systems cannot do this; their servers keep names durable themselves.
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await directory.close();
  }
}

export const realDirFiles: DirFiles = {
  async makeDirs(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncDir(dirname(made));
  },
  writeNew: (path, bytes) =>
    withFile(path, 'wx', async (file) => {
      await file.writeFile(bytes);
    }),
  writeStream: (path, pieces) =>
    withFile(path, 'wx', async (file) => {
      for await (const piece of pieces) await writeAll(file, piece);
    }),
  link,
  rename,
  syncDir,
  unlink,
};

/** A nearly full disk may write only part of a piece. */
async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let offset = 0; offset < piece.length;) {
    const { bytesWritten } = await file.write(piece, offset);
    offset += bytesWritten;
  }
}
