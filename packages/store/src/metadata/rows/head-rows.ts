import {
  CachelaneError,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerRecord,
  type VolumeId,
} from '@cachelane/core';
import { toHead, type Decoder, type HeadRow } from './rows.ts';
import { keepRun } from './runs.ts';
import type { Sql } from '../../sqlite/sqlite-database.ts';

export function headOf(sql: Sql, decode: Decoder, volumeId: VolumeId, lane: LaneName): HeadRecord | undefined {
  const row = sql.get<HeadRow>('SELECT * FROM heads WHERE volume_id = ? AND lane = ?', volumeId, lane);
  return row === undefined ? undefined : toHead(row, decode);
}

/** A layer that was collected before its caller committed it. */
export interface Swept {
  readonly kind: 'swept';
  readonly layer: LayerId;
}

function isSwept(result: object | undefined): result is Swept {
  return result !== undefined && 'kind' in result && result.kind === 'swept';
}

export function refuseSwept<T extends object | undefined>(result: T | Swept): T {
  if (!isSwept(result)) return result;
  throw new CachelaneError('E_LAYER_MISSING', `layer ${result.layer} was deleted before it was committed`, {
    hint: 'too much time passed between save and commit; run the command again',
  });
}

/**
 * Returns the first layer that was collected before this commit, and deletes its record.
 * The layer is refused once: a caller that publishes it again has stored its files again, so a second attempt may
 * succeed.
 */
export function takeSwept(sql: Sql, ids: readonly LayerId[]): LayerId | undefined {
  const swept = ids.find((id) => sql.get('SELECT 1 FROM forgotten_layers WHERE id = ?', id) !== undefined);
  if (swept !== undefined) sql.run('DELETE FROM forgotten_layers WHERE id = ?', swept);
  return swept;
}

export function recordLayer(sql: Sql, layer: LayerRecord): void {
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
  keepRun(sql, layer.run);
}

/** Deletes a layer's record. A commit that names the layer later fails; see {@link takeSwept}. */
export function forgetLayer(sql: Sql, id: LayerId, atMs: number): void {
  sql.run('DELETE FROM layers WHERE id = ?', id);
  sql.run('INSERT OR REPLACE INTO forgotten_layers (id, at_ms) VALUES (?, ?)', id, atMs);
}
