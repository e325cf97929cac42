import type { Clock } from '@cachelane/core';

export interface SlowProgressOptions {
  readonly clock: Clock;
  /** How long an activity may take before it is mentioned. */
  readonly afterMs: number;
  /** Pause between two mentions of one activity. */
  readonly everyMs: number;
}

/** Says whether a progress event is worth drawing now: most activities are over before anyone could read of them. */
export function slowProgress({ clock, afterMs, everyMs }: SlowProgressOptions): (key: string) => boolean {
  let current = '';
  let nextMs = 0;
  return (key) => {
    const nowMs = clock.monotonicMs();
    if (key !== current) {
      current = key;
      nextMs = nowMs + afterMs;
      return false;
    }
    if (nowMs < nextMs) return false;
    nextMs = nowMs + everyMs;
    return true;
  };
}
