import { printable } from '../base/format.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { slowProgress } from './slow-progress.ts';
import { eventLines, progressText, type RunPlace } from './words.ts';

/** Lines for a log: no colour, nothing redrawn. */
export function plainReporter({ output, clock, verbose }: ReporterOptions): Reporter {
  const isDue = slowProgress({ clock, afterMs: 1000, everyMs: 10_000 });
  let place: RunPlace | null = null;
  return {
    event(event) {
      if (event.type === 'session-opened') place = event;
      if (event.type === 'progress') {
        if (isDue(`${event.volume} ${event.activity}`)) output.write(`cachelane: ${printable(progressText(event))}\n`);
        return;
      }
      for (const line of eventLines(event, place, verbose)) output.write(`cachelane: ${line}\n`);
    },
    close: () => {},
  };
}
