import type { Reporter, ReporterOptions } from './reporter.ts';

/** Prints one event per line, for programs. */
export function jsonReporter({ output }: Pick<ReporterOptions, 'output'>): Reporter {
  return {
    event: (event) => output.write(`${JSON.stringify(event)}\n`),
    close: () => {},
  };
}
