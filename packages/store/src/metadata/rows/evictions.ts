import type {
  ChainLink,
  Compat,
  Eviction,
  LaneName,
  Namespace,
  PolicyKey,
  VolumeId,
  VolumeName,
} from '@cachelane/core';
import { compatKey, type Decoder } from './rows.ts';
import type { Sql } from '../../sqlite/sqlite-database.ts';

export interface EvictionRow {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly compat: string;
  readonly lane: LaneName;
  readonly policy: PolicyKey;
  readonly why: string;
  readonly at_ms: number;
}

export function toEviction(row: EvictionRow, decode: Decoder): Eviction {
  const { namespace, volume, compat, lane, policy, why, at_ms: atMs } = row;
  return { namespace, volume, compat: decode.compat(compat), lane, policy, why, atMs };
}

export interface EvictedVolume {
  readonly name: VolumeName;
  readonly compat: Compat;
}

/** Returns the eviction of the nearest lane in the chain that has one. */
export function evictionOf(
  sql: Sql,
  decode: Decoder,
  { name, compat }: EvictedVolume,
  chain: readonly ChainLink[],
): Eviction | null {
  for (const { namespace, lane } of chain) {
    // Also matches earlier names of the namespace, because the record has the name at eviction time.
    const row = sql.get<EvictionRow>(
      `SELECT * FROM evictions WHERE volume = ?2 AND compat = ?3 AND lane = ?4 AND (namespace = ?1 OR namespace IN
         (SELECT other.path FROM namespace_paths own JOIN namespace_paths other USING (namespace_id) WHERE own.path = ?1))`,
      namespace,
      name,
      compatKey(compat),
      lane,
    );
    if (row !== undefined) return toEviction(row, decode);
  }
  return null;
}

/** Deletes the eviction record of a lane that has a head again. */
export function forgetEviction(sql: Sql, volumeId: VolumeId, lane: LaneName): void {
  sql.run(
    `DELETE FROM evictions WHERE lane = ?2 AND EXISTS (
       SELECT 1 FROM volumes v JOIN namespace_paths p USING (namespace_id)
       WHERE v.id = ?1 AND v.name = evictions.volume AND v.compat = evictions.compat AND p.path = evictions.namespace)`,
    volumeId,
    lane,
  );
}
