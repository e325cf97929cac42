import type { SavedVolume } from '@cachelane/engine';

/** Returns what was saved of a volume, as in the schema. */
export function savedNode(saved: SavedVolume): object {
  const { name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped } = saved;
  return { key: name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped };
}
