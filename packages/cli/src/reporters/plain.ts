import type { Namespace } from '@cachelane/core';
import { printable } from '../base/format.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { slowProgress } from './slow-progress.ts';
import { eventText, progressText } from './words.ts';

/** Lines for a log: no colour, nothing redrawn. */
export function plainReporter({ output, clock }: ReporterOptions): Reporter {
  const isDue = slowProgress({ clock, afterMs: 1000, everyMs: 10_000 });
  let own: Namespace | null = null;
  return {
    event(event) {
      if (event.type === 'session-opened') own = event.namespace;
      const isProgress = event.type === 'progress';
      if (isProgress && !isDue(`${event.volume} ${event.activity}`)) return;
      const text = isProgress ? printable(progressText(event)) : eventText(event, own);
      if (text !== null) output.write(`cachelane: ${text}\n`);
    },
    close: () => {},
  };
}
