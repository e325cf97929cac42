import { dirname } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { errnoOf } from '../layers/file-errors.ts';
import { namesIn } from '../layers/read-file.ts';
import type { StoreFiles } from '../layers/store-files.ts';
import { linkAt, takeBackLinks } from './kept-links.ts';

// Symlinks of ours at the places of caches, from runs where nothing could be mounted, also those of other stores.

/** Removes one that a killed run left. Throws E_MOUNT_POINT while another run uses the directory that it leads to. */
export function clearStaleLink(files: StoreFiles, target: string, home: string): void {
  const tree = linkAt(target);
  if (tree === null || !leadsInto(target, home)) return;
  if (isInUse(tree)) throw inTheWay(target);
  takeBackLinks(files, tree);
  if (linkAt(target) === tree) files.unlink(target);
}

/** A symlink of ours. */
export function leadsInto(path: string, home: string): boolean {
  const target = linkAt(path);
  return target !== null && (target.startsWith(`${home}/`) || (isInTree(target) && target.endsWith('/tree')));
}

/** Whether a path is a kept directory or lies in one, by its form: there are other stores, and places outside the homes. */
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

export function inTheWay(target: string): CachelaneError {
  return new CachelaneError(
    'E_MOUNT_POINT',
    `another run has its volume at ${target}, and nothing can be mounted here`,
    {
      hint: 'let one end before the other starts, or run where volumes can be mounted (cachelane doctor)',
    },
  );
}
