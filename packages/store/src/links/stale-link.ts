import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { errnoOf } from '../files/file-errors.ts';
import { homePaths } from '../files/home-paths.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { linkAt, takeBackLink } from './kept-links.ts';
import { isKeptHere } from './kept-places.ts';

// Our symlinks at the places of caches, from runs that could not mount, including runs of other stores.

/**
 * Removes a link that a killed run left. Throws E_MOUNT_POINT if another run uses its directory.
 * A repository may contain a link of our form, with forged notes beside its target. So only notes of this home's
 * directories count. Other stores clean up their own.
 */
export function clearStaleLink(files: StoreFiles, target: string, home: string): void {
  const tree = linkAt(target);
  if (tree === null || !leadsInto(target, home)) return;
  if (isInUse(tree)) throw inTheWay(target);
  if (isKeptHere(homePaths(home).kept, tree)) takeBackLink(files, tree, pathOf(target));
  if (linkAt(target) === tree) files.unlink(target);
}

/** Returns the path as notes name it: only its last part may be a symlink. */
function pathOf(target: string): string {
  return join(realpathSync(dirname(target)), basename(target));
}

/** Returns whether the path is a symlink in our form, which is never relative. */
export function leadsInto(path: string, home: string): boolean {
  const target = linkAt(path);
  if (target === null || !isAbsolute(target)) return false;
  return target.startsWith(`${home}/`) || (isInTree(target) && target.endsWith('/tree'));
}

/** Returns whether a path has the form of a kept directory or is inside one. Other stores may be anywhere. */
export function isInTree(path: string): boolean {
  return /\/(kept|\.cachelane(\/[0-9a-f]+)?)\/(clone|live|once)-[0-9a-z_.]+\/\d+\/tree(\/|$)/.test(path);
}

/** Returns whether a run uses the kept directory, or true if we cannot look. */
function isInUse(tree: string): boolean {
  try {
    return namesIn(`${dirname(tree)}/users`).length > 0;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return true;
  }
}

/** `maySoonGo`: the other run has not started its command, and may still fail to mount. */
export function inTheWay(target: string, maySoonGo = false): CachelaneError {
  return new CachelaneError(
    'E_MOUNT_POINT',
    `another run has attached a volume at ${target}, and nothing can be mounted here`,
    {
      hint: 'wait until that run ends, or run where volumes can be mounted (see `cachelane doctor`)',
      retryable: maySoonGo,
    },
  );
}
