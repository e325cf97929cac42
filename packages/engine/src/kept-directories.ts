import type { KeptDirectory, LaneName, Mounters, VolumeId } from '@cachelane/core';

/** Whether the directories of a volume's lane are to go; `usedAtMs`: when a run used it last. */
export type KeptTest = (volume: VolumeId, lane: LaneName, usedAtMs: number) => boolean;

/** Directories that mounters keep from run to run, that no run uses now and that pass the test. */
export async function findKept(
  mounters: Mounters,
  mayGo: KeptTest,
  signal: AbortSignal,
): Promise<readonly KeptDirectory[]> {
  const found: KeptDirectory[] = [];
  for (const mounter of new Set(Object.values(mounters))) {
    for (const kept of await mounter.listKept(signal)) {
      if (mayGo(kept.volume, kept.lane, kept.usedAtMs)) found.push(kept);
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
