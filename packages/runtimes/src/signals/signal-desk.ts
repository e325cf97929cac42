import { constants } from 'node:os';
import type { NodeSignal } from '@cachelane/core';
import { type HeldSignal, heldSignals } from '../chain/chain.ts';

export type ProcessSignal = `SIG${HeldSignal}`;

/** The command as a receiver of signals. */
export interface SignalReceiver {
  /**
   * Ensures that the command gets a signal of this process. It has it already if the sender signalled the whole group, as a terminal and
   * `kill %1` do. `early`: the signal came before the command existed. Returns false while there is no command.
   */
  deliver(signal: ProcessSignal, early: boolean): boolean;
}

/** Signals that ask the command to stop, so that its work counts as interrupted. USR1 and USR2 are only passed on. */
const stopping: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] satisfies readonly NodeSignal[];
const isStopping = (signal: ProcessSignal): signal is NodeSignal => stopping.includes(signal);

const retryMs = 1;

/** Takes signals to this process while a command runs, and passes each to the command once. */
export interface SignalDesk extends Disposable {
  /** Returns the first received signal that asks to stop. Node may report a command's end before such a signal. */
  received(): Promise<NodeSignal | null>;
  /**
   * Resolves when all received signals are recorded. Node delivers a signal in a later turn of the event loop, when it is unknown whether
   * the command existed. Await it before the start.
   */
  caughtUp(): Promise<void>;
  /** Sets the receiver. */
  connect(receiver: SignalReceiver): void;
}

/** Open it before the command starts: from then on no signal ends this process alone. Signals in `ignored` do nothing, as in the command. */
export function openSignalDesk(ignored: readonly HeldSignal[]): SignalDesk {
  let received: NodeSignal | null = null;
  let receiver: SignalReceiver | null = null;
  const timers = new Set<NodeJS.Timeout>();
  const deliver = (signal: ProcessSignal, early: boolean): void => {
    if (receiver?.deliver(signal, early) === true) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      deliver(signal, true);
    }, retryMs);
    timers.add(timer);
  };
  const listeners = heldSignals.map((name) => {
    const signal = `SIG${name}` as const;
    const listener = (): void => {
      if (ignored.includes(name)) return;
      if (isStopping(signal)) received ??= signal;
      deliver(signal, false);
    };
    return { signal, listener };
  });
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return {
    async received() {
      await caughtUp();
      return received;
    },
    caughtUp,
    connect(command) {
      receiver = command;
    },
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) process.off(signal, listener);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function caughtUp(): Promise<void> {
  // The first may run in this turn, before the event loop polls.
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** The bit of a signal in the sets that /proc shows. */
export const signalBit = (signal: ProcessSignal): bigint => 1n << BigInt(constants.signals[signal] - 1);

/** The exit code that a shell reports for a command that a signal ended. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
