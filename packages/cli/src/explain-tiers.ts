import type { ExplainedTier } from '@cachelane/engine';
import { formatBytes, formatTable, plural } from './format.ts';

export function tiersJson(tiers: readonly ExplainedTier[]): readonly object[] {
  return tiers.map(({ namespace, lane, isRead, why, layers, files, sizeBytes, isFed, feeding }) => ({
    namespace,
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

/** A table, ended by an empty line; empty where there are none. */
export function tiersText(tiers: readonly ExplainedTier[]): string {
  if (tiers.length === 0) return '';
  const table = formatTable(
    [{ title: 'TIER' }, { title: 'READ' }, { title: 'FED' }],
    tiers.map(({ namespace, isRead, why, layers, sizeBytes, isFed, feeding }) => [
      namespace,
      isRead ? `${plural(layers, 'layer')}, ${formatBytes(sizeBytes)}: ${why}` : `no: ${why}`,
      `${isFed ? 'yes' : 'no'}: ${feeding}`,
    ]),
  );
  return `${table}\n`;
}
