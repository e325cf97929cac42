import type { Reporter, ReporterOptions } from './reporter.ts';

/** Prints one JSON event per line. */
export function jsonReporter({ output }: Pick<ReporterOptions, 'output'>): Reporter {
  return {
    event: (event) => output.write(`${JSON.stringify(event)}\n`),
    close: () => {},
  };
}
