import type { KeptDirectory, LaneName, Metadata, Mounters, VolumeId } from '@cachelane/core';
import { findKept, removeKept } from './kept-directories.ts';

export interface Removal {
  readonly variants: readonly VolumeId[];
  /** The variants that have a head on the lane. */
  readonly held: ReadonlySet<VolumeId>;
  /** Null: all lanes, and the volumes themselves. */
  readonly lane: LaneName | null;
}

/** Removes heads of volumes with their history and kept directories. Open sessions keep their views. */
export async function removeVolumes(
  { metadata, mounters }: { readonly metadata: Metadata; readonly mounters: Mounters },
  { variants, held, lane }: Removal,
  signal: AbortSignal,
): Promise<void> {
  const ids = new Set(variants);
  for (const id of ids) {
    // Without a lane, variants with no head are removed too.
    if (lane === null || held.has(id)) await metadata.removeVolume(id, lane, signal);
  }
  const isGone = (kept: KeptDirectory): boolean => ids.has(kept.volume) && (lane === null || kept.lane === lane);
  await removeKept(mounters, await findKept(mounters, isGone, signal), signal);
}
