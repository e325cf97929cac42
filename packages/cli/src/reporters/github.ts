import type { Namespace } from '@cachelane/core';
import { printable } from '../base/format.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { slowProgress } from './slow-progress.ts';
import { eventText, progressText, sessionText, warningText } from './words.ts';

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

/** Log groups and annotations of GitHub Actions, which reads its commands from stderr as well. */
export function githubReporter({ output, clock }: ReporterOptions): Reporter {
  const isDue = slowProgress({ clock, afterMs: 1000, everyMs: 10_000 });
  let own: Namespace | null = null;
  let isGroupOpen = false;

  // A line of ours begins with `cachelane:` and holds no line break, so it cannot become a command.
  const line = (text: string): void => output.write(`cachelane: ${deactivate(text)}\n`);
  const openGroup = (title: string): void => {
    if (!isGroupOpen) output.write(`::group::${escapeData(`cachelane: ${printable(title)}`)}\n`);
    isGroupOpen = true;
  };
  const closeGroup = (): void => {
    if (isGroupOpen) output.write('::endgroup::\n');
    isGroupOpen = false;
  };
  return {
    event(event) {
      switch (event.type) {
        case 'session-opened':
          own = event.namespace;
          openGroup(sessionText(event));
          for (const { name, path } of event.volumes) line(printable(`${name} at ${path}`));
          closeGroup();
          break;
        case 'warning':
          output.write(
            `::warning title=${escapeProperty('cachelane')}::${escapeData(printable(warningText(event)))}\n`,
          );
          break;
        case 'progress':
          if (isDue(`${event.volume} ${event.activity}`)) line(printable(progressText(event)));
          break;
        case 'volume-done':
          openGroup('caches after the command');
          line(eventText(event, own) ?? '');
          break;
        default: {
          const text = eventText(event, own);
          if (text !== null) line(text);
        }
      }
    },
    close: closeGroup,
  };
}
