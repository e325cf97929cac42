import { openProgress } from './progress.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { eventLines, updateOf, type RunPlace } from './words.ts';

/** Prints lines for a log, without colour or redrawing. */
export function plainReporter({ output, clock, verbose }: ReporterOptions): Reporter {
  const progress = openProgress({ output, clock, style: 'lines' });
  let place: RunPlace | null = null;
  return {
    event(event) {
      if (event.type === 'session-opened') place = event;
      if (event.type === 'progress') {
        progress.update(updateOf(event));
        return;
      }
      progress.clear();
      for (const line of eventLines(event, place, verbose)) output.write(`cachelane: ${line}\n`);
    },
    close: () => {},
  };
}
