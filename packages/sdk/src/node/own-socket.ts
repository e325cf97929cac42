import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { CachelaneError } from '../errors/errors.ts';

/**
 * Returns whether there may be an engine at the socket. An engine learns the program's whole environment, so the
 * directory must be one that no other user can write to. Errors: E_ENGINE_DENIED for any other directory.
 */
export function isOwnSocketThere(path: string): boolean {
  const dir = dirname(path);
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  // If the socket does not exist, an engine will make it, and check the directory itself.
  if (stats === undefined) return false;
  if (stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0) {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  }
  throw new CachelaneError('E_ENGINE_DENIED', `other users can write to ${dir}: it is not used for an engine`, {
    hint: 'remove it, or set CACHELANE_HOME to a short path of your own, or XDG_RUNTIME_DIR',
  });
}
