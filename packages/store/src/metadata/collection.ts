import {
  isStatedKey,
  laneTrust,
  limits,
  type CollectionFacts,
  type CollectionStore,
  type Digest,
  type EvictRequest,
  type LaneName,
  type LanePolicy,
  type LayerId,
  type Namespace,
  type NamespaceId,
  type OpenSessionRequest,
  type OwnDirectory,
  type StoredPolicy,
  type VolumeId,
} from '@cachelane/core';
import { toEviction, type EvictionRow } from './evictions.ts';
import { removeHeads } from './heads.ts';
import { listNamespaces, namespaceRecord, removeUnsaved } from './namespaces.ts';
import { toHead, toHistory, toVolume, type Decoder, type HeadRow, type HistoryRow, type VolumeRow } from './rows.ts';
import { toSquash, type SquashRow } from './squash-rows.ts';
import type { Sql, SqliteDatabase } from './sqlite-database.ts';

export function collectionStore(database: SqliteDatabase, decode: Decoder): CollectionStore {
  return {
    collectionFacts: (signal) => database.read(signal, (sql) => factsOf(sql, decode)),

    evict: (request, signal) => database.write('durable', signal, (sql) => evict(sql, decode, request)),

    amongUnpinned: (keys, use, signal) =>
      database.write('fast', signal, (sql) => {
        const pinned: ReadonlySet<Digest> = pinsIn(sql, decode);
        use(keys.filter((key) => !pinned.has(key)));
      }),

    trimHistory: ({ volumeId, lane, fromGeneration }, signal) =>
      database.write('durable', signal, (sql) => {
        const gone = sql.all(
          `DELETE FROM history WHERE volume_id = ?1 AND lane = ?2 AND generation < ?3
           AND generation < (SELECT generation FROM heads WHERE volume_id = ?1 AND lane = ?2)
           RETURNING generation`,
          volumeId,
          lane,
          fromGeneration,
        );
        return gone.length;
      }),

    listEvictions: (signal) =>
      database.read(signal, (sql) =>
        sql
          .all<EvictionRow>('SELECT * FROM evictions ORDER BY at_ms DESC, namespace, volume, compat, lane')
          .map((row) => toEviction(row, decode)),
      ),

    listPolicies: (signal) => database.read(signal, policiesOf),

    setPolicy: (namespace, key, text, signal) =>
      database.write('durable', signal, (sql) => {
        if (text === null) sql.run('DELETE FROM policies WHERE namespace = ? AND key = ?', namespace, key);
        else sql.run('INSERT OR REPLACE INTO policies (namespace, key, value) VALUES (?, ?, ?)', namespace, key, text);
      }),

    noteDirectories: (directories, signal) =>
      database.write('fast', signal, (sql) => {
        for (const { namespace, goneSinceMs } of directories) {
          sql.run('UPDATE own_directories SET gone_since_ms = ? WHERE namespace = ?', goneSinceMs, namespace);
        }
      }),
  };
}

interface UseRow extends HeadRow {
  readonly used_ms: number | null;
}

function factsOf(sql: Sql, decode: Decoder): CollectionFacts {
  const defaults = sql.all<{ id: NamespaceId; default_lane: LaneName }>(
    'SELECT id, default_lane FROM namespaces WHERE default_lane IS NOT NULL',
  );
  const heads = sql.all<UseRow>(
    'SELECT h.*, u.used_ms FROM heads h LEFT JOIN head_uses u USING (volume_id, lane) ORDER BY volume_id, lane',
  );
  const history = sql.all<HistoryRow>('SELECT * FROM history ORDER BY volume_id, lane, generation DESC');
  const open = sql.all<{ volume_id: VolumeId; lane: LaneName }>(
    'SELECT DISTINCT v.volume_id, s.lane FROM session_volumes v JOIN sessions s ON s.id = v.session_id',
  );
  return {
    namespaces: listNamespaces(sql),
    defaultLanes: new Map(defaults.map((row) => [row.id, row.default_lane])),
    volumes: sql.all<VolumeRow>('SELECT * FROM volumes ORDER BY name, id').map((row) => toVolume(row, decode)),
    heads: heads.map((row) => ({
      ...toHead(row, decode),
      usedAtMs: Math.max(row.used_ms ?? 0, row.updated_ms),
    })),
    history: history.map((row) => toHistory(row, decode)),
    squashes: sql
      .all<SquashRow>(
        'SELECT s.* FROM squashes s JOIN heads USING (volume_id, lane) ORDER BY volume_id, lane, at_ms, id',
      )
      .map((row) => ({ volumeId: row.volume_id, lane: row.lane, ...toSquash(row, decode) })),
    pins: pinsIn(sql, decode),
    open: open.map((row) => ({ volumeId: row.volume_id, lane: row.lane })),
    policies: policiesOf(sql),
    lanePolicies: lanePoliciesOf(sql, decode),
    directories: sql
      .all<{ namespace: Namespace; path: string; gone_since_ms: number | null }>(
        'SELECT * FROM own_directories ORDER BY namespace',
      )
      .map((row): OwnDirectory => ({ namespace: row.namespace, path: row.path, goneSinceMs: row.gone_since_ms })),
  };
}

