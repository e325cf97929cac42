import type { CommandOutcome, NodeSignal } from '@cachelane/core';

/** Whether an exit code tells a signal by shell convention: 128 + 1 to 128 + 64. */
const saysSignal = (exitCode: number): boolean => exitCode > 128 && exitCode <= 192;

export function exitedWith(exitCode: number, receivedSignal: NodeSignal | null): CommandOutcome {
  return { kind: 'exited', exitCode, interrupted: saysSignal(exitCode) || receivedSignal !== null, receivedSignal };
}

export function notStarted(reason: string, mend?: string): CommandOutcome {
  return mend === undefined ? { kind: 'not-started', reason } : { kind: 'not-started', reason, mend };
}
