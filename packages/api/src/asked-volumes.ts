import type { SharingMode } from '@cachelane/core';
import { LastUsed } from './last-used.ts';

/** What somebody asked a volume to be, beyond what it is. */
export interface AskedAttributes {
  readonly sharing: SharingMode | null;
}

/** How many volumes are remembered: those that were asked for last. */
const remembered = 10_000;

/**
 * What was last asked of each volume on this engine. Attributes are no part of what a volume is, so two requests with different ones get the same volume, and have to
 * be told of each other.
 */
export class AskedVolumes {
  private readonly last = new LastUsed<string, AskedAttributes>(remembered);

  /** Sentences for whoever asks. A request that says nothing contradicts nobody. */
  note(volume: string, asked: AskedAttributes): readonly string[] {
    if (asked.sharing === null) return [];
    const before = this.last.get(volume);
    this.last.set(volume, asked);
    if (before === undefined || before.sharing === asked.sharing) return [];
    return [
      `it was asked for with sharing ${before.sharing} before, and with sharing ${asked.sharing} now: it is the same volume, and runs of both are at work in it at once`,
    ];
  }
}
