import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

/**
 * A nameless file for bubblewrap's status lines. A pipe would break if this process is killed, and with it the monitor: the command would
 * hang for ever, or lose its exit code.
 */
export interface StatusFile extends Disposable {
  readonly fd: number;
  /** Parses the lines so far. */
  read(): BwrapStatus;
}

export interface BwrapStatus {
  /** The command's process id, once bubblewrap prepares its place. */
  readonly childPid: number | null;
  /** Set only after the command's program was executed and ended; 128 + n for signal n. */
  readonly exitCode: number | null;
}

/** Two short lines are written. */
const sizeBytes = 512;

/** `path` exists for a moment only. Throws file system errors: ENOSPC, EROFS, … */
export function openStatusFile(path: string): StatusFile {
  const fd = openSync(path, 'w+', 0o600);
  try {
    unlinkSync(path);
    // Allocate space now: on a full disk bubblewrap would die halfway and leave the command hanging.
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

/** Parses JSON lines; ignores padding and incomplete lines. */
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
