import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';

/** A deleted file. Other processes, also root's, can open it by `path` while this process lives. */
export interface NamelessFile extends Disposable {
  readonly path: string;
  /** Positioned at the start; for a child that inherits it. */
  readonly fd: number;
}

/** The path of an open descriptor of this process, for other processes. */
export const pathOfDescriptor = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

/**
 * Holds a text that only its reader may see; a kill leaves nothing on disk. `path` exists for a moment only. Throws file system errors:
 * ENOSPC, EROFS, …
 */
export function namelessFile(path: string, text: string): NamelessFile {
  const fd = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    const bytes = Buffer.from(text);
    // Write by position: the child shares the descriptor's offset.
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { path: pathOfDescriptor(fd), fd, [Symbol.dispose]: () => closeSync(fd) };
}
