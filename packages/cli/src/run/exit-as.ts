import type { NodeSignal } from '@cachelane/core';
import { exitCodeOfSignal } from '../base/exit-codes.ts';
import type { Host } from '../host/host.ts';
import type { CommandEnd } from './once.ts';

/** The command's code; where a signal that we were sent ended it, the signal, so that our caller sees the same. */
export function exitAs(host: Host, { exitCode, receivedSignal }: CommandEnd): number {
  // A core dump of ours would help nobody.
  const passedOn = receivedSignal !== null && receivedSignal !== 'SIGQUIT' ? receivedSignal : null;
  if (passedOn !== null && exitCode === exitCodeOfSignal(passedOn)) return die(host, passedOn);
  return exitCode;
}

/** Comes back where a signal does not end us, as the first process of a container: then its number has to do. */
export function die(host: Host, signal: NodeSignal): number {
  host.signals.dieOf(signal);
  return exitCodeOfSignal(signal);
}
