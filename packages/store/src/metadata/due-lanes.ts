import {
  dueRules,
  isDue,
  lifetimeKeys,
  limits,
  type CollectionQuestion,
  type DueRule,
  type HeadSummary,
  type LaneName,
  type LifetimeKey,
  type Policies,
  type VolumeId,
} from '@cachelane/core';
import type { HeldBy } from './rows/holders.ts';
import type { Sql } from '../sqlite/sqlite-database.ts';

interface LaneRow {
  readonly volume_id: VolumeId;
  readonly lane: LaneName;
}

interface SummaryRow extends LaneRow {
  readonly lifetime: LifetimeKey;
  readonly used_ms: number;
  readonly earlier_states: number;
  readonly earliest_ms: number | null;
  readonly size_bytes: number;
}

const summary = 'h.volume_id, h.lane, h.lifetime, h.used_ms, h.earlier_states, h.earliest_ms, h.size_bytes';
export const levels = ['t0', 't1', 't2', 't3'] as const;

/** Returns each lane that has a head and that policies may affect now, once. */
export function dueLanes(
  sql: Sql,
  { nowMs, gone }: Pick<CollectionQuestion, 'nowMs' | 'gone'>,
  policies: Policies,
): readonly HeldBy[] {
  const [everywhere, ...nearer] = dueRules(policies, nowMs);
  const found = new Map<string, HeldBy>();
  const add = (rows: readonly LaneRow[]): void => {
    for (const { volume_id: volumeId, lane } of rows) found.set(`${volumeId} ${lane}`, { volumeId, lane });
  };
  add(sql.all<LaneRow>("SELECT volume_id, lane FROM heads WHERE substr(lane, 1, 2) = 't0'"));
  add(dueByAge(sql, everywhere));
  add(
    sql.all<LaneRow>(
      `SELECT DISTINCT y.volume_id, y.lane FROM history y INDEXED BY history_by_time JOIN heads USING (volume_id, lane) WHERE y.at_ms < ?1
       UNION SELECT s.volume_id, s.lane FROM squashes s INDEXED BY squashes_by_time JOIN heads USING (volume_id, lane) WHERE s.at_ms < ?2`,
      nowMs - limits.historyMs,
      nowMs - limits.revocationMs,
    ),
  );
  for (const namespace of gone) {
    add(
      sql.all<LaneRow>(
        `SELECT h.volume_id, h.lane FROM namespace_paths p JOIN volumes v ON v.namespace_id = p.namespace_id
         JOIN heads h ON h.volume_id = v.id WHERE p.path = ?`,
        namespace,
      ),
    );
  }
  for (const rule of nearer) add(headsAt(sql, rule).filter((row) => isDue(rule, summaryOf(row))));
  return [...found.values()];
}

/** Uses the indexes of the heads table. */
function dueByAge(sql: Sql, { usedByMs, earlierBeforeMs, earlierStates, sizeBytes }: DueRule): readonly LaneRow[] {
  const idle = lifetimeKeys.flatMap((lifetime) => {
    const usedBy = usedByMs[lifetime];
    if (usedBy === undefined) return [];
    return levels.flatMap((level) =>
      sql.all<LaneRow>(
        'SELECT volume_id, lane FROM heads WHERE substr(lane, 1, 2) = ? AND lifetime = ? AND used_ms <= ?',
        level,
        lifetime,
        usedBy,
      ),
    );
  });
  const old =
    earlierBeforeMs === null
      ? []
      : sql.all<LaneRow>('SELECT volume_id, lane FROM heads WHERE earliest_ms < ?', earlierBeforeMs);
  const many =
    earlierStates === null
      ? []
      : sql.all<LaneRow>('SELECT volume_id, lane FROM heads WHERE earlier_states > ?', earlierStates);
  const large =
    sizeBytes === null ? [] : sql.all<LaneRow>('SELECT volume_id, lane FROM heads WHERE size_bytes > ?', sizeBytes);
  return [...idle, ...old, ...many, ...large];
}

function headsAt(sql: Sql, { where }: DueRule): readonly SummaryRow[] {
  if (where === null) return [];
  if (typeof where !== 'string') {
    return sql.all<SummaryRow>(
      `SELECT ${summary} FROM volumes v JOIN heads h ON h.volume_id = v.id WHERE v.namespace_id = ? AND h.lane = ?`,
      where.namespaceId,
      where.lane,
    );
  }
  // '0' is the character after '/'.
  return sql.all<SummaryRow>(
    `SELECT ${summary} FROM (
       SELECT namespace_id FROM namespace_paths WHERE path = ?1
       UNION SELECT namespace_id FROM namespace_paths WHERE path > ?1 || '/' AND path < ?1 || '0'
     ) JOIN volumes v USING (namespace_id) JOIN heads h ON h.volume_id = v.id`,
    where,
  );
}

function summaryOf(row: SummaryRow): HeadSummary {
  return {
    lifetime: row.lifetime,
    usedAtMs: row.used_ms,
    earlierStates: row.earlier_states,
    earliestMs: row.earliest_ms,
    sizeBytes: row.size_bytes,
  };
}
