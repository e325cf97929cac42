import type { KeptDirectory, LaneName, Metadata, Mounters, VolumeId } from '@cachelane/core';
import { findKept, removeKept } from './kept-directories.ts';

export interface Removal {
  /** Variants of a volume. */
  readonly variants: readonly VolumeId[];
  /** Those of them that have a head in the lane. */
  readonly held: ReadonlySet<VolumeId>;
  /** Null: all of them, and the volumes themselves. */
  readonly lane: LaneName | null;
}

/** Takes the heads of volumes away, their history and the directories that were kept of them. Sessions that are open keep what they see. */
export async function removeVolumes(
  { metadata, mounters }: { readonly metadata: Metadata; readonly mounters: Mounters },
  { variants, held, lane }: Removal,
  signal: AbortSignal,
): Promise<void> {
  const ids = new Set(variants);
  for (const id of ids) {
    // With all lanes a variant goes as well that has no head left.
    if (lane === null || held.has(id)) await metadata.removeVolume(id, lane, signal);
  }
  const isGone = (kept: KeptDirectory): boolean => ids.has(kept.volume) && (lane === null || kept.lane === lane);
  await removeKept(mounters, await findKept(mounters, isGone, signal), signal);
}
