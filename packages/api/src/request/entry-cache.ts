import type { Clock, Entry } from '@cachelane/core';
import type { Readings } from './readings.ts';

const neverAborted = new AbortController().signal;

/** Maximum number of cached entries. Each takes some hundred bytes. */
const entriesKept = 500_000;

/** Time after which an unread list is dropped. Clients that page read faster. */
export const listKeptMs = 60_000;

interface Held {
  readonly size: number;
  readonly usedAtMs: number;
}

/** Caches the entries of recently read snapshots, so that each page need not compose the whole list again. */
export class EntryCache {
  private readonly readings: Readings;
  private readonly clock: Pick<Clock, 'monotonicMs'>;
  private readonly lists = new Map<string, Promise<readonly Entry[]>>();
  /** Cached lists, least recently used first. */
  private readonly held = new Map<string, Held>();

  constructor(readings: Readings, clock: Pick<Clock, 'monotonicMs'>) {
    this.readings = readings;
    this.clock = clock;
  }

  /**
   * Returns the list for `key`, which names the snapshot and its rules. Concurrent readers share one read, so a single
   * reader cannot abort it.
   */
  async read(key: string, read: (signal: AbortSignal) => Promise<readonly Entry[]>): Promise<readonly Entry[]> {
    const list = this.lists.get(key) ?? this.readings.take(neverAborted, async () => await read(neverAborted));
    this.lists.set(key, list);
    try {
      const entries = await list;
      this.held.delete(key);
      this.held.set(key, { size: entries.length, usedAtMs: this.clock.monotonicMs() });
      this.forgetOldest(key);
      return entries;
    } catch (error) {
      // A failed read is not cached.
      this.forget(key);
      throw error;
    }
  }

  /** Drops unread lists. Call it periodically. */
  forgetUnused(): void {
    const before = this.clock.monotonicMs() - listKeptMs;
    for (const [key, { usedAtMs }] of this.held) if (usedAtMs < before) this.forget(key);
  }

  private forgetOldest(latest: string): void {
    let total = 0;
    for (const { size } of this.held.values()) total += size;
    for (const [key, { size }] of this.held) {
      if (total <= entriesKept) return;
      if (key === latest) continue;
      total -= size;
      this.forget(key);
    }
  }

  private forget(key: string): void {
    this.lists.delete(key);
    this.held.delete(key);
  }
}
