import { constants } from 'node:os';
import type { NodeSignal } from '@cachelane/core';
import { type HeldSignal, heldSignals } from '../chain/chain.ts';

export type ProcessSignal = `SIG${HeldSignal}`;

/** The command, as far as signals go. */
export interface SignalReceiver {
  /**
   * Makes sure that the command has got a signal that we got: it did already when the sender meant the whole process
   * group, as a terminal and `kill %1` do. `early`: there was no command when it came. False while there is none.
   */
  deliver(signal: ProcessSignal, early: boolean): boolean;
}

/** Asks the command to stop, so that its work counts as interrupted; USR1 and USR2 are only passed on. */
const stopping: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] satisfies readonly NodeSignal[];
const isStopping = (signal: ProcessSignal): signal is NodeSignal => stopping.includes(signal);

const retryMs = 1;

/** Takes the signals that are sent to us while a command runs: we live on, and the command gets each once. */
export interface SignalDesk extends Disposable {
  /** Of those that came so far, the first that asked us to stop. Of a command that it ended Node may tell first. */
  received(): Promise<NodeSignal | null>;
  /**
   * Resolves when those that came so far are noted: Node hands a signal over in a later turn of the loop, when it cannot be told
   * any more whether the command, which may get it from the terminal as well, was there already. To be waited for before the start.
   */
  caughtUp(): Promise<void>;
  /** Says who gets them. */
  connect(receiver: SignalReceiver): void;
}

/**
 * Opened before the command is started: from then on no signal ends us and leaves it alone. Signals in `ignored` do
 * nothing, as they would have done to the command.
 */
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
  // The first one may run in this very turn, before the loop has looked.
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** The bit of a signal in the sets that /proc shows. */
export const signalBit = (signal: ProcessSignal): bigint => 1n << BigInt(constants.signals[signal] - 1);

/** The exit code that a shell reports for a command that a signal ended. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
