import {
  CachelaneError,
  limits,
  type LayerId,
  type NamespaceId,
  type ReadRecord,
  type RevocationStore,
  type RevokedRun,
  type RunId,
  type VolumeId,
} from '@cachelane/core';
import { toRun, type Decoder, type RunRow } from './rows/rows.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

interface ReadRow {
  readonly run_id: RunId;
  readonly volume_id: VolumeId;
  readonly layers: string;
  readonly at_ms: number;
}

interface RevokedRow {
  readonly run_id: RunId;
  /** Empty means all namespaces. */
  readonly namespace_id: NamespaceId | '';
  readonly at_ms: number;
  readonly revoked_by: string;
}

export function revocationStore(database: SqliteDatabase, decode: Decoder): RevocationStore {
  return {
    findRuns: (prefix, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<RunRow>('SELECT * FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 10', prefix)
          .map(toRun),
      ),
    listReads: (signal) =>
      database.read(signal, (sql) =>
        sql.all<ReadRow>('SELECT * FROM run_reads ORDER BY at_ms, run_id, volume_id').map((row) => toRead(row, decode)),
      ),
    readsOf: (run, volumeId, signal) =>
      database.read(signal, (sql) => {
        const row = readRow(sql, run, volumeId);
        return row === undefined ? undefined : toRead(row, decode);
      }),
    revokedRuns: (of, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<RevokedRow>(
            `SELECT * FROM revoked_runs WHERE ?1 = 'all' OR namespace_id IN (?1, '') ORDER BY at_ms DESC, run_id, namespace_id`,
            of,
          )
          .map((row): RevokedRun => ({
            run: row.run_id,
            atMs: row.at_ms,
            by: row.revoked_by,
            namespaceId: row.namespace_id === '' ? null : row.namespace_id,
          })),
      ),
    revokeRuns: (revocations, signal) =>
      database.write('durable', signal, (sql) => {
        for (const { run, atMs, by, namespaceId } of revocations) {
          if (isRevoked(sql, run, namespaceId ?? '')) continue;
          sql.run(
            'INSERT INTO revoked_runs (run_id, namespace_id, at_ms, revoked_by) VALUES (?, ?, ?, ?)',
            run,
            namespaceId ?? '',
            atMs,
            by,
          );
        }
      }),
  };
}

function readRow(sql: Sql, run: RunId, volumeId: VolumeId): ReadRow | undefined {
  return sql.get<ReadRow>('SELECT * FROM run_reads WHERE run_id = ? AND volume_id = ?', run, volumeId);
}

function toRead(row: ReadRow, decode: Decoder): ReadRecord {
  return { run: row.run_id, volumeId: row.volume_id, layers: decode.layers(row.layers), atMs: row.at_ms };
}

export interface Reads {
  readonly run: RunId;
  readonly volumeId: VolumeId;
  readonly layers: Iterable<LayerId>;
  readonly atMs: number;
}

/** Adds the layers that a run sees. A run that opens the volume again keeps its earlier layers. */
export function recordReads(sql: Sql, decode: Decoder, { run, volumeId, layers, atMs }: Reads): void {
  const known = readRow(sql, run, volumeId);
  const all = new Set([...(known === undefined ? [] : decode.layers(known.layers)), ...layers]);
  if (all.size === 0) return;
  sql.run(
    'INSERT OR REPLACE INTO run_reads (run_id, volume_id, layers, at_ms) VALUES (?, ?, ?, ?)',
    run,
    volumeId,
    JSON.stringify([...all].toSorted()),
    atMs,
  );
}

export function dropOldReads(sql: Sql, nowMs: number): void {
  sql.run('DELETE FROM run_reads WHERE at_ms < ?', nowMs - limits.readsMs);
}

function isRevoked(sql: Sql, run: RunId, namespaceId: NamespaceId | ''): boolean {
  const row = sql.get("SELECT 1 FROM revoked_runs WHERE run_id = ? AND namespace_id IN (?, '')", run, namespaceId);
  return row !== undefined;
}

/** Throws E_LAYER_REFUSED if the run is revoked for this namespace. */
export function requireNotRevoked(sql: Sql, run: RunId, namespaceId: NamespaceId): void {
  if (!isRevoked(sql, run, namespaceId)) return;
  throw new CachelaneError('E_LAYER_REFUSED', `${run} is revoked: its contents are refused`, {
    hint: `cachelane revoke --run ${run} removes its remaining contents`,
  });
}
