import { writeSync } from 'node:fs';
import { CachelaneError } from '@cachelane/core';

export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const retryMs = 5;

export interface OutputOptions {
  readonly isTerminal: () => boolean;
  /** Whether a failed write (a full disk) throws. Otherwise the text is lost. A closed reader never throws. */
  readonly throws: boolean;
}

/**
 * Writes through the file descriptor: `process.stdout` loads the net and tty modules, which takes several milliseconds. After the reader
 * closes the pipe (`| head`), writes are dropped.
 */
export function descriptorOutput(fd: number, { isTerminal, throws }: OutputOptions): Output {
  let closed = false;
  let terminal: boolean | undefined;
  return {
    get isTerminal() {
      return (terminal ??= isTerminal());
    },
    write(text) {
      const bytes = Buffer.from(text);
      let done = 0;
      while (!closed && done < bytes.length) {
        try {
          done += writeSync(fd, bytes, done);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          // A non-blocking pipe is full: wait for its slow reader.
          if (code === 'EAGAIN') pause();
          else closed = true;
          if (closed && throws && code !== 'EPIPE') throw unwritable(code, error);
        }
      }
    },
  };
}

function unwritable(code: string | undefined, cause: unknown): CachelaneError {
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new CachelaneError(isFull ? 'E_DISK_FULL' : 'E_USAGE', `cannot write to standard output (${code})`, {
    cause,
  });
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
}
