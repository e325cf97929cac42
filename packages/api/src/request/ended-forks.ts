import type { SavedVolume } from '@cachelane/engine';
import { LastUsed } from './last-used.ts';

/** Number of commit results kept. History answers for older ones. */
const keptAtMost = 500;

/** Results with more conflicts are not kept. History contains them. */
const conflictsAtMost = 20;

interface Commit {
  /** The mark of the client that had the fork. */
  readonly by: symbol;
  readonly commit: Promise<readonly SavedVolume[]>;
}

/**
 * Results of commits by fork id, so that a client that lost an answer gets the same one. The other parts of an id are
 * not trusted.
 */
export class EndedForks {
  /** Running commits: nothing else knows their result yet. */
  private readonly underWay = new Map<string, Commit>();
  private readonly saved = new LastUsed<string, Commit>(keptAtMost);

  /** Returns the commit of a fork, if known. */
  of(id: string): Commit | undefined {
    return this.underWay.get(id) ?? this.saved.get(id);
  }

  /** Remembers a commit. A failed one is forgotten: an open fork can be committed again, and history covers the rest. */
  keep(id: string, ended: Commit): void {
    this.underWay.set(id, ended);
    ended.commit.then(
      (saved) => {
        this.underWay.delete(id);
        const count = saved.reduce((sum, { conflicts }) => sum + conflicts.length, 0);
        if (count <= conflictsAtMost) this.saved.set(id, ended);
      },
      // The caller of the commit handles the error.
      () => this.underWay.delete(id),
    );
  }
}
