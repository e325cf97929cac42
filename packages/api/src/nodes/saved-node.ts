import type { SavedVolume } from '@cachelane/engine';

/** What became of a volume's changes. */
export function savedNode(saved: SavedVolume): object {
  const { name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped } = saved;
  return { key: name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped };
}
