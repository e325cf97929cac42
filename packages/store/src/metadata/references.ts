import { limits, type LayerId } from '@cachelane/core';
import type { Decoder } from './rows.ts';
import type { Sql } from './sqlite-database.ts';

interface LayersRow {
  readonly layers: string;
  readonly layer_id: LayerId | null;
}

/** Of some layers those that are in use, as {@link layersInUse} says. All others wait meanwhile, and to have everything here that heads and history name takes five times as long. */
export function usedAmong(sql: Sql, ids: readonly LayerId[], nowMs: number): ReadonlySet<LayerId> {
  if (ids.length === 0) return new Set();
  const rows = sql.all<{ id: LayerId }>(
    `WITH asked AS MATERIALIZED (SELECT value AS id FROM json_each(?1))
     SELECT each.value AS id FROM heads, json_each(heads.layers) AS each WHERE each.value IN asked
     UNION SELECT each.value FROM history, json_each(history.layers) AS each WHERE at_ms >= ?2 AND each.value IN asked
     UNION SELECT layer_id FROM history WHERE at_ms >= ?2 AND layer_id IN asked
     UNION SELECT each.value FROM sessions, json_each(sessions.pins) AS each WHERE each.value IN asked
     UNION SELECT each.value FROM squashes, json_each(squashes.layers) AS each WHERE at_ms >= ?3 AND each.value IN asked`,
    JSON.stringify(ids),
    nowMs - limits.historyMs,
    nowMs - limits.revocationMs,
  );
  return new Set(rows.map(({ id }) => id));
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
