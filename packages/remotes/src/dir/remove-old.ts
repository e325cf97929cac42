import { join } from 'node:path';
import { limits } from '@cachelane/core';
import { isMissing } from './dir-errors.ts';
import { dirLooks } from './dir-files.ts';
import { freshName, type DirPlace } from './dir-place.ts';

export interface OldFiles {
  readonly dir: string;
  readonly isOurs: (name: string) => boolean;
}

/**
 * Removes files of dead writers. Their age is measured against a new file in the same directory, so only the server's
 * clock counts.
 */
export async function removeOld(place: DirPlace, { dir, isOurs }: OldFiles): Promise<number> {
  const names = (await namesIn(dir)).filter(isOurs);
  if (names.length === 0) return 0;
  const probe = join(dir, freshName(place));
  await place.files.writeNew(probe, new Uint8Array());
  let removed = 0;
  try {
    const { mtimeMs: nowMs } = await dirLooks.stat(probe);
    for (const name of names) {
      if (await removeIfOld(place, join(dir, name), nowMs)) removed += 1;
    }
  } finally {
    await place.files.unlink(probe);
  }
  return removed;
}

/** Another client may sweep too. */
async function removeIfOld({ files }: DirPlace, path: string, nowMs: number): Promise<boolean> {
  try {
    const { mtimeMs } = await dirLooks.stat(path);
    if (nowMs - mtimeMs < limits.remoteSweepGraceMs) return false;
    await files.unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await dirLooks.names(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
