import type { EventSink } from '@cachelane/core';
import type { OnProgress } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import { warn } from '../host/warn.ts';
import { chooseReporter } from './choose.ts';
import { openProgress, type Progress } from './progress.ts';
import { updateOf, warningText } from './words.ts';

export interface CommandProgress {
  readonly update: OnProgress;
  /** Prints the engine's warnings and shows its progress. */
  readonly events: EventSink;
}

export interface OutputWish {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const noProgress: Progress = { update: () => undefined, clear: () => undefined };

/** Runs `work` and shows its progress on stderr. With `--json` and `--quiet`, only warnings are printed. */
export async function withProgress<T>(
  host: Host,
  { json = false, quiet = false }: OutputWish,
  work: (progress: CommandProgress) => Promise<T>,
): Promise<T> {
  const { env, stderr: output, clock } = host;
  const style = chooseReporter({ name: 'auto', env, output }) === 'tty' ? 'bar' : 'lines';
  const isShown = !json && !quiet;
  const progress = isShown ? openProgress({ output, clock, style, beganMs: clock.monotonicMs() }) : noProgress;
  const events: EventSink = (event) => {
    if (event.type === 'progress') progress.update(updateOf(event));
    if (event.type !== 'warning' && event.type !== 'waiting') return;
    progress.clear();
    if (event.type === 'warning') warn(host, warningText(event));
    else output.write(`cachelane: ${event.message}\n`);
  };
  try {
    return await work({ update: progress.update, events });
  } finally {
    progress.clear();
  }
}
