import {
  isStatedKey,
  leastNamespaceSize,
  type CollectionFacts,
  type CollectionQuestion,
  type LaneName,
  type LanePolicy,
  type LayerId,
  type Namespace,
  type NamespaceId,
  type Policies,
  type StoredPolicy,
  type TakenBytes,
  type TrustLevel,
  type VolumeId,
} from '@cachelane/core';
import { dueLanes, levels } from './due-lanes.ts';
import type { HeldBy } from './rows/holders.ts';
import { namespaceIdOf, namespaceRecord } from './namespaces.ts';
import {
  toHead,
  toHistory,
  toVolume,
  type Decoder,
  type HeadRow,
  type HistoryRow,
  type VolumeRow,
} from './rows/rows.ts';
import { toSquash, type SquashRow } from './rows/squash-rows.ts';
import type { Sql } from '../sqlite/sqlite-database.ts';

/** A head with the columns that garbage collection reads. */
export interface UsedRow extends HeadRow {
  readonly used_ms: number;
}

export function factsOf(sql: Sql, decode: Decoder, question: CollectionQuestion): CollectionFacts {
  const stored = policiesOf(sql);
  const policies: Policies = { user: question.user, stored, lanes: lanePoliciesOf(sql, decode) };
  const lanes = question.lanes === 'all' ? allLanes(sql) : dueLanes(sql, question, policies);
  const asked = JSON.stringify(lanes.map(({ volumeId, lane }) => [volumeId, lane]));
  const rowsOf = <Row>(table: 'heads' | 'history' | 'squashes', order: string): readonly Row[] =>
    sql.all<Row>(
      `SELECT t.* FROM json_each(?) AS due
       JOIN ${table} t ON t.volume_id = due.value ->> 0 AND t.lane = due.value ->> 1 ORDER BY ${order}`,
      asked,
    );
  const heads = rowsOf<UsedRow>('heads', 'volume_id, lane');
  const history = rowsOf<HistoryRow>('history', 'volume_id, lane, generation DESC');
  const squashes = rowsOf<SquashRow>('squashes', 'volume_id, lane, at_ms, id');
  const volumes = volumesOf(sql, [...heads.map((row) => row.volume_id), ...question.volumes]);
  const crowded = crowdedIn(sql, leastNamespaceSize(policies));
  const pins = pinsIn(sql, decode);
  const loose = new Set(sql.all<{ id: LayerId }>('SELECT id FROM loose_layers').map(({ id }) => id));
  const named = new Set([
    ...heads.flatMap((row) => decode.layers(row.layers)),
    ...history.flatMap((row) => [...decode.layers(row.layers), ...(row.layer_id === null ? [] : [row.layer_id])]),
    ...squashes.flatMap((row) => decode.layers(row.layers)),
    ...pins,
  ]);
  const ownId = question.namespace === null ? undefined : namespaceIdOf(sql, question.namespace);
  const spaces = new Set([...volumes.map((row) => row.namespace_id), ...(ownId === undefined ? [] : [ownId])]);
  return {
    isWhole: question.lanes === 'all',
    namespaces: [...spaces].map((id) => namespaceRecord(sql, id)).toSorted(byPath),
    defaultLanes: defaultLanesOf(sql, [...spaces]),
    volumes: volumes.map((row) => toVolume(row, decode)),
    volumesElsewhere: volumesElsewhere(sql, volumes, lanes),
    heads: heads.map((row) => ({ ...toHead(row, decode), usedAtMs: row.used_ms })),
    history: history.map((row) => toHistory(row, decode)),
    squashes: squashes.map((row) => ({ volumeId: row.volume_id, lane: row.lane, ...toSquash(row, decode) })),
    loose,
    heldElsewhere: heldElsewhere(sql, [...named, ...loose, ...question.layers], lanes),
    sizes: sizesOf(sql, [...named]),
    taken: takenIn(sql, ownId),
    crowded,
    levels: levelsIn(sql),
    pins,
    open: sql
      .all<{ volume_id: VolumeId; lane: LaneName }>(
        'SELECT DISTINCT v.volume_id, s.lane FROM session_volumes v JOIN sessions s ON s.id = v.session_id',
      )
      .map((row) => ({ volumeId: row.volume_id, lane: row.lane })),
    policies: stored,
    lanePolicies: policies.lanes,
  };
}

function allLanes(sql: Sql): readonly HeldBy[] {
  return sql
    .all<{ volume_id: VolumeId; lane: LaneName }>('SELECT volume_id, lane FROM heads')
    .map((row) => ({ volumeId: row.volume_id, lane: row.lane }));
}

export function pinsIn(sql: Sql, decode: Decoder): ReadonlySet<LayerId> {
  const rows = sql.all<{ pins: string }>('SELECT DISTINCT pins FROM sessions');
  return new Set(rows.flatMap((row) => decode.layers(row.pins)));
}

/** Returns all policies. Skips keys that only later releases know. */
export function policiesOf(sql: Sql): readonly StoredPolicy[] {
  const rows = sql.all<{ namespace: Namespace; key: string; value: string }>(
    'SELECT * FROM policies ORDER BY namespace, key',
  );
  return [...Map.groupBy(rows, (row) => row.namespace)].map(([namespace, own]) => ({
    namespace,
    texts: Object.fromEntries(own.filter(({ key }) => isStatedKey(key)).map(({ key, value }) => [key, value])),
  }));
}