function pinsIn(sql: Sql, decode: Decoder): ReadonlySet<LayerId> {
  const rows = sql.all<{ pins: string }>('SELECT DISTINCT pins FROM sessions');
  return new Set(rows.flatMap((row) => decode.layers(row.pins)));
}

/** Keys of a later version are none that this one could go by. */
function policiesOf(sql: Sql): readonly StoredPolicy[] {
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

function evict(sql: Sql, decode: Decoder, request: EvictRequest): boolean {
  const { volumeId, lane, generation, usedAtMs, policy, why, atMs } = request;
  const row = sql.get<UseRow>(
    `SELECT h.*, u.used_ms FROM heads h LEFT JOIN head_uses u USING (volume_id, lane) WHERE volume_id = ? AND lane = ?`,
    volumeId,
    lane,
  );
  if (row?.generation !== generation || Math.max(row.used_ms ?? 0, row.updated_ms) !== usedAtMs) return false;
  const isOpen = sql.get(
    'SELECT 1 FROM session_volumes v JOIN sessions s ON s.id = v.session_id WHERE v.volume_id = ? AND s.lane = ?',
    volumeId,
    lane,
  );
  if (isOpen !== undefined) return false;
  const isPinned = sql.get(
    `SELECT 1 FROM sessions, json_each(sessions.pins) AS pin
     WHERE pin.value IN (SELECT value FROM json_each(?1))
     OR pin.value IN (SELECT part.value FROM squashes s, json_each(s.layers) AS part WHERE s.volume_id = ?2 AND s.lane = ?3)`,
    row.layers,
    volumeId,
    lane,
  );
  if (isPinned !== undefined) return false;
  const volume = sql.get<VolumeRow>('SELECT * FROM volumes WHERE id = ?', volumeId);
  if (volume !== undefined) {
    const [namespace] = namespaceRecord(sql, volume.namespace_id).paths;
    sql.run(
      `INSERT OR REPLACE INTO evictions (namespace, volume, compat, lane, policy, why, at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      namespace ?? '',
      volume.name,
      volume.compat,
      lane,
      policy,
      why,
      atMs,
    );
  }
  removeHeads(sql, volumeId, lane);
  removeUnsaved(sql, volumeId);
  return true;
}

export interface Reading {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly atMs: number;
}

/** One write an hour for each head. */
export function noteUse(sql: Sql, { volumeId, lane, atMs }: Reading): void {
  const known = sql.get<{ used_ms: number }>(
    'SELECT used_ms FROM head_uses WHERE volume_id = ? AND lane = ?',
    volumeId,
    lane,
  );
  if (known !== undefined && known.used_ms > atMs - limits.useNotedMs) return;
  sql.run('INSERT OR REPLACE INTO head_uses (volume_id, lane, used_ms) VALUES (?, ?, ?)', volumeId, lane, atMs);
}

/** Nobody vouches for such a run: it must not keep alive what others would let go. */
export function countsAsUse({ run }: OpenSessionRequest): boolean {
  return laneTrust(run.lane) !== 'T0';
}

export interface SessionNamespace {
  readonly namespace: Namespace;
  readonly namespaceId: NamespaceId;
}

/** What the collection goes by, of a session that may save; nothing is written where it is known already. */
export function noteForCollection(
  sql: Sql,
  { defaultLane = null, lanePolicy, directory, run }: OpenSessionRequest,
  { namespace, namespaceId }: SessionNamespace,
): void {
  if (defaultLane !== null) {
    sql.run(
      'UPDATE namespaces SET default_lane = ?1 WHERE id = ?2 AND default_lane IS NOT ?1',
      defaultLane,
      namespaceId,
    );
  }
  if (lanePolicy === null) {
    sql.run('DELETE FROM lane_policies WHERE namespace_id = ? AND lane = ?', namespaceId, run.lane);
  } else if (lanePolicy !== undefined) {
    sql.run(
      `INSERT INTO lane_policies (namespace_id, lane, texts, source) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET texts = ?3, source = ?4 WHERE texts <> ?3 OR source <> ?4`,
      namespaceId,
      run.lane,
      JSON.stringify(lanePolicy.texts),
      lanePolicy.source,
    );
  }
  if (directory === null || !/^(local|file)\//.test(namespace)) return;
  sql.run(
    `INSERT INTO own_directories (namespace, path) VALUES (?1, ?2)
     ON CONFLICT DO UPDATE SET path = ?2, gone_since_ms = NULL WHERE path <> ?2 OR gone_since_ms IS NOT NULL`,
    namespace,
    directory.path,
  );
}
