import { basename } from 'node:path';
import { isMissing } from './file-errors.ts';
import { ensureHomeDir, type HomePaths } from './home-paths.ts';
import type { Owner, StoreFiles } from './store-files.ts';

export interface Trash {
  /** Moves directories out of sight, each at once; those that are not there are left out. Their space is freed in the background. */
  discard(dirs: readonly string[]): void;
}

/**
 * Removing a big directory makes ext4 slow to create files for seconds, and takes longer than a user likes to wait: what
 * has to go is renamed, and removed by a process that takes its time.
 */
export function openTrash(files: StoreFiles, paths: HomePaths, owner: Owner | null): Trash {
  return {
    discard(dirs) {
      let dir: string | undefined;
      for (const [i, from] of dirs.entries()) {
        if (dir === undefined) {
          ensureHomeDir(files, paths.trash, owner);
          dir = files.makeUniqueDir(`${paths.trash}/`);
          if (owner !== null) files.setOwner(dir, owner);
        }
        try {
          files.rename(from, `${dir}/${i}-${basename(from)}`);
        } catch (error) {
          if (!isMissing(error)) throw error;
        }
      }
      if (dir !== undefined) files.start({ kind: 'remove', dir });
    },
  };
}
