import {
  CachelaneError,
  invariant,
  limits,
  type CommitRequest,
  type CommitResult,
  type HeadStore,
  type LaneName,
  type LayerId,
  type RunRecord,
  type VolumeId,
} from '@cachelane/core';
import { forgetEviction } from './rows/evictions.ts';
import { dropOldUses } from './catalogs.ts';
import { removeEmptyNamespace } from './namespaces.ts';
import { removeNotedPaths } from './noted-paths.ts';
import { lifetimeIn, settleLane, usedAmong } from './rows/holders.ts';
import { forgetLayer, headOf, recordLayer, refuseSwept, takeSwept, type Swept } from './rows/head-rows.ts';
import { dropOldReads, requireNotRevoked } from './revocations.ts';
import { layersInUse } from './rows/references.ts';
import {
  toHead,
  toHistory,
  toLayer,
  toRun,
  toVolume,
  type Decoder,
  type HeadRow,
  type HistoryRow,
  type LayerRow,
  type RunRow,
  type VolumeRow,
} from './rows/rows.ts';
import { keepRun, recordRun } from './rows/runs.ts';
import { removeSquashes } from './rows/squash-rows.ts';
import { dropExpiredSquashes } from './squashes.ts';
import { commitSynced, isBehind, removeSynced } from './synced-heads.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

export function headStore(database: SqliteDatabase, decode: Decoder): HeadStore {
  return {
    head: (volumeId, lane, signal) => database.read(signal, (sql) => headOf(sql, decode, volumeId, lane)),

    commit: async (request, signal) => {
      const result = await database.write('durable', signal, (sql) => commit(sql, decode, request));
      return refuseSwept(result);
    },

    history: (volumeId, lane, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<HistoryRow>(
            'SELECT * FROM history WHERE volume_id = ? AND lane = ? ORDER BY generation DESC',
            volumeId,
            lane,
          )
          .map((row) => toHistory(row, decode)),
      ),

    listHeads: (signal) =>
      database.read(signal, (sql) =>
        sql.all<HeadRow>('SELECT * FROM heads ORDER BY volume_id, lane').map((row) => toHead(row, decode)),
      ),

    headsOf: (volumes, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<HeadRow>(
            'SELECT * FROM heads WHERE volume_id IN (SELECT value FROM json_each(?)) ORDER BY volume_id, lane',
            JSON.stringify(volumes),
          )
          .map((row) => toHead(row, decode)),
      ),

    volume: (id, signal) =>
      database.read(signal, (sql) => {
        const row = sql.get<VolumeRow>('SELECT * FROM volumes WHERE id = ?', id);
        return row === undefined ? undefined : toVolume(row, decode);
      }),

    listVolumes: (signal) =>
      database.read(signal, (sql) =>
        sql.all<VolumeRow>('SELECT * FROM volumes ORDER BY name, id').map((row) => toVolume(row, decode)),
      ),

    volumesOf: (namespaceId, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<VolumeRow>('SELECT * FROM volumes WHERE namespace_id = ? ORDER BY name, id', namespaceId)
          .map((row) => toVolume(row, decode)),
      ),

    layer: (id, signal) =>
      database.read(signal, (sql) => {
        const row = sql.get<LayerRow>('SELECT * FROM layers WHERE id = ?', id);
        return row === undefined ? undefined : toLayer(row);
      }),

    volumesHolding: (id, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<{ volume_id: VolumeId }>(
            'SELECT DISTINCT volume_id FROM layer_holders WHERE layer_id = ? ORDER BY volume_id',
            id,
          )
          .map(({ volume_id }) => volume_id),
      ),

    run: (id, signal) =>
      database.read(signal, (sql) => {
        const row = sql.get<RunRow>('SELECT * FROM runs WHERE id = ?', id);
        return row === undefined ? undefined : toRun(row);
      }),

    removeVolume: (volumeId, lane, signal) =>
      database.write('durable', signal, (sql) => {
        removeVolume(sql, volumeId, lane);
      }),

    referencedLayers: (nowMs, signal) => database.read(signal, (sql) => layersInUse(sql, decode, nowMs)),

    forgetLayers: (candidates, nowMs, signal) =>
      // Durable: the caller deletes files next, and a power cut must not restore a reference to them.
      database.write('durable', signal, (sql) => {
        dropExpired(sql, decode, nowMs);
        const asked = [...new Set(candidates)];
        const inUse = usedAmong(sql, asked);
        const forgotten = asked.filter((id) => !inUse.has(id));
        for (const id of forgotten) forgetLayer(sql, id, nowMs);
        return forgotten;
      }),
  };
}

