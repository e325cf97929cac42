import type { SavedVolume } from '@cachelane/engine';
import { LastUsed } from './last-used.ts';

/** Commits whose answers are kept; history answers for those before them. */
const keptAtMost = 500;

/** Answers with more than that are large, and history has what is in them. */
const conflictsAtMost = 20;

interface Commit {
  /** Whose fork it was: the mark of its client. */
  readonly by: symbol;
  readonly commit: Promise<readonly SavedVolume[]>;
}

/**
 * What commits came to, or will: whoever asks again, after an answer was lost, is told the same. By the ids of their forks to the letter: what else an id says, whoever sends it may have made up.
 */
export class EndedForks {
  /** All of them: until it is over, nothing else knows what one comes to. */
  private readonly underWay = new Map<string, Commit>();
  private readonly saved = new LastUsed<string, Commit>(keptAtMost);

  /** Undefined: none is known of. */
  of(id: string): Commit | undefined {
    return this.underWay.get(id) ?? this.saved.get(id);
  }

  /** One that fails is forgotten: a fork that is open is committed again, and of another one history knows what was saved. */
  keep(id: string, ended: Commit): void {
    this.underWay.set(id, ended);
    ended.commit.then(
      (saved) => {
        this.underWay.delete(id);
        const count = saved.reduce((sum, { conflicts }) => sum + conflicts.length, 0);
        if (count <= conflictsAtMost) this.saved.set(id, ended);
      },
      // Whoever asked for it is told.
      () => this.underWay.delete(id),
    );
  }
}
