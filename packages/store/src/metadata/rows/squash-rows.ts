import type { LaneName, LayerId, SquashRecord, VolumeId } from '@cachelane/core';
import type { Decoder } from './rows.ts';
import type { Sql } from '../../sqlite/sqlite-database.ts';

export interface SquashRow {
  readonly volume_id: VolumeId;
  readonly lane: LaneName;
  readonly id: LayerId;
  readonly layers: string;
  readonly at_ms: number;
}

export function squashesOf(sql: Sql, decode: Decoder, volumeId: VolumeId, lane: LaneName): readonly SquashRecord[] {
  return sql
    .all<SquashRow>('SELECT * FROM squashes WHERE volume_id = ? AND lane = ? ORDER BY at_ms, id', volumeId, lane)
    .map((row) => toSquash(row, decode));
}

export function toSquash({ id, layers, at_ms }: SquashRow, decode: Decoder): SquashRecord {
  return { id, layers: decode.layers(layers), atMs: at_ms };
}

/** Records squashes, except those already recorded. */
export function recordSquashes(
  sql: Sql,
  { volumeId, lane }: { readonly volumeId: VolumeId; readonly lane: LaneName },
  records: readonly SquashRecord[],
): void {
  for (const { id, layers, atMs } of records) {
    sql.run(
      'INSERT OR IGNORE INTO squashes (volume_id, lane, id, layers, at_ms) VALUES (?, ?, ?, ?, ?)',
      volumeId,
      lane,
      id,
      JSON.stringify(layers),
      atMs,
    );
  }
}

/** Deletes the squash records of one lane, or of all lanes if `lane` is null. */
export function removeSquashes(sql: Sql, volumeId: VolumeId, lane: LaneName | null): void {
  sql.run('DELETE FROM squashes WHERE volume_id = ?1 AND lane = coalesce(?2, lane)', volumeId, lane);
}
