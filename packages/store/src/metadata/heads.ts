import {
  CachelaneError,
  invariant,
  limits,
  type CommitRequest,
  type CommitResult,
  type HeadRecord,
  type HeadStore,
  type LaneName,
  type LayerId,
  type LayerRecord,
  type VolumeId,
} from '@cachelane/core';
import { removeEmptyNamespace } from './namespaces.ts';
import { layersInUse } from './references.ts';
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
} from './rows.ts';
import type { Sql, SqliteDatabase } from './sqlite-database.ts';

export function headStore(database: SqliteDatabase, decode: Decoder): HeadStore {
  return {
    head: (volumeId, lane, signal) => database.read(signal, (sql) => headOf(sql, decode, volumeId, lane)),

    commit: async (request, signal) => {
      const result = await database.write('durable', signal, (sql) => commit(sql, decode, request));
      if (result.kind !== 'swept') return result;
      throw new CachelaneError('E_LAYER_MISSING', `layer ${result.layer} was swept before it was committed`, {
        hint: 'too much time went by between saving and committing; run it again',
      });
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

    listVolumes: (signal) =>
      database.read(signal, (sql) =>
        sql.all<VolumeRow>('SELECT * FROM volumes ORDER BY name, id').map((row) => toVolume(row, decode)),
      ),

    layer: (id, signal) =>
      database.read(signal, (sql) => {
        const row = sql.get<LayerRow>('SELECT * FROM layers WHERE id = ?', id);
        return row === undefined ? undefined : toLayer(row);
      }),

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
      // Durable: the caller deletes files next, and a forgotten reference must not come back after that.
      database.write('durable', signal, (sql) => {
        dropExpired(sql, nowMs);
        const inUse = layersInUse(sql, decode, nowMs);
        const forgotten = [...new Set(candidates)].filter((id) => !inUse.has(id));
        for (const id of forgotten) {
          sql.run('DELETE FROM layers WHERE id = ?', id);
          sql.run('INSERT OR REPLACE INTO forgotten_layers (id, at_ms) VALUES (?, ?)', id, nowMs);
        }
        return forgotten;
      }),
  };
}

function headOf(sql: Sql, decode: Decoder, volumeId: VolumeId, lane: LaneName): HeadRecord | undefined {
  const row = sql.get<HeadRow>('SELECT * FROM heads WHERE volume_id = ? AND lane = ?', volumeId, lane);
  return row === undefined ? undefined : toHead(row, decode);
}

function commit(
  sql: Sql,
  decode: Decoder,
  request: CommitRequest,
): CommitResult | { readonly kind: 'swept'; readonly layer: LayerId } {
  const { volumeId, lane, layer, layers, run, atMs } = request;
  if (sql.get('SELECT 1 FROM volumes WHERE id = ?', volumeId) === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `there is no volume ${volumeId}: it was removed meanwhile`);
  }
  const head = headOf(sql, decode, volumeId, lane);
  if (request.expectedGeneration !== (head?.generation ?? 0)) return { kind: 'conflict', head: head ?? null };

  const records = layer === null ? (request.rewritten ?? []) : [layer, ...(request.rewritten ?? [])];
  // What the head names already is known by being there; a head may have a thousand layers.
  const present = new Set(head?.layers);
  const news = [...records.map(({ id }) => id), ...layers].filter((id) => !present.has(id));
  const swept = takeSwept(sql, news);
  if (swept !== undefined) return { kind: 'swept', layer: swept };
  for (const record of records) recordLayer(sql, record);
  for (const id of news) invariant(isKnown(sql, id), `a head was to name layer ${id}, which this store never recorded`);

  const generation = (head?.generation ?? removedGeneration(sql, volumeId, lane)) + 1;
  const text = JSON.stringify(layers);
  sql.run(
    `INSERT OR REPLACE INTO heads (volume_id, lane, generation, layers, updated_ms, run_id) VALUES (?, ?, ?, ?, ?, ?)`,
    volumeId,
    lane,
    generation,
    text,
    atMs,
    run,
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
  return { kind: 'moved', head: { volumeId, lane, generation, layers: [...layers], updatedAtMs: atMs, run } };
}

/**
 * The first layer whose files were given to the collector while its caller slept. It is refused once: a caller that
 * stages and publishes it again afterwards has its files there, and may come back.
 */
function takeSwept(sql: Sql, ids: readonly LayerId[]): LayerId | undefined {
  const swept = ids.find((id) => sql.get('SELECT 1 FROM forgotten_layers WHERE id = ?', id) !== undefined);
  if (swept !== undefined) sql.run('DELETE FROM forgotten_layers WHERE id = ?', swept);
  return swept;
}

function isKnown(sql: Sql, id: LayerId): boolean {
  return (
    sql.get('SELECT 1 FROM layers WHERE id = ?', id) !== undefined ||
    sql.get('SELECT 1 FROM sessions, json_each(sessions.pins) AS pin WHERE pin.value = ?', id) !== undefined
  );
}

function recordLayer(sql: Sql, layer: LayerRecord): void {
  const { added, changed, removed, sizeBytes } = layer.counts;
  sql.run(
    `INSERT OR IGNORE INTO layers (id, volume_id, run_id, added, changed, removed, size_bytes, files, sealed_ms, boot_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    layer.id,
    layer.volumeId,
    layer.run,
    added,
    changed,
    removed,
    sizeBytes,
    layer.files,
    layer.sealedAtMs,
    layer.bootId,
  );
  sql.run('UPDATE runs SET saved = 1 WHERE id = ?', layer.run);
}

/**
 * Where a head was removed the count goes on: a session that pinned the removed head at generation n must not find
 * another head at n and move it, which would bring removed layers back and lose the other's.
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
  }
  if (sql.get('SELECT 1 FROM heads WHERE volume_id = ?', volumeId) !== undefined) return;
  // A lock is on this volume, not on one of the same name that is made next: it goes with the session that has the lock.
  if (sql.get('SELECT 1 FROM volume_locks WHERE volume_id = ?', volumeId) !== undefined) return;
  sql.run('DELETE FROM volumes WHERE id = ?', volumeId);
  removeEmptyNamespace(sql, volume.namespace_id);
}

/** What only time makes superfluous. Runs that saved something stay: entries name them as their origin. */
function dropExpired(sql: Sql, nowMs: number): void {
  const oldest = nowMs - limits.historyMs;
  sql.run('DELETE FROM history WHERE at_ms < ?', oldest);
  sql.run('DELETE FROM forgotten_layers WHERE at_ms < ?', oldest);
  sql.run(
    `DELETE FROM runs WHERE started_ms < ? AND saved = 0
     AND id NOT IN (SELECT run_id FROM sessions)
     AND id NOT IN (SELECT run_id FROM heads)
     AND id NOT IN (SELECT run_id FROM history)`,
    oldest,
  );
  // Only a session that was open when the head was removed can still hold its generation.
  if (sql.get('SELECT 1 FROM sessions') === undefined) sql.run('DELETE FROM removed_heads');
}
