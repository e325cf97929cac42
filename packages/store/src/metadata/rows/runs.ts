import type { RunId, RunRecord } from '@cachelane/core';
import type { Sql } from '../../sqlite/sqlite-database.ts';

/** Records a run, unless it is already recorded. */
export function recordRun(sql: Sql, run: RunRecord): void {
  sql.run(
    `INSERT OR IGNORE INTO runs (id, namespace_id, lane, started_ms, revision, workflow, purpose)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    run.id,
    run.namespaceId,
    run.lane,
    run.startedAtMs,
    run.revision,
    run.workflow,
    run.purpose,
  );
}

/** Marks a known run as permanent, because entries name it as their origin. */
export function keepRun(sql: Sql, id: RunId): void {
  sql.run('UPDATE runs SET saved = 1 WHERE id = ?', id);
}
