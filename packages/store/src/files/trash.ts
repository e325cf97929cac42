import { basename } from 'node:path';
import { isMissing } from './file-errors.ts';
import { ensureHomeDir, type HomePaths } from './home-paths.ts';
import type { Owner, StoreFiles } from './store-files.ts';

export interface Trash {
  /**
   * Moves directories out of sight, each at once; those that are not there are left out. Their space is freed in the
   * background.
   */
  discard(dirs: readonly string[]): void;
  /** The same for what somebody may still have mounted: its space is freed by a sweep, after the grace. */
  retire(dirs: readonly string[]): void;
}

/**
 * Removing a big directory makes ext4 slow to create files for seconds, and takes longer than a user likes to wait: what
 * has to go is renamed, and removed by a process that takes its time.
 */
export function openTrash(files: StoreFiles, paths: HomePaths, owner: Owner | null): Trash {
  const moveAll = (dirs: readonly string[]): string | undefined => {
    if (dirs.length === 0) return undefined;
    ensureHomeDir(files, paths.trash, owner);
    const trash = files.makeUniqueDir(`${paths.trash}/`);
    if (owner !== null) files.setOwner(trash, owner);
    for (const [i, from] of dirs.entries()) {
      try {
        files.rename(from, `${trash}/${i}-${basename(from)}`);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    return trash;
  };
  return {
    discard(dirs) {
      const dir = moveAll(dirs);
      if (dir !== undefined) files.start({ kind: 'remove', dir });
    },
    retire(dirs) {
      moveAll(dirs);
    },
  };
}
