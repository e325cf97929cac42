import type { KeptDirectory, Mounters } from '@cachelane/core';

/** Whether a directory is to go. */
export type KeptTest = (kept: KeptDirectory) => boolean;

/** Directories that mounters keep from run to run, that no run uses now and that pass the test. */
export async function findKept(
  mounters: Mounters,
  mayGo: KeptTest,
  signal: AbortSignal,
): Promise<readonly KeptDirectory[]> {
  const found: KeptDirectory[] = [];
  for (const mounter of new Set(Object.values(mounters))) {
    for (const kept of await mounter.listKept(signal)) {
      if (mayGo(kept)) found.push(kept);
    }
  }
  return found;
}

/** Removes them; what a run took meanwhile stays. */
export async function removeKept(
  mounters: Mounters,
  directories: readonly KeptDirectory[],
  signal: AbortSignal,
): Promise<void> {
  for (const mounter of new Set(Object.values(mounters))) {
    const known = new Set((await mounter.listKept(signal)).map(({ dir }) => dir));
    await mounter.removeKept(
      directories.filter(({ dir }) => known.has(dir)),
      signal,
    );
  }
}
