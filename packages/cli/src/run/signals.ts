import { CachelaneError, type NodeSignal } from '@cachelane/core';
import type { SignalSource } from '../host/host.ts';
import type { CommandPhase } from './command-phase.ts';

export interface SignalWatch extends Disposable {
  /** Aborted by a signal that came while the command was not running. */
  readonly abort: AbortSignal;
  /** That signal. */
  readonly stoppedBy: NodeSignal | null;
}

/**
 * While the command runs, signals are the runtime's business, which passes them on. Before and after, the first one asks
 * our own work to stop and the second one ends the process: by then the person means it, and a dead session is swept.
 */
export function watchSignals(source: SignalSource, phase: CommandPhase): SignalWatch {
  const controller = new AbortController();
  let stoppedBy: NodeSignal | null = null;
  const stop = source.listen((signal) => {
    if (phase.state === 'running') return;
    if (stoppedBy !== null) source.dieOf(signal);
    stoppedBy = signal;
    controller.abort(new CachelaneError('E_ABORTED', `stopped by ${signal}`));
  });
  return {
    abort: controller.signal,
    get stoppedBy() {
      return stoppedBy;
    },
    [Symbol.dispose]: stop,
  };
}
