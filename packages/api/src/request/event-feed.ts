import type { EngineEvent } from '@cachelane/core';

/** Events that wait for one listener: somebody who does not read loses the oldest, not the engine its memory. */
const waitingAtMost = 1000;

const doNothing = (): void => undefined;

export interface TimedEvent {
  readonly atMs: number;
  readonly event: EngineEvent;
}

/** What happens, to whoever listens at that moment. */
export class EventFeed {
  private readonly listeners = new Set<(event: TimedEvent) => void>();
  private readonly closed = new AbortController();

  get isHeard(): boolean {
    return this.listeners.size > 0;
  }

  tell(event: TimedEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Nothing will happen any more: ends whoever listens. */
  close(): void {
    this.closed.abort();
  }

  /** From now on, until the signal, whoever reads, or the feed ends it. */
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
