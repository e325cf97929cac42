import type { Clock, Entry } from '@cachelane/core';
import type { Readings } from './readings.ts';

const neverAborted = new AbortController().signal;

/** Entries of all lists that are kept: some hundred bytes each. */
const entriesKept = 500_000;

/** How long a list is kept that nobody reads: whoever turns pages asks for the next one sooner. */
export const listKeptMs = 60_000;

interface Held {
  readonly size: number;
  readonly usedAtMs: number;
}

/**
 * The entries of snapshots that were read last. A snapshot never changes, and composing it anew for each page would cost the whole list again.
 */
export class EntryCache {
  private readonly readings: Readings;
  private readonly clock: Pick<Clock, 'monotonicMs'>;
  private readonly lists = new Map<string, Promise<readonly Entry[]>>();
  /** Of the lists that are there, the one that was used last at the end. */
  private readonly held = new Map<string, Held>();

  constructor(readings: Readings, clock: Pick<Clock, 'monotonicMs'>) {
    this.readings = readings;
    this.clock = clock;
  }

  /** `key` names the snapshot and the rules that it is read by. Others may wait for the same list: whoever asked first may not abort it. */
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
      // What is missing now may be there in a moment.
      this.forget(key);
      throw error;
    }
  }

  /** To be called now and then. */
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
