import { readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { namesIn } from '../layers/read-file.ts';
import type { StoreFiles } from '../layers/store-files.ts';

// Symlinks of ours at the places of caches, from runs where nothing could be mounted.

/** Removes one that a killed run left. Throws E_MOUNT_POINT while another run uses the directory that it leads to. */
export function clearStaleLink(files: Pick<StoreFiles, 'unlink'>, target: string, home: string): void {
  const link = linkAt(target);
  if (link === null || !leadsInto(target, home)) return;
  if (isInUse(link)) throw inTheWay(target);
  files.unlink(target);
}

/** A symlink of ours; places outside the home hold kept directories too. */
export function leadsInto(path: string, home: string): boolean {
  const target = linkAt(path);
  return target !== null && (target.startsWith(`${home}/`) || /\/\.cachelane\/[0-9a-z-]+\/\d+\/tree$/.test(target));
}

/** Where a symlink at the path leads; null where there is none. */
export function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Whether a run uses the kept directory that a symlink leads to. */
function isInUse(tree: string): boolean {
  return namesIn(`${dirname(tree)}/users`).length > 0;
}

function inTheWay(target: string): CachelaneError {
  return new CachelaneError(
    'E_MOUNT_POINT',
    `another run has its volume at ${target}, and nothing can be mounted here`,
    {
      hint: 'let one end before the other starts, or run where volumes can be mounted (cachelane doctor)',
    },
  );
}
