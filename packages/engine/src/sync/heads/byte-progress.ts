import type { Clock, EventSink } from '@cachelane/core';

const everyMs = 250;

export interface ByteProgress {
  readonly activity: string;
  readonly volume: string;
  readonly total: number | null;
}

/** Counts bytes and emits progress a few times a second. */
export function byteProgress(
  { clock, events }: { readonly clock: Clock; readonly events: EventSink },
  { activity, volume, total }: ByteProgress,
): (count: number) => void {
  let done = 0;
  let nextMs = 0;
  return (count) => {
    done += count;
    const nowMs = clock.monotonicMs();
    if (nowMs < nextMs) return;
    nextMs = nowMs + everyMs;
    events({ type: 'progress', activity, volume, done, total, unit: 'bytes' });
  };
}
