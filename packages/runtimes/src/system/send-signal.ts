import { invariant } from '@cachelane/core';

/**
 * Sends to one process and passes over one that has ended or is not ours. The only caller of kill(2) here: 0 and
 * negative numbers mean groups, and -1 everything that we may signal.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  invariant(Number.isSafeInteger(pid) && pid > 1, `a process id, not ${pid}`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    invariant(code === 'ESRCH' || code === 'EPERM', `kill(2) failed with ${code}`);
  }
}