function lanePoliciesOf(sql: Sql, decode: Decoder): readonly LanePolicy[] {
  return sql
    .all<{ namespace_id: NamespaceId; lane: LaneName; texts: string; source: string }>(
      'SELECT * FROM lane_policies ORDER BY namespace_id, lane',
    )
    .map((row) => ({
      namespaceId: row.namespace_id,
      lane: row.lane,
      texts: decode.compat(row.texts),
      source: row.source,
    }));
}

function volumesOf(sql: Sql, ids: readonly VolumeId[]): readonly VolumeRow[] {
  return sql.all<VolumeRow>(
    'SELECT v.* FROM volumes v WHERE id IN (SELECT value FROM json_each(?)) ORDER BY name, id',
    JSON.stringify([...new Set(ids)]),
  );
}

function defaultLanesOf(sql: Sql, ids: readonly NamespaceId[]): CollectionFacts['defaultLanes'] {
  const rows = sql.all<{ id: NamespaceId; default_lane: LaneName }>(
    'SELECT id, default_lane FROM namespaces WHERE id IN (SELECT value FROM json_each(?)) AND default_lane IS NOT NULL',
    JSON.stringify(ids),
  );
  return new Map(rows.map((row) => [row.id, row.default_lane]));
}

function volumesElsewhere(
  sql: Sql,
  volumes: readonly VolumeRow[],
  lanes: readonly HeldBy[],
): CollectionFacts['volumesElsewhere'] {
  const known = new Set(lanes.map(({ volumeId, lane }) => `${volumeId} ${lane}`));
  const rows = sql.all<{ volume_id: VolumeId; lane: LaneName }>(
    'SELECT volume_id, lane FROM json_each(?) AS asked JOIN heads ON volume_id = asked.value',
    JSON.stringify(volumes.map(({ id }) => id)),
  );
  return new Set(rows.flatMap((row) => (known.has(`${row.volume_id} ${row.lane}`) ? [] : [row.volume_id])));
}

function heldElsewhere(sql: Sql, ids: readonly LayerId[], lanes: readonly HeldBy[]): ReadonlySet<LayerId> {
  const known = new Set(lanes.map(({ volumeId, lane }) => `${volumeId} ${lane}`));
  const rows = sql.all<{ layer_id: LayerId; volume_id: VolumeId; lane: LaneName }>(
    'SELECT layer_id, volume_id, lane FROM json_each(?) AS asked JOIN layer_holders ON layer_id = asked.value',
    JSON.stringify([...new Set(ids)]),
  );
  return new Set(rows.flatMap((row) => (known.has(`${row.volume_id} ${row.lane}`) ? [] : [row.layer_id])));
}

function sizesOf(sql: Sql, ids: readonly LayerId[]): CollectionFacts['sizes'] {
  const rows = sql.all<{ id: LayerId; size_bytes: number }>(
    'SELECT l.id, l.size_bytes FROM json_each(?) AS asked JOIN layers l ON l.id = asked.value',
    JSON.stringify(ids),
  );
  return new Map(rows.map((row) => [row.id, row.size_bytes]));
}

function takenIn(sql: Sql, ownId: NamespaceId | undefined): TakenBytes {
  const rows = sql.all<{ scope: string; bytes: number }>(
    "SELECT scope, bytes FROM taken WHERE scope IN ('store', 't0', 't1', 't2', 't3', ?)",
    ownId ?? null,
  );
  const bytes = new Map(rows.map((row) => [row.scope, row.bytes]));
  const taken = levels.flatMap((level) => {
    const its = bytes.get(level) ?? 0;
    return its === 0 ? [] : [[toLevel(level), its] as const];
  });
  const namespace = ownId === undefined ? 0 : (bytes.get(ownId) ?? 0);
  return { store: bytes.get('store') ?? 0, levels: Object.fromEntries(taken), namespace };
}

function levelsIn(sql: Sql): ReadonlySet<TrustLevel> {
  const has = (level: string): boolean =>
    sql.get('SELECT 1 FROM heads WHERE substr(lane, 1, 2) = ? LIMIT 1', level) !== undefined;
  return new Set(levels.filter(has).map(toLevel));
}

function toLevel(level: (typeof levels)[number]): TrustLevel {
  return level.toUpperCase() as TrustLevel;
}

function crowdedIn(sql: Sql, leastBytes: number): CollectionFacts['crowded'] {
  if (!Number.isFinite(leastBytes)) return [];
  return sql
    .all<{ id: NamespaceId; bytes: number }>(
      'SELECT n.id, t.bytes FROM taken t JOIN namespaces n ON n.id = t.scope WHERE t.bytes > ? ORDER BY n.id',
      leastBytes,
    )
    .map(({ id, bytes }) => ({ namespace: namespaceRecord(sql, id), takenBytes: bytes }));
}

function byPath(a: { readonly paths: readonly Namespace[] }, b: { readonly paths: readonly Namespace[] }): number {
  return (a.paths[0] ?? '') < (b.paths[0] ?? '') ? -1 : 1;
}
