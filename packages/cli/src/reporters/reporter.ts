import type { Clock, EngineEvent } from '@cachelane/core';
import type { Output } from '../base/output.ts';

/** An event of the engine, or a notice of the CLI. */
export type RunEvent =
  | EngineEvent
  /** Useful to know; nothing is wrong. */
  | { readonly type: 'notice'; readonly message: string; readonly hint: string | null };

/** Prints events on stderr, because stdout belongs to the command. */
export interface Reporter {
  event(event: RunEvent): void;
  /** Removes a progress bar. */
  close(): void;
}

export interface ReporterOptions {
  /** stderr. */
  readonly output: Output;
  readonly clock: Clock;
  readonly color: boolean;
  /** Also print where the run is, what it read and how volumes were attached. */
  readonly verbose: boolean;
}

/** Returns a reporter that prints warnings only. */
export function quietly(reporter: Reporter): Reporter {
  return {
    event(event) {
      if (event.type === 'warning') reporter.event(event);
    },
    close: () => reporter.close(),
  };
}
