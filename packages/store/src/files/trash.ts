import { basename } from 'node:path';
import { isMissing } from './file-errors.ts';
import { ensureHomeDir, type HomePaths } from './home-paths.ts';
import type { Owner, StoreFiles } from './store-files.ts';

export interface Trash {
  /** Moves directories to the trash, one rename each, and frees their space in the background. Skips missing ones. */
  discard(dirs: readonly string[]): void;
  /** Same for directories that may still be mounted. A sweep frees their space after a grace period. */
  retire(dirs: readonly string[]): void;
}

/**
 * Deleting a big directory takes long and makes ext4 slow for seconds. So directories are renamed into the trash,
 * and a background process deletes them slowly.
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
