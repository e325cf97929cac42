import { writeSync } from 'node:fs';

/** A stream that text goes to. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const retryMs = 5;

/**
 * Writes through the file descriptor: `process.stdout` would load the net and tty modules, several milliseconds that
 * `cachelane run -- true` does not have. A reader that went away (`| head`) ends the writing, not the program.
 */
export function descriptorOutput(fd: number, isTerminal: () => boolean): Output {
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
          // A pipe that somebody else made non-blocking is full: its reader is slow, wait for it.
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') pause();
          else closed = true;
        }
      }
    },
  };
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
}
