import { writeSync } from 'node:fs';
import { CachelaneError } from '@cachelane/core';

/** A stream that text goes to. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const retryMs = 5;

export interface OutputOptions {
  readonly isTerminal: () => boolean;
  /** Throws where the text could not be written (a full disk); otherwise it is lost. A reader that went away never throws. */
  readonly throws: boolean;
}

/**
 * Writes through the file descriptor: `process.stdout` would load the net and tty modules, several milliseconds that
 * `cachelane run -- true` does not have. A reader that went away (`| head`) ends the writing, not the program.
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
          // A pipe that somebody else made non-blocking is full: its reader is slow, wait for it.
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
  return new CachelaneError(isFull ? 'E_DISK_FULL' : 'E_USAGE', `standard output cannot be written to (${code})`, {
    cause,
  });
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
}
