import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { errnoOf } from '../files/file-errors.ts';
import { homePaths } from '../files/home-paths.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { linkAt, takeBackLink } from './kept-links.ts';
import { isKeptHere } from './kept-places.ts';

// Symlinks of ours at the places of caches, from runs where nothing could be mounted, also those of other stores.

/**
 * Removes one that a killed run left. Throws E_MOUNT_POINT while another run uses the directory that it leads to.
 *
 * A link of the right form may be anybody's: one that a repository brings along, with notes beside what it leads to. What notes say is done
 * for this home's directories only; another store does it for its own when it finds its run dead.
 */
export function clearStaleLink(files: StoreFiles, target: string, home: string): void {
  const tree = linkAt(target);
  if (tree === null || !leadsInto(target, home)) return;
  if (isInUse(tree)) throw inTheWay(target);
  if (isKeptHere(homePaths(home).kept, tree)) takeBackLink(files, tree, pathOf(target));
  if (linkAt(target) === tree) files.unlink(target);
}

/** As notes name it: without symlinks but for the last part. */
function pathOf(target: string): string {
  return join(realpathSync(dirname(target)), basename(target));
}

/** A symlink of ours, by its form. We make no relative ones. */
export function leadsInto(path: string, home: string): boolean {
  const target = linkAt(path);
  if (target === null || !isAbsolute(target)) return false;
  return target.startsWith(`${home}/`) || (isInTree(target) && target.endsWith('/tree'));
}

/**
 * Whether a path is a kept directory or lies in one, by its form: there are other stores, and places outside the homes.
 */
export function isInTree(path: string): boolean {
  return /\/(kept|\.cachelane(\/[0-9a-f]+)?)\/(clone|live|once)-[0-9a-z_.]+\/\d+\/tree(\/|$)/.test(path);
}

/** Whether a run uses the kept directory that a symlink leads to; where we may not look, one may. */
function isInUse(tree: string): boolean {
  try {
    return namesIn(`${dirname(tree)}/users`).length > 0;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return true;
  }
}

/** `maySoonGo`: the other run has not started its command, and may yet find that it cannot mount. */
export function inTheWay(target: string, maySoonGo = false): CachelaneError {
  return new CachelaneError(
    'E_MOUNT_POINT',
    `another run has its volume at ${target}, and nothing can be mounted here`,
    {
      hint: 'let one end before the other starts, or run where volumes can be mounted (cachelane doctor)',
      retryable: maySoonGo,
    },
  );
}
