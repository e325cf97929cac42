import { openProgress } from './progress.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { eventLines, updateOf, type RunPlace } from './words.ts';

/** Prints lines and a progress bar on a terminal. */
export function ttyReporter({ output, clock, color, verbose }: ReporterOptions): Reporter {
  const progress = openProgress({ output, clock, style: 'bar', color });
  const paint = (code: string, text: string): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text);
  let place: RunPlace | null = null;
  return {
    event(event) {
      if (event.type === 'session-opened') place = event;
      if (event.type === 'progress') {
        progress.update(updateOf(event));
        return;
      }
      // Every other event removes the bar, so that the command's output starts on an empty line.
      progress.clear();
      for (const line of eventLines(event, place, verbose)) {
        output.write(`${paint('2', 'cachelane:')} ${event.type === 'warning' ? paint('33', line) : line}\n`);
      }
    },
    close: progress.clear,
  };
}
