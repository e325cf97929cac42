import type { VolumeReport } from '@cachelane/core';

/** What became of a volume's changes. */
export function savedNode(report: VolumeReport): object {
  const { name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped } = report;
  return { key: name, added, changed, removed, savedBytes, layer, merged, conflicts, skipped };
}
