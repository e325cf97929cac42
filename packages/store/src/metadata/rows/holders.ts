import { lifetimeOf, type LaneName, type LayerId, type NamespaceId, type VolumeId } from '@cachelane/core';
import type { Sql } from '../../sqlite/sqlite-database.ts';

/** The assumed size of a layer without a recorded size. It is more than any budget. */
const unknownBytes = 2 ** 50;

export interface HeldBy {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
}

/**
 * Drops a lane's holds on layers it no longer names, and updates the summary of its head.
 * Only garbage collection sets `squashedFromMs`, which drops layers that older squashes replaced. A save must not: its
 * clock may be wrong, and a dropped hold does not come back.
 */
export function settleLane(sql: Sql, { volumeId, lane }: HeldBy, squashedFromMs = 0): void {
  sql.run(
    `DELETE FROM layer_holders WHERE volume_id = ?1 AND lane = ?2 AND layer_id NOT IN (
       SELECT each.value FROM heads, json_each(heads.layers) AS each WHERE volume_id = ?1 AND lane = ?2
       UNION ALL SELECT each.value FROM history, json_each(history.layers) AS each WHERE volume_id = ?1 AND lane = ?2
       UNION ALL SELECT layer_id FROM history WHERE volume_id = ?1 AND lane = ?2 AND layer_id IS NOT NULL
       UNION ALL SELECT each.value FROM squashes, json_each(squashes.layers) AS each
         WHERE volume_id = ?1 AND lane = ?2 AND at_ms >= ?3)`,
    volumeId,
    lane,
    squashedFromMs,
  );
  sql.run(
    `UPDATE heads SET (earlier_states, earliest_ms) = (
       SELECT count(*), min(y.at_ms) FROM history y
       WHERE y.volume_id = ?1 AND y.lane = ?2 AND y.generation < heads.generation
     ), size_bytes = (
       SELECT coalesce(sum(coalesce(l.size_bytes, ?3)), 0)
       FROM (SELECT DISTINCT value AS id FROM json_each(heads.layers)) AS named LEFT JOIN layers l ON l.id = named.id
     ) WHERE volume_id = ?1 AND lane = ?2`,
    volumeId,
    lane,
    unknownBytes,
  );
}

/** Returns the lifetime class of a lane's head, by the default lane of its namespace. */
export function lifetimeIn(sql: Sql, { volumeId, lane }: HeldBy): string {
  const row = sql.get<{ default_lane: LaneName | null }>(
    'SELECT n.default_lane FROM volumes v JOIN namespaces n ON n.id = v.namespace_id WHERE v.id = ?',
    volumeId,
  );
  return lifetimeOf(lane, row?.default_lane ?? null);
}

/** Updates the lifetimes of all heads of a namespace after its default lane changed. */
export function settleLifetimes(sql: Sql, namespaceId: NamespaceId): void {
  const heads = sql.all<{ volume_id: VolumeId; lane: LaneName }>(
    'SELECT h.volume_id, h.lane FROM volumes v JOIN heads h ON h.volume_id = v.id WHERE v.namespace_id = ?',
    namespaceId,
  );
  for (const { volume_id: volumeId, lane } of heads) {
    sql.run(
      'UPDATE heads SET lifetime = ? WHERE volume_id = ? AND lane = ?',
      lifetimeIn(sql, { volumeId, lane }),
      volumeId,
      lane,
    );
  }
}

/** Returns the layers that a lane holds or a session pins. */
export function usedAmong(sql: Sql, ids: readonly LayerId[]): ReadonlySet<LayerId> {
  if (ids.length === 0) return new Set();
  const rows = sql.all<{ id: LayerId }>(
    `WITH asked AS MATERIALIZED (SELECT value AS id FROM json_each(?1))
     SELECT id FROM asked WHERE EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = asked.id)
     UNION SELECT each.value FROM sessions, json_each(sessions.pins) AS each WHERE each.value IN asked`,
    JSON.stringify(ids),
  );
  return new Set(rows.map(({ id }) => id));
}
