import { invariant } from '@cachelane/core';

/**
 * Sends a signal to one process; ignores one that ended or belongs to another user. The only caller of kill(2), where 0 and negative ids
 * mean groups and -1 all processes.
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
