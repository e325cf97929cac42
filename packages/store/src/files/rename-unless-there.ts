import { errnoOf } from './file-errors.ts';
import type { StoreFiles } from './store-files.ts';

/**
 * Moves a directory to a free path, or over an empty directory, in one step. Returns false if the directory
 * there is not empty.
 */
export function renameUnlessThere(files: StoreFiles, from: string, to: string): boolean {
  try {
    files.rename(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
