import type { Clock, EngineEvent } from '@cachelane/core';
import type { Output } from '../base/output.ts';

/** What is shown during a run: the engine's events, and what the cli itself has to say. */
export type RunEvent =
  | EngineEvent
  /** Worth knowing, nothing is wrong. */
  | { readonly type: 'notice'; readonly message: string; readonly hint: string | null };

/** Draws events on stderr: stdout belongs to the command. */
export interface Reporter {
  event(event: RunEvent): void;
  /** Ends whatever is half drawn. */
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

/** Only what the person should act on. */
export function quietly(reporter: Reporter): Reporter {
  return {
    event(event) {
      if (event.type === 'warning') reporter.event(event);
    },
    close: () => reporter.close(),
  };
}
