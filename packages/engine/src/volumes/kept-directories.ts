import type { KeptDirectory, Mounters } from '@cachelane/core';

export type KeptTest = (kept: KeptDirectory) => boolean;

/** Returns kept directories that no run uses and that pass the test. */
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

/** Removes kept directories, except those that a run has taken since. */
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
