import { limits, type LayerId } from '@cachelane/core';
import type { Decoder } from './rows.ts';
import type { Sql } from '../../sqlite/sqlite-database.ts';

interface LayersRow {
  readonly layers: string;
  readonly layer_id: LayerId | null;
}

/**
 * Returns the layers that a head, recent history, session pins or a recent squash names. "Recent" means
 * `limits.historyMs` for history and `limits.revocationMs` for squashes.
 */
export function layersInUse(sql: Sql, decode: Decoder, nowMs: number): ReadonlySet<LayerId> {
  const inUse = new Set<LayerId>();
  // UNION drops duplicates: a head, its newest history row and several sessions often hold the same text.
  const rows = sql.all<LayersRow>(
    `SELECT layers, NULL AS layer_id FROM heads
     UNION SELECT layers, layer_id FROM history WHERE at_ms >= ?
     UNION SELECT pins, NULL FROM sessions
     UNION SELECT layers, NULL FROM squashes WHERE at_ms >= ?`,
    nowMs - limits.historyMs,
    nowMs - limits.revocationMs,
  );
  for (const { layers, layer_id } of rows) {
    for (const id of decode.layers(layers)) inUse.add(id);
    if (layer_id !== null) inUse.add(layer_id);
  }
  return inUse;
}
