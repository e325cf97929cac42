import {
  CachelaneError,
  firstSnapshot,
  invariant,
  lockedBy,
  type ChainLink,
  type LaneName,
  type LayerId,
  type NamespaceId,
  type OpenedSession,
  type OpenedVolume,
  type OpenSessionRequest,
  type OpenVolume,
  type PinnedLink,
  type RunId,
  type SessionId,
  type SessionStore,
  type SessionVolume,
  type VolumeId,
  type VolumeRecord,
} from '@cachelane/core';
import { countsAsUse, noteForCollection, noteUse } from './collection.ts';
import { evictionOf } from './rows/evictions.ts';
import { idleMountDirs } from './mount-dirs.ts';
import {
  adoptNamespace,
  detachOwnName,
  ensureNamespace,
  isOfAnother,
  nameApart,
  namespaceIdOf,
  namespaceRecord,
  recordDirectory,
  removeEmptyNamespace,
  removeUnsaved,
} from './namespaces.ts';
import { compatKey, toSession, toVolume, type Decoder, type SessionRow, type VolumeRow } from './rows/rows.ts';
import { recordReads } from './revocations.ts';
import { recordRun } from './rows/runs.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

export function sessionStore(database: SqliteDatabase, decode: Decoder): SessionStore {
  return {
    openSession: async (request, signal) => {
      // A power cut ends all sessions, so they need no durable write. A new namespace does.
      const isForGood =
        request.mayWrite && (await database.read(signal, (sql) => namespaceIdOf(sql, request.namespace) === undefined));
      return await database.write(isForGood ? 'durable' : 'fast', signal, (sql) => openSession(sql, decode, request));
    },

    updateSession: (id, change, signal) =>
      database.write('fast', signal, (sql) => {
        const session = sql.get<SessionRow>('SELECT * FROM sessions WHERE id = ?', id);
        if (session === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no session ${id}`);
        if (change.place !== undefined) sql.run('UPDATE sessions SET place = ? WHERE id = ?', change.place, id);
        if (change.pins !== undefined) {
          const pins = new Set([...decode.layers(session.pins), ...change.pins]);
          sql.run('UPDATE sessions SET pins = ? WHERE id = ?', JSON.stringify([...pins]), id);
          // A pinned layer cannot be collected before its commit, so an earlier collection of it no longer matters.
          sql.run(
            'DELETE FROM forgotten_layers WHERE id IN (SELECT value FROM json_each(?))',
            JSON.stringify(change.pins),
          );
        }
        if (change.mounts !== undefined) {
          sql.run('UPDATE sessions SET mounts = ? WHERE id = ?', JSON.stringify(change.mounts), id);
        }
        for (const path of change.madeDirs ?? []) {
          sql.run('INSERT OR REPLACE INTO mount_dirs (path, session_id) VALUES (?, ?)', path, id);
        }
      }),

    closeSession: (id, removeDirs, signal) =>
      database.write('fast', signal, (sql) => {
        closeSession(sql, decode, { id, removeDirs });
      }),

    amongMounts: (id, use, signal) =>
      database.write('fast', signal, (sql) => {
        const others = sql.all<{ place: string | null; mounts: string }>(
          'SELECT place, coalesce(mounts, targets) AS mounts FROM sessions WHERE id <> ?',
          id,
        );
        use(
          others.flatMap(({ place, mounts }) =>
            decode.texts(mounts).map((path) => ({ path, isStarted: place !== null })),
          ),
        );
      }),

    listSessions: (signal) =>
      database.read(signal, (sql) =>
        sql.all<SessionRow>('SELECT * FROM sessions ORDER BY opened_ms, id').map((row) => toSession(row, decode)),
      ),

    listSessionVolumes: (signal) =>
      database.read(signal, (sql) =>
        sql.all<SessionVolume & Record<string, unknown>>(
          `SELECT v.session_id AS session, v.volume_id AS volumeId, l.lane AS lockedLane
           FROM session_volumes v LEFT JOIN volume_locks l ON l.volume_id = v.volume_id AND l.session_id = v.session_id
           ORDER BY v.session_id, v.volume_id, l.lane`,
        ),
      ),
  };
}

function openSession(sql: Sql, decode: Decoder, request: OpenSessionRequest): OpenedSession {
  const { sessionId, run, directory, adoptFrom, mayWrite, atMs } = request;
  const isUsed = sql.get('SELECT 1 FROM sessions WHERE id = ?', sessionId) !== undefined;
  invariant(!isUsed, `session ${sessionId} is open already`);

  // Only a directory's own name identifies the directory: a remote's name may have many clones.
  const isOwnName = adoptFrom === null || adoptFrom === request.namespace;
  const isTaken = directory !== null && isOwnName && isOfAnother(sql, request.namespace, directory);
  if (isTaken && mayWrite) detachOwnName(sql, request.namespace);
  // A session that may not write gets a temporary name instead.
  const namespace = isTaken && !mayWrite ? nameApart(request.namespace, request.freshNamespaceId) : request.namespace;
  const isNew = namespaceIdOf(sql, namespace) === undefined;
  const mayAdopt = mayWrite && isNew && adoptFrom !== null && directory !== null;
  const adoptedId = mayAdopt ? adoptNamespace(sql, namespace, adoptFrom, directory) : undefined;
  const namespaceId = adoptedId ?? ensureNamespace(sql, namespace, request.freshNamespaceId, atMs);
  if (mayWrite && directory !== null && isOwnName) recordDirectory(sql, namespace, directory);
  if (mayWrite) noteForCollection(sql, request, { namespace, namespaceId });

  const isUse = countsAsUse(request);
  const volumes = request.volumes.map(({ chain, ...volume }) => {
    const own = chain.map((link) => (link.namespace === request.namespace ? { ...link, namespace } : link));
    return openVolume(sql, decode, { volume: { ...volume, chain: own }, mayWrite, isUse, atMs });
  });
  const pins = new Set<LayerId>(volumes.flatMap(({ pinned }) => pinned.flatMap((link) => link.layers)));
  recordRun(sql, { ...run, namespaceId });
  sql.run(
    `INSERT INTO sessions (id, run_id, namespace_id, lane, boot_id, opened_ms, targets, pins)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    sessionId,
    run.id,
    namespaceId,
    run.lane,
    request.bootId,
    atMs,
    JSON.stringify(request.targets),
    JSON.stringify([...pins]),
  );
  for (const [index, { volume, pinned }] of volumes.entries()) {
    if (request.volumes[index]?.lock === true) lock(sql, sessionId, { volume, lane: laneOf(request, index) });
    sql.run('INSERT OR IGNORE INTO session_volumes (session_id, volume_id) VALUES (?, ?)', sessionId, volume.id);
    if (!request.reads) continue;
    recordReads(sql, decode, { run: run.id, volumeId: volume.id, layers: pinned.flatMap((link) => link.layers), atMs });
  }
  return { namespace: namespaceRecord(sql, namespaceId), adopted: adoptedId !== undefined, volumes };
}

function laneOf({ volumes }: OpenSessionRequest, index: number): LaneName {
  const own = volumes[index]?.chain[0];
  invariant(own !== undefined, 'a volume has an own lane');
  return own.lane;
}

interface Locked {
  readonly volume: VolumeRecord;
  readonly lane: LaneName;
}

/** Errors: E_LOCKED; throwing rolls back the transaction. */
function lock(sql: Sql, session: SessionId, { volume, lane }: Locked): void {
  const holder = sql.get<{ id: SessionId; run_id: RunId; opened_ms: number }>(
    `SELECT s.id, s.run_id, s.opened_ms FROM volume_locks l JOIN sessions s ON s.id = l.session_id
     WHERE l.volume_id = ? AND l.lane = ?`,
    volume.id,
    lane,
  );
  // One command may attach a volume at two places.
  if (holder?.id === session) return;
  if (holder !== undefined) {
    throw lockedBy({ volume: volume.name, lane, run: holder.run_id, sinceMs: holder.opened_ms });
  }
  sql.run('INSERT INTO volume_locks (volume_id, lane, session_id) VALUES (?, ?, ?)', volume.id, lane, session);
}

interface VolumeToOpen {
  readonly volume: OpenVolume;
  readonly mayWrite: boolean;
  /** Whether reading a head counts as a use. */
  readonly isUse: boolean;
  readonly atMs: number;
}

function openVolume(sql: Sql, decode: Decoder, { volume, mayWrite, isUse, atMs }: VolumeToOpen): OpenedVolume {
  const [own] = volume.chain;
  invariant(own !== undefined, `volume ${volume.name} has an empty read chain`);
  const namespaceId = ensureNamespace(sql, own.namespace, volume.freshNamespaceId, atMs);
  const record = ensureVolume(sql, decode, { volume, namespaceId, mayWrite, atMs });
  const links = volume.chain.map((link) => headOfLink(sql, decode, { volume, link }));
  const { generation = 0, layers = [] } = links[0] ?? {};
  const found = links.filter((link) => link !== undefined);
  const counting = volume.firstSnapshot === true ? firstSnapshot(own, found) : found;
  for (const { volumeId, lane } of isUse ? counting : []) noteUse(sql, { volumeId, lane, atMs });
  const pinned = counting.flatMap(({ volumeId: _, ...link }) => (link.layers.length > 0 ? [link] : []));
  const evicted = pinned.length > 0 ? null : evictionOf(sql, decode, volume, volume.chain);
  return { volume: record, own: { generation, layers }, pinned, evicted };
}

interface VolumeToEnsure extends Omit<VolumeToOpen, 'isUse'> {
  readonly namespaceId: NamespaceId;
}

/**
 * Returns the volume's record, updated by a session that may write: its sync setting always, its tool only before the
 * first save.
 */
function ensureVolume(
  sql: Sql,
  decode: Decoder,
  { volume, namespaceId, mayWrite, atMs }: VolumeToEnsure,
): VolumeRecord {
  const compat = compatKey(volume.compat);
  const known = sql.get<VolumeRow>(
    'SELECT * FROM volumes WHERE namespace_id = ? AND name = ? AND compat = ?',
    namespaceId,
    volume.name,
    compat,
  );
  if (known !== undefined) {
    const isSaved = sql.get('SELECT 1 FROM heads WHERE volume_id = ?', known.id) !== undefined;
    const tool = isSaved ? known.tool : volume.tool;
    if (!mayWrite || (tool === known.tool && volume.sync === known.sync)) return toVolume(known, decode);
    sql.run('UPDATE volumes SET tool = ?, sync = ? WHERE id = ?', tool, volume.sync, known.id);
    return toVolume({ ...known, tool, sync: volume.sync }, decode);
  }
  const sync = mayWrite ? volume.sync : null;
  sql.run(
    'INSERT INTO volumes (id, namespace_id, name, compat, tool, sync, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
    volume.freshId,
    namespaceId,
    volume.name,
    compat,
    volume.tool,
    sync,
    atMs,
  );
  const { freshId: id, name, tool } = volume;
  return { id, namespaceId, name, compat: decode.compat(compat), tool, sync, createdAtMs: atMs };
}

interface LinkOf {
  readonly volume: OpenVolume;
  readonly link: ChainLink;
}

interface HeadOfLink extends PinnedLink {
  readonly volumeId: VolumeId;
}

/** Returns the link's head, or undefined if its namespace, volume or head does not exist. */
function headOfLink(sql: Sql, decode: Decoder, { volume, link }: LinkOf): HeadOfLink | undefined {
  const head = sql.get<{ volume_id: VolumeId; generation: number; layers: string }>(
    `SELECT h.volume_id, h.generation, h.layers FROM namespace_paths p
     JOIN volumes v ON v.namespace_id = p.namespace_id AND v.name = ? AND v.compat = ?
     JOIN heads h ON h.volume_id = v.id AND h.lane = ?
     WHERE p.path = ?`,
    volume.name,
    compatKey(volume.compat),
    link.lane,
    link.namespace,
  );
  if (head === undefined) return undefined;
  const { namespace, lane } = link;
  return { volumeId: head.volume_id, namespace, lane, generation: head.generation, layers: decode.layers(head.layers) };
}

interface SessionToClose {
  readonly id: SessionId;
  readonly removeDirs: (dirs: readonly string[]) => void;
}

function closeSession(sql: Sql, decode: Decoder, { id, removeDirs }: SessionToClose): void {
  const session = sql.get<SessionRow>('SELECT * FROM sessions WHERE id = ?', id);
  const opened = sql.all<{ volume_id: VolumeId }>('SELECT volume_id FROM session_volumes WHERE session_id = ?', id);
  // ON DELETE SET NULL clears the owner of the session's directories.
  sql.run('DELETE FROM sessions WHERE id = ?', id);
  for (const row of opened) removeUnsaved(sql, row.volume_id);
  if (session !== undefined) removeEmptyNamespace(sql, session.namespace_id);
  const ownerless = sql.all<{ path: string }>('SELECT path FROM mount_dirs WHERE session_id IS NULL');
  if (ownerless.length === 0) return;
  const others = sql.all<{ targets: string }>('SELECT targets FROM sessions');
  const idle = idleMountDirs(
    ownerless.map((row) => row.path),
    others.flatMap((row) => decode.texts(row.targets)),
  );
  if (idle.length === 0) return;
  removeDirs(idle);
  for (const path of idle) sql.run('DELETE FROM mount_dirs WHERE path = ?', path);
}
