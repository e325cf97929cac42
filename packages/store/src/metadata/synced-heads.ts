import {
  CachelaneError,
  type CommitRequest,
  type LaneName,
  type LayerId,
  type NamespaceId,
  type RecordSyncedRequest,
  type SyncedHead,
  type SyncStore,
  type VolumeId,
} from '@cachelane/core';
import { recordSquashes } from './rows/squash-rows.ts';
import { toSynced, type Decoder, type SyncedRow } from './rows/rows.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

export function syncStore(database: SqliteDatabase, decode: Decoder): SyncStore {
  return {
    syncedHead: (remote, volumeId, lane, signal) =>
      database.read(signal, (sql) => recordOf(sql, decode, { remote, volumeId, lane })),

    listSyncedHeads: (remote, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<SyncedRow>(
            'SELECT * FROM synced_heads WHERE ? IS NULL OR remote = ? ORDER BY remote, volume_id, lane',
            remote,
            remote,
          )
          .map((row) => toSynced(row, decode)),
      ),

    recordSynced: (request, signal) =>
      database.write('durable', signal, (sql) => {
        if (sql.get('SELECT 1 FROM volumes WHERE id = ?', request.volumeId) === undefined) {
          throw new CachelaneError('E_NOT_FOUND', `there is no volume ${request.volumeId}: another command removed it`);
        }
        if (revisionOf(sql, decode, request) !== request.expectedRevision) return false;
        setSynced(sql, request);
        return true;
      }),
  };
}

type Key = Pick<RecordSyncedRequest, 'remote' | 'volumeId' | 'lane'>;

function recordOf(sql: Sql, decode: Decoder, { remote, volumeId, lane }: Key): SyncedHead | undefined {
  const row = sql.get<SyncedRow>(
    'SELECT * FROM synced_heads WHERE remote = ? AND volume_id = ? AND lane = ?',
    remote,
    volumeId,
    lane,
  );
  return row === undefined ? undefined : toSynced(row, decode);
}

function revisionOf(sql: Sql, decode: Decoder, key: Key): number {
  return recordOf(sql, decode, key)?.revision ?? 0;
}

function setSynced(sql: Sql, request: RecordSyncedRequest): void {
  sql.run(
    `INSERT OR REPLACE INTO synced_heads (remote, volume_id, lane, layers, revision, at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    request.remote,
    request.volumeId,
    request.lane,
    JSON.stringify(request.layers.toSorted()),
    request.expectedRevision + 1,
    request.atMs,
  );
  recordSquashes(sql, request, request.squashes ?? []);
}

/** Returns whether the record changed after the caller of a commit read it. */
export function isBehind(sql: Sql, decode: Decoder, { synced, volumeId, lane }: CommitRequest): boolean {
  return synced !== undefined && revisionOf(sql, decode, { ...synced, volumeId, lane }) !== synced.expectedRevision;
}

/** Updates the sync records of a head for a commit that succeeds. */
export function commitSynced(sql: Sql, decode: Decoder, request: CommitRequest): void {
  const { synced, volumeId, lane, atMs } = request;
  const lost = new Set(request.lost);
  if (lost.size > 0) loseSynced(sql, decode, { volumeId, lane, lost, atMs });
  if (synced === undefined) return;
  const layers = synced.layers.filter((id) => !lost.has(id));
  setSynced(sql, { ...synced, layers, volumeId, lane, atMs });
}

/** Returns the head's records for every remote. */
export function syncedOf(
  sql: Sql,
  decode: Decoder,
  { volumeId, lane }: Pick<Key, 'volumeId' | 'lane'>,
): readonly SyncedHead[] {
  return sql
    .all<SyncedRow>('SELECT * FROM synced_heads WHERE volume_id = ? AND lane = ?', volumeId, lane)
    .map((row) => toSynced(row, decode));
}

export function setSyncedLayers(sql: Sql, record: SyncedHead, layers: readonly LayerId[], atMs: number): void {
  if (layers.length < record.layers.length)
    setSynced(sql, { ...record, layers, expectedRevision: record.revision, atMs });
}

interface Loss {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly lost: ReadonlySet<LayerId>;
  readonly atMs: number;
}

/** Removes lost layers from the records of every remote. */
function loseSynced(sql: Sql, decode: Decoder, { volumeId, lane, lost, atMs }: Loss): void {
  for (const record of syncedOf(sql, decode, { volumeId, lane })) {
    const layers = record.layers.filter((id) => !lost.has(id));
    setSyncedLayers(sql, record, layers, atMs);
  }
}

/** Deletes the records of one lane, or of all lanes if `lane` is null. */
export function removeSynced(sql: Sql, volumeId: VolumeId, lane: LaneName | null): void {
  sql.run('DELETE FROM synced_heads WHERE volume_id = ?1 AND lane = coalesce(?2, lane)', volumeId, lane);
}

/** Clears the layers in all records of a namespace whose remote heads have changed. The records themselves stay. */
export function emptySynced(sql: Sql, namespaceId: NamespaceId): void {
  sql.run(
    `UPDATE synced_heads SET layers = '[]', revision = revision + 1
     WHERE volume_id IN (SELECT id FROM volumes WHERE namespace_id = ?)`,
    namespaceId,
  );
}
