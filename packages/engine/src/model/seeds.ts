import type { SeedFiles, SeedNote, Tool } from '@cachelane/core';
import type { PlannedVolume } from './planned-volume.ts';

/** A directory that a volume is seeded from. */
export interface DirectorySeed {
  readonly planned: PlannedVolume;
  readonly directory: string;
  /** Its credentials are never stored. */
  readonly homeDir: string;
}

/** Reads seed directories, one at a time for each key. */
export class Seeds {
  readonly files: SeedFiles;
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(files: SeedFiles) {
    this.files = files;
  }

  /** Returns what was noted when the directory was last read, by any process of the store; else null. */
  async knownOf(tools: readonly Tool[], seed: DirectorySeed, signal: AbortSignal): Promise<SeedNote | null> {
    return await this.files.noted(seedKey(tools, seed), signal);
  }

  /** Runs work one after the other for each key, so that later callers find earlier notes. */
  async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.turns.get(key) ?? Promise.resolve()).then(work, work);
    this.turns.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.turns.get(key) === mine) this.turns.delete(key);
    }
  }
}

/** Returns the key of a note. It includes the rules of all tools, because they decide which files are credentials. */
export function seedKey(tools: readonly Tool[], { planned, directory, homeDir }: DirectorySeed): string {
  const { tool, target } = planned;
  const rules = tools.map(({ name, rulesVersion }) => `${name} ${rulesVersion}`);
  return JSON.stringify([tool.name, tool.rulesVersion, target, directory, homeDir, rules]);
}
