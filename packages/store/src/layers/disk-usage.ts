import { lstatSync, readdirSync } from 'node:fs';
import type { StoreUsage } from '@cachelane/core';
import { errnoOf, isMissing } from './file-errors.ts';
import type { HomePaths } from './home-paths.ts';

/** What `st_blocks` counts in, whatever the file system's own blocks are. */
const blockBytes = 512;

export interface MeasuredHome {
  readonly home: string;
  readonly paths: HomePaths;
}

/** Walks the whole home; a file with several names is counted where it is met first, and layers are looked at before what links to them. */
export function diskUsage({ home, paths }: MeasuredHome, signal: AbortSignal): StoreUsage {
  const seen = new Set<string>();
  const bytesOf = (path: string, skip: readonly string[] = []): number => {
    signal.throwIfAborted();
    if (skip.includes(path)) return 0;
    const stat = unlessGone(() => lstatSync(path));
    if (stat === undefined) return 0;
    if (stat.nlink > 1 && !stat.isDirectory()) {
      const inode = `${stat.dev}:${stat.ino}`;
      if (seen.has(inode)) return 0;
      seen.add(inode);
    }
    let bytes = stat.blocks * blockBytes;
    if (!stat.isDirectory()) return bytes;
    for (const name of unlessGone(() => readdirSync(path)) ?? []) bytes += bytesOf(`${path}/${name}`, skip);
    return bytes;
  };
  const layersBytes = bytesOf(paths.layers);
  const derivedBytes = bytesOf(paths.derived);
  return { layersBytes, derivedBytes, otherBytes: bytesOf(home, [paths.layers, paths.derived]) };
}

/** Runs go on meanwhile; and a mounted overlay's work directory lets nobody look into it. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'EACCES') return undefined;
    throw error;
  }
}
