import type { NodeSignal } from '@cachelane/core';
import { exitCodeOfSignal } from '../base/exit-codes.ts';
import type { Host } from '../host/host.ts';
import type { CommandEnd } from './once.ts';

/** Returns the command's code. If a signal to us ended it, dies of the same signal, so that the caller sees it. */
export function exitAs(host: Host, { exitCode, receivedSignal }: CommandEnd): number {
  // Avoid a core dump of our own.
  const passedOn = receivedSignal !== null && receivedSignal !== 'SIGQUIT' ? receivedSignal : null;
  if (passedOn !== null && exitCode === exitCodeOfSignal(passedOn)) return die(host, passedOn);
  return exitCode;
}

/** Returns only if the signal does not end us, as for a container's first process. */
export function die(host: Host, signal: NodeSignal): number {
  host.signals.dieOf(signal);
  return exitCodeOfSignal(signal);
}
