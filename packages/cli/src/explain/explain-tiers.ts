import type { ExplainedTier } from '@cachelane/engine';
import { formatBytes, formatTable, plural } from '../base/format.ts';

export function tiersJson(tiers: readonly ExplainedTier[]): readonly object[] {
  return tiers.map(({ namespace, by, lane, isRead, why, layers, files, sizeBytes, isFed, feeding }) => ({
    namespace,
    by,
    lane,
    isRead,
    why,
    layers,
    files,
    sizeBytes,
    isFed,
    feeding,
  }));
}

/** Returns a table that ends with an empty line; empty without tiers. */
export function tiersText(tiers: readonly ExplainedTier[]): string {
  if (tiers.length === 0) return '';
  const table = formatTable(
    [{ title: 'TIER' }, { title: 'NAMED BY' }, { title: 'READ' }, { title: 'FED' }],
    tiers.map(({ namespace, by, isRead, why, layers, sizeBytes, isFed, feeding }) => [
      namespace,
      by,
      isRead ? `${plural(layers, 'layer')}, ${formatBytes(sizeBytes)}: ${why}` : `no: ${why}`,
      `${isFed ? 'yes' : 'no'}: ${feeding}`,
    ]),
  );
  return `${table}\n`;
}
