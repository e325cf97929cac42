import type { SessionId } from '@cachelane/core';
import type { SavedVolume } from '@cachelane/engine';
import { LastUsed } from './last-used.ts';

/** Commits whose answers are kept; history answers for those before them. */
const keptAtMost = 500;

/** Answers with more than that are large, and history has what is in them. */
const conflictsAtMost = 20;

type Commit = Promise<readonly SavedVolume[]>;

/** What commits came to, or will: whoever asks again, after an answer was lost, is told the same. */
export class EndedForks {
  private readonly commits = new LastUsed<SessionId, Commit>(keptAtMost);

  /** Undefined: none is known of. */
  of(fork: SessionId): Commit | undefined {
    return this.commits.get(fork);
  }

  keep(fork: SessionId, commit: Commit): void {
    this.commits.set(fork, commit);
    commit.then(
      (saved) => {
        const count = saved.reduce((sum, { conflicts }) => sum + conflicts.length, 0);
        if (count > conflictsAtMost) this.commits.delete(fork);
      },
      // Whoever asked for it is told.
      () => undefined,
    );
  }
}
