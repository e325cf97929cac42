import { errnoOf } from './file-errors.ts';
import type { StoreFiles } from './store-files.ts';

/**
 * Puts a directory in a place where there is none, or an empty one; nobody sees the place without a directory. False
 * where something lies in it.
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
