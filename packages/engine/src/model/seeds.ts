import type { SeedFiles, SeedNote, Tool } from '@cachelane/core';
import type { PlannedVolume } from './planned-volume.ts';

/** A directory that a volume is seeded from. */
export interface DirectorySeed {
  readonly planned: PlannedVolume;
  readonly directory: string;
  /** Whose credentials may lie there. */
  readonly homeDir: string;
}

/** The directories that volumes are seeded from. */
export class Seeds {
  readonly files: SeedFiles;
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(files: SeedFiles) {
    this.files = files;
  }

  /** As any process read it last that has this store; null: none did. */
  async knownOf(tools: readonly Tool[], seed: DirectorySeed, signal: AbortSignal): Promise<SeedNote | null> {
    return await this.files.noted(seedKey(tools, seed), signal);
  }

  /** One after the other: whoever comes second finds what the first one noted. */
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

/**
 * What is stored of a directory depends on the tool, and for credentials on where things lie and on what any tool calls one. Notes outlive the program that wrote them: one whose rules are others reads the directory anew.
 */
export function seedKey(tools: readonly Tool[], { planned, directory, homeDir }: DirectorySeed): string {
  const { tool, target } = planned;
  const rules = tools.map(({ name, rulesVersion }) => `${name} ${rulesVersion}`);
  return JSON.stringify([tool.name, tool.rulesVersion, target, directory, homeDir, rules]);
}
