import { limits, type LayerId } from '@cachelane/core';
import type { Decoder } from './rows.ts';
import type { Sql } from '../../sqlite/sqlite-database.ts';

interface LayersRow {
  readonly layers: string;
  readonly layer_id: LayerId | null;
}

/** Layers that a head, a history row of the last `limits.historyMs`, the pins of a session, or a squash of the last `limits.revocationMs` names. */
export function layersInUse(sql: Sql, decode: Decoder, nowMs: number): ReadonlySet<LayerId> {
  const inUse = new Set<LayerId>();
  // UNION: the head and the newest history row, and neighbours that pinned the same, hold the same text.
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
