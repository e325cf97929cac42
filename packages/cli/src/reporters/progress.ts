import type { Clock } from '@cachelane/core';
import type { OnProgress, ProgressUpdate } from '@cachelane/engine';
import { formatBytes, formatDuration, printable } from '../base/format.ts';
import type { Output } from '../base/output.ts';

const shownAfterMs = 1000;
const redrawMs = 100;
const lineEveryMs = 10_000;
/** A bar that wraps cannot be cleared. Finding out the terminal's width would load the tty module. */
const barLineWidth = 79;
const barWidth = 10;
const clearLine = '\r\u001B[K';

export interface Progress {
  readonly update: OnProgress;
  /** Removes the bar. Work that follows counts as new work. */
  readonly clear: () => void;
}

export interface ProgressOptions {
  readonly output: Output;
  readonly clock: Clock;
  /** `bar` redraws one line on a terminal; `lines` prints a line every 10 seconds. */
  readonly style: 'bar' | 'lines';
  readonly color?: boolean;
  /** When the work began, by the monotonic clock; absent: with the first update. */
  readonly beganMs?: number;
}

/** Shows updates of work that takes more than a second. */
export function openProgress({ output, clock, style, color = false, ...options }: ProgressOptions): Progress {
  const starts = new Map<string, Start>();
  let beganMs = options.beganMs ?? null;
  let nextMs = 0;
  let isDrawn = false;
  return {
    update(update) {
      const nowMs = clock.monotonicMs();
      beganMs ??= nowMs;
      const start = starts.get(update.activity) ?? { atMs: nowMs, done: update.done };
      starts.set(update.activity, start);
      if (nowMs - beganMs < shownAfterMs || nowMs < nextMs) return;
      const text = progressText(update, start, nowMs);
      if (style === 'lines') {
        nextMs = nowMs + lineEveryMs;
        output.write(`cachelane: ${text}\n`);
        return;
      }
      nextMs = nowMs + redrawMs;
      const line = `cachelane: ${barOf(update)}${text}`.slice(0, barLineWidth);
      output.write(`${clearLine}${color ? `\u001B[2m${line}\u001B[0m` : line}`);
      isDrawn = true;
    },
    clear() {
      if (isDrawn) output.write(clearLine);
      isDrawn = false;
      beganMs = null;
      starts.clear();
    },
  };
}

/** The first update of an activity. */
interface Start {
  readonly atMs: number;
  readonly done: number;
}

function barOf({ done, total }: ProgressUpdate): string {
  if (total === null || total <= 0) return '';
  const filled = Math.floor(Math.min(1, done / total) * barWidth);
  return `[${'='.repeat(filled).padEnd(barWidth)}] `;
}

/** `npm: pulling 120 MB of 266 MB, 12 MB/s, 13 s left` */
function progressText({ activity, done, total, unit }: ProgressUpdate, start: Start, nowMs: number): string {
  const amount = (value: number): string => (unit === 'bytes' ? formatBytes(value) : String(value));
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  const parts = [`${printable(activity)} ${amount(done)}${total === null ? '' : ` of ${amount(total)}`}${noun}`];
  const perSecond = Math.round(((done - start.done) * 1000) / Math.max(1, nowMs - start.atMs));
  if (perSecond > 0) {
    parts.push(`${amount(perSecond)}/s`);
    if (total !== null && total > done) parts.push(`${timeLeft((total - done) / perSecond)} left`);
  }
  return parts.join(', ');
}

/** Returns a callback that counts the bytes of one activity. */
export function countInto(onProgress: OnProgress, activity: string, total: number | null): (count: number) => void {
  let done = 0;
  return (count) => {
    done += count;
    onProgress({ activity, done, total, unit: 'bytes' });
  };
}

function timeLeft(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(Math.ceil(seconds) * 1000);
}
