import {
  CachelaneError,
  invariant,
  type ChainLink,
  type LayerId,
  type NamespaceId,
  type OpenedSession,
  type OpenedVolume,
  type OpenSessionRequest,
  type OpenVolume,
  type PinnedLink,
  type SessionId,
  type SessionStore,
  type VolumeRecord,
} from '@cachelane/core';
import { idleMountDirs } from './mount-dirs.ts';
import {
  adoptNamespace,
  detachOwnName,
  ensureNamespace,
  namespaceIdOf,
  namespaceRecord,
  recordDirectory,
  removeEmptyNamespace,
} from './namespaces.ts';
import { compatKey, toSession, toVolume, type Decoder, type SessionRow, type VolumeRow } from './rows.ts';
import type { Sql, SqliteDatabase } from './sqlite-database.ts';

export function sessionStore(database: SqliteDatabase, decode: Decoder): SessionStore {
  return {
    openSession: async (request, signal) => {
      // Sessions need not outlive a power cut, which ends them all; a new name of a namespace is written for good.
      const isKnown = await database.read(signal, (sql) => namespaceIdOf(sql, request.namespace) !== undefined);
      return await database.write(isKnown ? 'fast' : 'durable', signal, (sql) => openSession(sql, decode, request));
    },

    updateSession: (id, change, signal) =>
      database.write('fast', signal, (sql) => {
        const session = sql.get<SessionRow>('SELECT * FROM sessions WHERE id = ?', id);
        if (session === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no session ${id}`);
        if (change.place !== undefined) sql.run('UPDATE sessions SET place = ? WHERE id = ?', change.place, id);
        if (change.pins !== undefined) {
          const pins = new Set([...decode.layers(session.pins), ...change.pins]);
          sql.run('UPDATE sessions SET pins = ? WHERE id = ?', JSON.stringify([...pins]), id);
        }
        for (const path of change.madeDirs ?? []) {
          sql.run('INSERT OR REPLACE INTO mount_dirs (path, session_id) VALUES (?, ?)', path, id);
        }
      }),

    closeSession: (id, removeDirs, signal) =>
      database.write('fast', signal, (sql) => {
        closeSession(sql, decode, { id, removeDirs });
      }),

    listSessions: (signal) =>
      database.read(signal, (sql) =>
        sql.all<SessionRow>('SELECT * FROM sessions ORDER BY opened_ms, id').map((row) => toSession(row, decode)),
      ),
  };
}

function openSession(sql: Sql, decode: Decoder, request: OpenSessionRequest): OpenedSession {
  const { sessionId, run, namespace, directory, adoptFrom, atMs } = request;
  const isUsed = sql.get('SELECT 1 FROM sessions WHERE id = ?', sessionId) !== undefined;
  invariant(!isUsed, `session ${sessionId} is open already`);

  // Only the directory's own name says which directory it is; a remote's name may have many clones.
  const isOwnName = adoptFrom === null || adoptFrom === namespace;
  if (directory !== null && isOwnName) detachOwnName(sql, namespace, directory);
  const mayAdopt = adoptFrom !== null && directory !== null && namespaceIdOf(sql, namespace) === undefined;
  const adoptedId = mayAdopt ? adoptNamespace(sql, namespace, adoptFrom, directory) : undefined;
  const namespaceId = adoptedId ?? ensureNamespace(sql, namespace, request.freshNamespaceId, atMs);
  if (directory !== null && isOwnName) recordDirectory(sql, namespaceId, directory);

  const volumes = request.volumes.map((volume) => openVolume(sql, decode, { volume, atMs }));
  const pins = new Set<LayerId>(volumes.flatMap(({ pinned }) => pinned.flatMap((link) => link.layers)));
  sql.run(
    `INSERT OR IGNORE INTO runs (id, namespace_id, lane, started_ms, revision, workflow) VALUES (?, ?, ?, ?, ?, ?)`,
    run.id,
    namespaceId,
    run.lane,
    run.startedAtMs,
    run.revision,
    run.workflow,
  );
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
  return { namespace: namespaceRecord(sql, namespaceId), adopted: adoptedId !== undefined, volumes };
}

interface VolumeToOpen {
  readonly volume: OpenVolume;
  readonly atMs: number;
}

function openVolume(sql: Sql, decode: Decoder, { volume, atMs }: VolumeToOpen): OpenedVolume {
  const [own] = volume.chain;
  invariant(own !== undefined, `volume ${volume.name} has an empty read chain`);
  const namespaceId = ensureNamespace(sql, own.namespace, volume.freshNamespaceId, atMs);
  const record = ensureVolume(sql, decode, { volume, namespaceId, atMs });
  const links = volume.chain.map((link) => pin(sql, decode, { volume, link }));
  const { generation = 0, layers = [] } = links[0] ?? {};
  return {
    volume: record,
    own: { generation, layers },
    pinned: links.filter((link) => link !== undefined && link.layers.length > 0) as readonly PinnedLink[],
  };
}

interface VolumeToEnsure extends VolumeToOpen {
  readonly namespaceId: NamespaceId;
}

/** The volume as it is recorded: whoever asked first decided its tool. */
function ensureVolume(sql: Sql, decode: Decoder, { volume, namespaceId, atMs }: VolumeToEnsure): VolumeRecord {
  const compat = compatKey(volume.compat);
  const known = sql.get<VolumeRow>(
    'SELECT * FROM volumes WHERE namespace_id = ? AND name = ? AND compat = ?',
    namespaceId,
    volume.name,
    compat,
  );
  if (known !== undefined) return toVolume(known, decode);
  sql.run(
    'INSERT INTO volumes (id, namespace_id, name, compat, tool, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
    volume.freshId,
    namespaceId,
    volume.name,
    compat,
    volume.tool,
    atMs,
  );
  const { freshId: id, name, tool } = volume;
  return { id, namespaceId, name, compat: decode.compat(compat), tool, createdAtMs: atMs };
}

interface LinkToPin {
  readonly volume: OpenVolume;
  readonly link: ChainLink;
}

/** The link's head; undefined where its namespace, volume or head does not exist. */
function pin(sql: Sql, decode: Decoder, { volume, link }: LinkToPin): PinnedLink | undefined {
  const head = sql.get<{ generation: number; layers: string }>(
    `SELECT h.generation, h.layers FROM namespace_paths p
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
  return { namespace, lane, generation: head.generation, layers: decode.layers(head.layers) };
}

interface SessionToClose {
  readonly id: SessionId;
  readonly removeDirs: (dirs: readonly string[]) => void;
}

function closeSession(sql: Sql, decode: Decoder, { id, removeDirs }: SessionToClose): void {
  const session = sql.get<SessionRow>('SELECT * FROM sessions WHERE id = ?', id);
  // Its directories lose their owner with it (ON DELETE SET NULL), as those of earlier sessions have.
  sql.run('DELETE FROM sessions WHERE id = ?', id);
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
