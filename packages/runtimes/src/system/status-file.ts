import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

/**
 * Where bubblewrap writes its status lines: a file without a name, not a pipe. If we are killed, a pipe breaks, and
 * with it the monitor: before it has released the command, which then hangs for ever, or later, losing nothing but its
 * exit code. A file stays as long as the monitor has it open.
 */
export interface StatusFile extends Disposable {
  readonly fd: number;
  /** What the lines say so far. */
  read(): BwrapStatus;
}

export interface BwrapStatus {
  /** The command's process id, once bubblewrap has started to prepare its place. */
  readonly childPid: number | null;
  /** Set only when the command's program was executed and has ended; 128 + n for signal n. */
  readonly exitCode: number | null;
}

/** Two short lines are written. */
const sizeBytes = 512;

/** `path` exists for a moment only. Throws what the file system throws: ENOSPC, EROFS, … */
export function openStatusFile(path: string): StatusFile {
  const fd = openSync(path, 'w+', 0o600);
  try {
    unlinkSync(path);
    // The space is taken now: bubblewrap would die of a full disk halfway, and leave the command hanging.
    writeSync(fd, ' '.repeat(sizeBytes), 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    fd,
    read() {
      const text = Buffer.alloc(fstatSync(fd).size);
      return parseStatus(text.toString('utf8', 0, readSync(fd, text, 0, text.length, 0)));
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Reads JSON lines; what is not one (the space that was not needed, half a line) is passed over. */
export function parseStatus(text: string): BwrapStatus {
  let status: BwrapStatus = { childPid: null, exitCode: null };
  for (const line of text.split('\n')) {
    if (!/^\{.*\}$/.test(line)) continue;
    const values = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const childPid = values['child-pid'];
    const exitCode = values['exit-code'];
    status = {
      childPid: typeof childPid === 'number' ? childPid : status.childPid,
      exitCode: typeof exitCode === 'number' ? exitCode : status.exitCode,
    };
  }
  return status;
}
