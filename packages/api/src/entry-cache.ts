import type { Entry } from '@cachelane/core';
import type { Readings } from './readings.ts';

const neverAborted = new AbortController().signal;

/** Entries of all lists that are kept: some hundred bytes each. */
const entriesKept = 500_000;

/**
 * The entries of snapshots that were read last. A snapshot never changes, and composing it anew for each page would cost the whole list again.
 */
export class EntryCache {
  private readonly readings: Readings;
  private readonly lists = new Map<string, Promise<readonly Entry[]>>();
  private readonly sizes = new Map<string, number>();

  constructor(readings: Readings) {
    this.readings = readings;
  }

  /** `key` names the snapshot and the rules that it is read by. Others may wait for the same list: whoever asked first may not abort it. */
  async read(key: string, read: (signal: AbortSignal) => Promise<readonly Entry[]>): Promise<readonly Entry[]> {
    const known = this.lists.get(key);
    this.lists.delete(key);
    const list = known ?? this.readings.take(neverAborted, async () => await read(neverAborted));
    this.lists.set(key, list);
    try {
      const entries = await list;
      this.sizes.set(key, entries.length);
      this.forgetOldest(key);
      return entries;
    } catch (error) {
      // What is missing now may be there in a moment.
      this.forget(key);
      throw error;
    }
  }

  private forgetOldest(latest: string): void {
    let total = 0;
    for (const size of this.sizes.values()) total += size;
    for (const [key, size] of this.sizes) {
      if (total <= entriesKept) return;
      if (key === latest) continue;
      total -= size;
      this.forget(key);
    }
  }

  private forget(key: string): void {
    this.lists.delete(key);
    this.sizes.delete(key);
  }
}
