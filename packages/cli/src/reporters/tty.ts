import { printable } from '../base/format.ts';
import type { Reporter, ReporterOptions, RunEvent } from './reporter.ts';
import { slowProgress } from './slow-progress.ts';
import { eventLines, progressText, type RunPlace } from './words.ts';

const clearLine = '\r\u001B[K';
/** A progress line that wrapped could not be cleared again; asking for the terminal's width costs more than it gives. */
const progressWidth = 79;

/** Lines for a person at a terminal, and one that is redrawn for what takes over a second. */
export function ttyReporter({ output, clock, color, verbose }: ReporterOptions): Reporter {
  const isDue = slowProgress({ clock, afterMs: 1000, everyMs: 100 });
  const paint = (code: string, text: string): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text);
  let place: RunPlace | null = null;
  let drawn = false;

  const clear = (): void => {
    if (drawn) output.write(clearLine);
    drawn = false;
  };
  const draw = (event: Extract<RunEvent, { type: 'progress' }>): void => {
    if (!isDue(`${event.volume} ${event.activity}`)) return;
    const text = `cachelane: ${printable(progressText(event))}`.slice(0, progressWidth);
    output.write(`${clearLine}${paint('2', text)}`);
    drawn = true;
  };
  return {
    event(event) {
      if (event.type === 'session-opened') place = event;
      if (event.type === 'progress') {
        draw(event);
        return;
      }
      // Also for events without a line of their own: the command's output must not begin in the middle of ours.
      clear();
      for (const line of eventLines(event, place, verbose)) {
        output.write(`${paint('2', 'cachelane:')} ${event.type === 'warning' ? paint('33', line) : line}\n`);
      }
    },
    close: clear,
  };
}
