import { CachelaneError, type NodeSignal } from '@cachelane/core';
import type { SignalSource } from '../host/host.ts';
import type { CommandPhase } from './command-phase.ts';

export interface SignalWatch extends Disposable {
  /** Aborted by a signal while the command was not running. */
  readonly abort: AbortSignal;
  /** The signal that aborted. */
  readonly stoppedBy: NodeSignal | null;
}

/**
 * While the command runs, the runtime passes signals on. Before and after, the first signal stops our work and the second one ends the
 * process; the dead session is swept later.
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
