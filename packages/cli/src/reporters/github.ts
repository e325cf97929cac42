import { printable } from '../base/format.ts';
import { plainReporter } from './plain.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { warningText } from './words.ts';

/** Escapes text after `::command::`; the runner decodes exactly these characters. */
export function escapeData(text: string): string {
  return deactivate(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Escapes a property value between `::command ` and `::`. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** Breaks the older form `##[command]`, which the runner obeys anywhere in a line. */
function deactivate(text: string): string {
  return text.replaceAll('##[', '## [');
}

/** Prints log lines, and warnings as GitHub annotations, which the runner also reads from stderr. */
export function githubReporter(options: ReporterOptions): Reporter {
  const { output } = options;
  // Our lines begin with `cachelane:` and contain no line break, so they cannot become commands.
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
