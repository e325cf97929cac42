import { closeSync, constants, lstatSync, openSync, readdirSync, type Stats } from 'node:fs';
import type { StoreUsage } from '@cachelane/core';
import { placesOf } from '../links/kept-places.ts';
import { errnoOf, isMissing } from '../files/file-errors.ts';
import type { HomePaths } from '../files/home-paths.ts';

/** The unit of `st_blocks`, whatever the file system's block size. */
const blockBytes = 512;

/** One more name could bring a path near the kernel's limit of 4,096 bytes. */
const longPathBytes = 3500;

export interface MeasuredHome {
  readonly home: string;
  readonly paths: HomePaths;
}

/**
 * Walks the whole home. Counts a file with several names once, and visits layers before the directories that link
 * to them.
 */
export function diskUsage({ home, paths }: MeasuredHome, signal: AbortSignal): StoreUsage {
  const seen = new Set<string>();
  const isNew = ({ nlink, dev, ino }: Stats): boolean => {
    if (nlink === 1) return true;
    const inode = `${dev}:${ino}`;
    if (seen.has(inode)) return false;
    seen.add(inode);
    return true;
  };
  const bytesOf = (top: string, skip: readonly string[] = []): number => {
    let bytes = 0;
    // Not recursive: trees of failed runs may be deeper than the call stack.
    const pending: (string | Anchor)[] = [top];
    try {
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        signal.throwIfAborted();
        if (typeof next !== 'string') {
          closeSync(next.descriptor);
          continue;
        }
        const path = next;
        if (skip.includes(path)) continue;
        const stat = unlessGone(() => lstatSync(path));
        if (stat === undefined || !(stat.isDirectory() || isNew(stat))) continue;
        bytes += stat.blocks * blockBytes;
        if (!stat.isDirectory()) continue;
        const names = unlessGone(() => readdirSync(path)) ?? [];
        const anchor = Buffer.byteLength(path) < longPathBytes || names.length === 0 ? undefined : anchorAt(path);
        if (anchor !== undefined) pending.push(anchor);
        for (const name of names) pending.push(`${anchor?.path ?? path}/${name}`);
      }
    } finally {
      for (const left of pending) if (typeof left !== 'string') closeSync(left.descriptor);
    }
    return bytes;
  };
  const layersBytes = bytesOf(paths.layers);
  const derivedBytes = bytesOf(paths.derived);
  const places = placesOf(paths.kept);
  const keptDirectoriesBytes = places.reduce((sum, place) => sum + bytesOf(place), 0);
  const providedImagesBytes = bytesOf(paths.images);
  const otherBytes = bytesOf(home, [paths.layers, paths.derived, paths.images, ...places]);
  return { layersBytes, derivedBytes, keptDirectoriesBytes, providedImagesBytes, otherBytes };
}

/** An open directory, which gives a long path a short name. */
interface Anchor {
  readonly descriptor: number;
  readonly path: string;
}

function anchorAt(path: string): Anchor | undefined {
  const descriptor = unlessGone(() =>
    openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW),
  );
  return descriptor === undefined ? undefined : { descriptor, path: `/proc/self/fd/${descriptor}` };
}

/**
 * Returns undefined for what cannot be read: runs may delete it now, overlays block their work directories, and
 * very deep paths need /proc.
 */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error) || ['EACCES', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
