import {
  expireSquashes,
  limits,
  placeOf,
  type HeadRecord,
  type SquashRequest,
  type SquashStore,
} from '@cachelane/core';
import { headOf, recordLayer, refuseSwept, takeSwept, type Swept } from './rows/head-rows.ts';
import { settleLane } from './rows/holders.ts';
import type { Decoder } from './rows/rows.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';
import { recordSquashes, squashesOf, type SquashRow } from './rows/squash-rows.ts';
import { setSyncedLayers, syncedOf } from './synced-heads.ts';

export function squashStore(database: SqliteDatabase, decode: Decoder): SquashStore {
  return {
    squashes: (volumeId, lane, signal) => database.read(signal, (sql) => squashesOf(sql, decode, volumeId, lane)),
    squash: async (request, signal) =>
      refuseSwept(await database.write('durable', signal, (sql) => squash(sql, decode, request))),
  };
}

function squash(
  sql: Sql,
  decode: Decoder,
  { volumeId, lane, layer, layers, atMs }: SquashRequest,
): HeadRecord | undefined | Swept {
  const head = headOf(sql, decode, volumeId, lane);
  const place = head === undefined ? undefined : placeOf(head.layers, layers);
  if (head === undefined || place === undefined) return undefined;
  const swept = takeSwept(sql, [layer.id]);
  if (swept !== undefined) return { kind: 'swept', layer: swept };
  recordSquashes(sql, { volumeId, lane }, [{ id: layer.id, layers, atMs }]);
  const after = head.layers.toSpliced(place, layers.length, layer.id);
  sql.run('UPDATE heads SET layers = ? WHERE volume_id = ? AND lane = ?', JSON.stringify(after), volumeId, lane);
  recordLayer(sql, layer);
  settleLane(sql, { volumeId, lane });
  return { ...head, layers: after };
}

/** Deletes expired squash records. Records of remotes then name only the squash, not its layers. */
export function dropExpiredSquashes(sql: Sql, decode: Decoder, nowMs: number): void {
  const beforeMs = nowMs - limits.revocationMs;
  const lanes = sql.all<Pick<SquashRow, 'volume_id' | 'lane'>>(
    'SELECT DISTINCT volume_id, lane FROM squashes INDEXED BY squashes_by_time WHERE at_ms < ?',
    beforeMs,
  );
  for (const { volume_id: volumeId, lane } of lanes) {
    const records = squashesOf(sql, decode, volumeId, lane);
    const synced = syncedOf(sql, decode, { volumeId, lane });
    const commons = synced.map(({ layers }) => layers);
    const head = headOf(sql, decode, volumeId, lane)?.layers ?? [];
    const left = expireSquashes({ records, head, commons, beforeMs });
    const kept = new Set(left.records.map(({ id }) => id));
    for (const { id } of records) {
      if (!kept.has(id))
        sql.run('DELETE FROM squashes WHERE volume_id = ? AND lane = ? AND id = ?', volumeId, lane, id);
    }
    settleLane(sql, { volumeId, lane }, beforeMs);
    for (const [index, record] of synced.entries()) setSyncedLayers(sql, record, left.commons[index] ?? [], nowMs);
  }
}
