import type { LayerId, SeedFiles } from '@cachelane/core';
import type { PlannedVolume } from '../volumes/plan.ts';

/** A directory that a volume is seeded from. */
export interface DirectorySeed {
  readonly planned: PlannedVolume;
  readonly directory: string;
  /** Whose credentials may lie there. */
  readonly homeDir: string;
}

/** A directory as it was read. */
export interface KnownSeed {
  readonly stamp: string;
  /** Null: it held nothing that is ever stored. */
  readonly layer: LayerId | null;
}

/** Directories that are remembered: those that were read last. */
const rememberedMax = 1000;

/** The directories that volumes are seeded from, and what this process knows of them: one that did not change is not read again. */
export class Seeds {
  readonly files: SeedFiles;
  private readonly known = new Map<string, KnownSeed>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(files: SeedFiles) {
    this.files = files;
  }

  /** As it was read last; undefined: it was not, in this process. */
  knownOf(seed: DirectorySeed): KnownSeed | undefined {
    return this.known.get(keyOf(seed));
  }

  note(seed: DirectorySeed, known: KnownSeed): void {
    const key = keyOf(seed);
    this.known.delete(key);
    this.known.set(key, known);
    const [oldest] = this.known.keys();
    if (this.known.size > rememberedMax && oldest !== undefined) this.known.delete(oldest);
  }

  /** One after the other: whoever comes second finds what the first one read. */
  async inTurn<T>(seed: DirectorySeed, work: () => Promise<T>): Promise<T> {
    const key = keyOf(seed);
    const mine = (this.turns.get(key) ?? Promise.resolve()).then(work, work);
    this.turns.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.turns.get(key) === mine) this.turns.delete(key);
    }
  }
}

/** What is stored of a directory depends on the tool, and for credentials on where things lie. */
function keyOf({ planned: { tool, target }, directory, homeDir }: DirectorySeed): string {
  return JSON.stringify([tool.name, tool.rulesVersion, target, directory, homeDir]);
}