function commit(sql: Sql, decode: Decoder, request: CommitRequest): CommitResult | Swept {
  const { volumeId, lane, layer, layers, run, atMs } = request;
  const volume = sql.get<VolumeRow>('SELECT * FROM volumes WHERE id = ?', volumeId);
  if (volume === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `there is no volume ${volumeId}: another command removed it`);
  }
  const head = headOf(sql, decode, volumeId, lane);
  if (request.expectedGeneration !== (head?.generation ?? 0) || isBehind(sql, decode, request)) {
    return { kind: 'conflict', head: head ?? null };
  }

  if (layer !== null) requireNotRevoked(sql, layer.run, volume.namespace_id);
  for (const origin of request.origins ?? []) requireNotRevoked(sql, origin, volume.namespace_id);
  const records = layer === null ? (request.rewritten ?? []) : [layer, ...(request.rewritten ?? [])];
  // Check only the new layers: a head may have a thousand.
  const present = new Set(head?.layers);
  const news = [...records.map(({ id }) => id), ...layers].filter((id) => !present.has(id));
  const swept = takeSwept(sql, news);
  if (swept !== undefined) return { kind: 'swept', layer: swept };
  for (const each of request.runs ?? []) recordOrigin(sql, each);
  commitSynced(sql, decode, request);
  const recorded = new Set(records.map(({ id }) => id));
  for (const id of news) {
    const isHere = recorded.has(id) || isKnown(sql, id);
    invariant(isHere, `the new head names layer ${id}, which this store has not recorded`);
  }

  if (head === undefined) forgetEviction(sql, volumeId, lane);
  const generation = (head?.generation ?? removedGeneration(sql, volumeId, lane)) + 1;
  const text = JSON.stringify(layers);
  sql.run(
    `INSERT INTO heads (volume_id, lane, generation, layers, updated_ms, run_id, used_ms, lifetime) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7)
     ON CONFLICT DO UPDATE SET generation = ?3, layers = ?4, updated_ms = ?5, run_id = ?6, used_ms = ?5`,
    volumeId,
    lane,
    generation,
    text,
    atMs,
    run,
    lifetimeIn(sql, { volumeId, lane }),
  );
  const { added, changed, removed, sizeBytes } = request.counts;
  sql.run(
    `INSERT INTO history (volume_id, lane, generation, layers, layer_id, run_id, at_ms, added, changed, removed, size_bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    volumeId,
    lane,
    generation,
    text,
    layer?.id ?? null,
    run,
    atMs,
    added,
    changed,
    removed,
    sizeBytes,
  );
  sql.run(
    'DELETE FROM history WHERE volume_id = ? AND lane = ? AND (generation <= ? OR at_ms < ?)',
    volumeId,
    lane,
    generation - limits.historyGenerations,
    atMs - limits.historyMs,
  );
  // Record layers after the head names them: a layer recorded earlier would count as loose.
  for (const record of records) recordLayer(sql, record);
  settleLane(sql, { volumeId, lane });
  return { kind: 'moved', head: { volumeId, lane, generation, layers: [...layers], updatedAtMs: atMs, run } };
}

function isKnown(sql: Sql, id: LayerId): boolean {
  return (
    sql.get('SELECT 1 FROM layers WHERE id = ?', id) !== undefined ||
    sql.get('SELECT 1 FROM sessions, json_each(sessions.pins) AS pin WHERE pin.value = ?', id) !== undefined
  );
}

/** Records a run that entries name as their origin, even if it made no layer. */
function recordOrigin(sql: Sql, run: RunRecord): void {
  recordRun(sql, run);
  keepRun(sql, run.id);
}

/**
 * Returns the last generation of a removed head, so that counting continues from it.
 * A session that pinned the removed head must not move a new head with the same generation.
 */
function removedGeneration(sql: Sql, volumeId: VolumeId, lane: LaneName): number {
  const row = sql.get<{ generation: number }>(
    'SELECT generation FROM removed_heads WHERE volume_id = ? AND lane = ?',
    volumeId,
    lane,
  );
  return row?.generation ?? 0;
}

function removeVolume(sql: Sql, volumeId: VolumeId, lane: LaneName | null): void {
  const volume = sql.get<VolumeRow>('SELECT * FROM volumes WHERE id = ?', volumeId);
  if (volume === undefined) return;
  removeHeads(sql, volumeId, lane);
  if (sql.get('SELECT 1 FROM heads WHERE volume_id = ?', volumeId) !== undefined) return;
  // The lock is on this volume id, not on its name. It ends with the session that holds it.
  if (sql.get('SELECT 1 FROM volume_locks WHERE volume_id = ?', volumeId) !== undefined) return;
  sql.run('DELETE FROM volumes WHERE id = ?', volumeId);
  removeEmptyNamespace(sql, volume.namespace_id);
}

/** Removes the heads of one lane, or of all lanes if `lane` is null, with all their records. */
export function removeHeads(sql: Sql, volumeId: VolumeId, lane: LaneName | null): void {
  const lanes = lane === null ? sql.all<HeadRow>('SELECT * FROM heads WHERE volume_id = ?', volumeId) : [{ lane }];
  for (const { lane } of lanes) {
    sql.run(
      `INSERT OR REPLACE INTO removed_heads (volume_id, lane, generation)
       SELECT volume_id, lane, generation FROM heads WHERE volume_id = ? AND lane = ?`,
      volumeId,
      lane,
    );
    sql.run('DELETE FROM heads WHERE volume_id = ? AND lane = ?', volumeId, lane);
    sql.run('DELETE FROM history WHERE volume_id = ? AND lane = ?', volumeId, lane);
    removeNotedPaths(sql, volumeId, lane);
  }
  removeSynced(sql, volumeId, lane);
  removeSquashes(sql, volumeId, lane);
  // No lane refers to any layer now.
  sql.run('DELETE FROM layer_holders WHERE volume_id = ?1 AND lane = coalesce(?2, lane)', volumeId, lane);
}

/** Deletes expired records. Runs that saved something stay: entries name them as their origin. */
export function dropExpired(sql: Sql, decode: Decoder, nowMs: number): void {
  dropExpiredSquashes(sql, decode, nowMs);
  dropOldReads(sql, nowMs);
  dropOldUses(sql, nowMs);
  const oldest = nowMs - limits.historyMs;
  const lanes = sql.all<{ volume_id: VolumeId; lane: LaneName }>(
    'SELECT DISTINCT volume_id, lane FROM history INDEXED BY history_by_time WHERE at_ms < ?',
    oldest,
  );
  sql.run('DELETE FROM history WHERE at_ms < ?', oldest);
  for (const { volume_id: volumeId, lane } of lanes) settleLane(sql, { volumeId, lane }, nowMs - limits.revocationMs);
  sql.run('DELETE FROM forgotten_layers WHERE at_ms < ?', oldest);
  sql.run('DELETE FROM evictions WHERE at_ms < ?', nowMs - limits.evictionsMs);
  sql.run(
    `DELETE FROM runs WHERE started_ms < ? AND saved = 0
     AND id NOT IN (SELECT run_id FROM sessions)
     AND NOT EXISTS (SELECT 1 FROM heads WHERE run_id = runs.id)
     AND NOT EXISTS (SELECT 1 FROM history WHERE run_id = runs.id)
     AND NOT EXISTS (SELECT 1 FROM run_reads WHERE run_id = runs.id)
     AND NOT EXISTS (SELECT 1 FROM revoked_runs WHERE run_id = runs.id)`,
    oldest,
  );
  // Only a session that was open when the head was removed can still hold its generation.
  if (sql.get('SELECT 1 FROM sessions') === undefined) sql.run('DELETE FROM removed_heads');
}
