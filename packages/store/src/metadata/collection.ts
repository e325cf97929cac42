import {
  laneTrust,
  limits,
  type CollectionNote,
  type CollectionStore,
  type Digest,
  type EvictRequest,
  type LaneName,
  type Namespace,
  type NamespaceId,
  type OpenSessionRequest,
  type OwnDirectory,
  type VolumeId,
} from '@cachelane/core';
import { factsOf, pinsIn, policiesOf, type UsedRow } from './collection-facts.ts';
import { toEviction, type EvictionRow } from './rows/evictions.ts';
import { forgetLayer } from './rows/head-rows.ts';
import { removeHeads } from './heads.ts';
import { settleLane, settleLifetimes, usedAmong } from './rows/holders.ts';
import { namespaceRecord, removeUnsaved } from './namespaces.ts';
import type { Decoder, VolumeRow } from './rows/rows.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

export function collectionStore(database: SqliteDatabase, decode: Decoder): CollectionStore {
  return {
    collectionFacts: (question, signal) => database.read(signal, (sql) => factsOf(sql, decode, question)),

    ownDirectories: (signal) =>
      database.read(signal, (sql) =>
        sql
          .all<{ namespace: Namespace; path: string; gone_since_ms: number | null }>(
            'SELECT * FROM own_directories ORDER BY namespace',
          )
          .map((row): OwnDirectory => ({ namespace: row.namespace, path: row.path, goneSinceMs: row.gone_since_ms })),
      ),

    lookedAtMs: (signal) =>
      database.read(
        signal,
        (sql) => sql.get<{ at_ms: number }>("SELECT at_ms FROM looks WHERE what = 'layers'")?.at_ms ?? null,
      ),

    noteCollection: (note, signal) =>
      database.write('fast', signal, (sql) => {
        noteCollection(sql, note);
      }),

    evict: (request, signal) => database.write('durable', signal, (sql) => evict(sql, decode, request)),

    amongUnused: (keys, use, signal) =>
      database.write('fast', signal, (sql) => {
        const pinned: ReadonlySet<Digest> = pinsIn(sql, decode);
        const isRecorded = (key: Digest): boolean => sql.get('SELECT 1 FROM layers WHERE id = ?', key) !== undefined;
        use(keys.filter((key) => !pinned.has(key) && !isRecorded(key)));
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
        settleLane(sql, { volumeId, lane });
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

function evict(sql: Sql, decode: Decoder, request: EvictRequest): boolean {
  const { volumeId, lane, generation, usedAtMs, policy, why, atMs } = request;
  const row = sql.get<UsedRow>('SELECT * FROM heads WHERE volume_id = ? AND lane = ?', volumeId, lane);
  if (row?.generation !== generation || row.used_ms !== usedAtMs) return false;
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

/** Records a use at most once an hour per head. It also replaces times from the future, which a wrong clock wrote. */
export function noteUse(sql: Sql, { volumeId, lane, atMs }: Reading): void {
  sql.run(
    'UPDATE heads SET used_ms = ?1 WHERE volume_id = ?2 AND lane = ?3 AND abs(used_ms - ?1) >= ?4',
    atMs,
    volumeId,
    lane,
    limits.useNotedMs,
  );
}

function noteCollection(sql: Sql, { absent, isThere, held, atMs, isAll }: CollectionNote): void {
  const gone = absent.filter((id) => !isThere(id));
  const used = usedAmong(sql, gone);
  for (const id of gone) {
    const isKnown = sql.get('SELECT 1 FROM layers WHERE id = ?', id) !== undefined;
    if (isKnown && !used.has(id)) forgetLayer(sql, id, atMs);
    sql.run('DELETE FROM loose_layers WHERE id = ?', id);
  }
  for (const id of held) {
    sql.run('DELETE FROM loose_layers WHERE id = ?1 AND EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = ?1)', id);
  }
  if (isAll) sql.run("INSERT OR REPLACE INTO looks (what, at_ms) VALUES ('layers', ?)", atMs);
}

/** Returns false for untrusted runs: their reads must not extend the lifetime of heads. */
export function countsAsUse({ run }: OpenSessionRequest): boolean {
  return laneTrust(run.lane) !== 'T0';
}

export interface SessionNamespace {
  readonly namespace: Namespace;
  readonly namespaceId: NamespaceId;
}

/** Records what garbage collection needs to know about a session that may save. Skips what is already recorded. */
export function noteForCollection(
  sql: Sql,
  { defaultLane = null, lanePolicy, directory, run }: OpenSessionRequest,
  { namespace, namespaceId }: SessionNamespace,
): void {
  if (defaultLane !== null) {
    const changed = sql.get(
      'UPDATE namespaces SET default_lane = ?1 WHERE id = ?2 AND default_lane IS NOT ?1 RETURNING id',
      defaultLane,
      namespaceId,
    );
    if (changed !== undefined) settleLifetimes(sql, namespaceId);
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
