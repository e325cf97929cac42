import { printable } from '../base/format.ts';
import { plainReporter } from './plain.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { warningText } from './words.ts';

/** Text after `::command::`; the runner decodes exactly these. */
export function escapeData(text: string): string {
  return deactivate(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Value of a property between `::command ` and `::`. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** The older form `##[command]` is obeyed anywhere in a line, so no text of others may carry it. */
function deactivate(text: string): string {
  return text.replaceAll('##[', '## [');
}

/** Lines for a log, and warnings as annotations of GitHub Actions, which reads its commands from stderr as well. */
export function githubReporter(options: ReporterOptions): Reporter {
  const { output } = options;
  // A line of ours begins with `cachelane:` and holds no line break, so it cannot become a command.
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
