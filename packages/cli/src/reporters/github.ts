import { printable } from '../base/format.ts';
import { plainReporter } from './plain.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { warningText } from './words.ts';

/** Escapes the text after `::command::`; the runner decodes exactly these characters. */
export function escapeData(text: string): string {
  return deactivate(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Escapes a property between `::command ` and `::`. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** Breaks the older form `##[command]`, which the runner obeys anywhere in a line. */
function deactivate(text: string): string {
  return text.replaceAll('##[', '## [');
}

/** Prints lines for a log, and warnings as annotations. GitHub Actions also reads commands from stderr. */
export function githubReporter(options: ReporterOptions): Reporter {
  const { output } = options;
  // Our lines start with `cachelane:` and hold no line break, so they cannot be commands.
  const plain = plainReporter({
    ...options,
    output: { ...output, write: (text) => output.write(deactivate(text)) },
  });
  return {
    event(event) {
      if (event.type !== 'warning') plain.event(event);
      else {
        output.write(`::warning title=${escapeProperty('cachelane')}::${escapeData(printable(warningText(event)))}\n`);
      }
    },
    close: () => plain.close(),
  };
}
