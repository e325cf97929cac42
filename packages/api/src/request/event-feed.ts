import type { EngineEvent } from '@cachelane/core';

/** Maximum number of events queued for a listener. A slow listener loses the oldest. */
const waitingAtMost = 1000;

const doNothing = (): void => undefined;

export interface TimedEvent {
  readonly atMs: number;
  readonly event: EngineEvent;
}

/** Delivers events to current listeners. */
export class EventFeed {
  private readonly listeners = new Set<(event: TimedEvent) => void>();
  private readonly closed = new AbortController();

  get isHeard(): boolean {
    return this.listeners.size > 0;
  }

  tell(event: TimedEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Ends all listeners. */
  close(): void {
    this.closed.abort();
  }

  /** Yields events from now on, until the signal aborts, the reader stops, or the feed closes. */
  async *listen(until: AbortSignal): AsyncGenerator<TimedEvent> {
    const signal = AbortSignal.any([until, this.closed.signal]);
    const waiting: TimedEvent[] = [];
    let wake = doNothing;
    const listener = (event: TimedEvent): void => {
      waiting.push(event);
      if (waiting.length > waitingAtMost) waiting.shift();
      wake();
    };
    const stop = (): void => wake();
    this.listeners.add(listener);
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.listeners.delete(listener);
      signal.removeEventListener('abort', stop);
    }
  }
}
