import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';

/** A file that has no name any more. Other processes of ours, and root's, open it by `path` while we live. */
export interface NamelessFile extends Disposable {
  readonly path: string;
  /** Reads from the start; for a child that inherits it. */
  readonly fd: number;
}

/** The path of an open descriptor of ours, for other processes. */
export const pathOfDescriptor = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

/**
 * Holds a text that only its reader may see: a kill at any moment leaves nothing on the disk. `path` exists for a moment
 * only. Throws what the file system throws: ENOSPC, EROFS, …
 */
export function namelessFile(path: string, text: string): NamelessFile {
  const fd = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    const bytes = Buffer.from(text);
    // By position: who inherits the descriptor begins to read where we left it.
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { path: pathOfDescriptor(fd), fd, [Symbol.dispose]: () => closeSync(fd) };
}
