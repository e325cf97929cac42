import {
  CachelaneError,
  joinSegments,
  type DirectoryIdentity,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type NamespaceStore,
  type VolumeId,
} from '@cachelane/core';
import { emptySynced } from './synced-heads.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

interface NamespaceRow {
  readonly id: NamespaceId;
  readonly created_ms: number;
  readonly path: Namespace;
}

/** The path with the highest rank is the current one. */
const selectNamespaces = `
  SELECT n.id, n.created_ms, p.path FROM namespaces n JOIN namespace_paths p ON p.namespace_id = n.id`;

export function namespaceStore(database: SqliteDatabase): NamespaceStore {
  return {
    findNamespace: (path, signal) =>
      database.read(signal, (sql) => {
        const id = namespaceIdOf(sql, path);
        return id === undefined ? undefined : namespaceRecord(sql, id);
      }),

    namespace: (id, signal) =>
      database.read(signal, (sql) => {
        const rows = rowsOf(sql, id);
        return rows.length === 0 ? undefined : toNamespace(rows);
      }),

    listNamespaces: (signal) => database.read(signal, listNamespaces),

    createNamespace: ({ path, freshId, atMs }, signal) =>
      database.write('durable', signal, (sql) => {
        const isNew = namespaceIdOf(sql, path) === undefined;
        const id = ensureNamespace(sql, path, freshId, atMs);
        stay(sql, id);
        return { namespace: namespaceRecord(sql, id), isNew };
      }),

    releaseNamespace: (id, signal) =>
      database.write('durable', signal, (sql) => {
        sql.run('UPDATE namespaces SET stays = 0 WHERE id = ?', id);
        withdraw(sql, id);
        removeEmptyNamespace(sql, id);
      }),

    aliasNamespace: (from, to, signal) =>
      database.write('durable', signal, (sql) => {
        const id = namespaceIdOf(sql, from);
        if (id === undefined) throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${from}`);
        const other = namespaceIdOf(sql, to);
        if (other !== undefined && other !== id) refuseUsed(sql, other, to);
        if (currentPath(namespaceRecord(sql, id)) !== to) emptySynced(sql, id);
        sql.run('DELETE FROM namespace_paths WHERE path = ?', to);
        addPath(sql, id, to);
        if (other !== undefined && other !== id) giveWay(sql, to, other, id);
        return namespaceRecord(sql, id);
      }),
  };
}

/** By their current paths. */
function listNamespaces(sql: Sql): readonly NamespaceRecord[] {
  const rows = sql.all<NamespaceRow>(`${selectNamespaces} ORDER BY p.rank DESC`);
  const records = [...Map.groupBy(rows, (row) => row.id).values()].map(toNamespace);
  return records.toSorted((a, b) => (currentPath(a) < currentPath(b) ? -1 : 1));
}

export function namespaceIdOf(sql: Sql, path: Namespace): NamespaceId | undefined {
  return sql.get<{ namespace_id: NamespaceId }>('SELECT namespace_id FROM namespace_paths WHERE path = ?', path)
    ?.namespace_id;
}

/** Throws E_NOT_FOUND. */
export function requireThere(sql: Sql, id: NamespaceId): void {
  if (sql.get('SELECT 1 FROM namespaces WHERE id = ?', id) !== undefined) return;
  throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${id}`);
}

export function namespaceRecord(sql: Sql, id: NamespaceId): NamespaceRecord {
  return toNamespace(rowsOf(sql, id));
}

function rowsOf(sql: Sql, id: NamespaceId): readonly NamespaceRow[] {
  return sql.all<NamespaceRow>(`${selectNamespaces} WHERE n.id = ? ORDER BY p.rank DESC`, id);
}

/** The id that `path` names; `freshId` where it names none yet. */
export function ensureNamespace(sql: Sql, path: Namespace, freshId: NamespaceId, atMs: number): NamespaceId {
  const known = namespaceIdOf(sql, path);
  if (known !== undefined) return known;
  sql.run('INSERT INTO namespaces (id, created_ms) VALUES (?, ?)', freshId, atMs);
  addPath(sql, freshId, path);
  return freshId;
}

/**
 * Gives the id of the directory's local namespace the name `namespace`, too. Refused (undefined) where the directory is
 * not the one that used the local name, and where that id goes by another project's name already: a directory becomes
 * a project once, what follows is a rename, which only a person can tell from a switch to another project.
 */
export function adoptNamespace(
  sql: Sql,
  namespace: Namespace,
  from: Namespace,
  directory: DirectoryIdentity,
): NamespaceId | undefined {
  const id = namespaceIdOf(sql, from);
  if (id === undefined || currentPath(namespaceRecord(sql, id)) !== from) return undefined;
  if (directoryOf(sql, from) !== directory.identity) return undefined;
  addPath(sql, id, namespace);
  return id;
}

/** Whether the name is that of another directory, which stood at the same path. Where either is unknown it is not. */
export function isOfAnother(sql: Sql, own: Namespace, directory: DirectoryIdentity): boolean {
  const recorded = directoryOf(sql, own);
  return recorded !== null && recorded !== directory.identity;
}

/** Takes a directory's own name away from the id that it has: what stands at its path today is no part of that project. */
export function detachOwnName(sql: Sql, own: Namespace): void {
  const id = namespaceIdOf(sql, own);
  if (id === undefined) return;
  sql.run('DELETE FROM namespace_paths WHERE path = ?', own);
  if (hasPaths(sql, id)) return;
  addPath(sql, id, nameApart(own, id));
  removeEmptyNamespace(sql, id);
}

/** What a namespace is called that another one keeps from its directory's own name. */
export function nameApart(own: Namespace, id: NamespaceId): Namespace {
  return joinSegments(`${own}~${id.slice(-8)}`.split('/'));
}

/** Remembers which directory a path is the own name of; writes nothing where that is known. */
export function recordDirectory(sql: Sql, own: Namespace, { identity }: DirectoryIdentity): void {
  sql.run(
    'UPDATE namespace_paths SET directory_identity = ?1 WHERE path = ?2 AND directory_identity IS NOT ?1',
    identity,
    own,
  );
}

function directoryOf(sql: Sql, own: Namespace): string | null {
  const row = sql.get<{ directory_identity: string | null }>(
    'SELECT directory_identity FROM namespace_paths WHERE path = ?',
    own,
  );
  return row?.directory_identity ?? null;
}

/** Drops a namespace that has no volumes and no live sessions, that is not known to use anything of a catalog, and that nobody created. */
export function removeEmptyNamespace(sql: Sql, id: NamespaceId): void {
  sql.run(
    `DELETE FROM namespaces WHERE id = ?1 AND stays = 0
     AND NOT EXISTS (SELECT 1 FROM volumes WHERE namespace_id = ?1)
     AND NOT EXISTS (SELECT 1 FROM sessions WHERE namespace_id = ?1)
     AND NOT EXISTS (SELECT 1 FROM catalog_uses WHERE consumer_id = ?1)`,
    id,
  );
}

/** Drops a volume that has no head and that no session opened. */
export function removeUnsaved(sql: Sql, id: VolumeId): void {
  const removed = sql.get<{ namespace_id: NamespaceId }>(
    `DELETE FROM volumes WHERE id = ?1
     AND NOT EXISTS (SELECT 1 FROM heads WHERE volume_id = ?1)
     AND NOT EXISTS (SELECT 1 FROM session_volumes WHERE volume_id = ?1)
     RETURNING namespace_id`,
    id,
  );
  if (removed !== undefined) removeEmptyNamespace(sql, removed.namespace_id);
}

function addPath(sql: Sql, id: NamespaceId, path: Namespace): void {
  sql.run(
    `INSERT INTO namespace_paths (path, namespace_id, rank)
     SELECT ?1, ?2, coalesce(max(rank), 0) + 1 FROM namespace_paths WHERE namespace_id = ?2`,
    path,
    id,
  );
}

function refuseUsed(sql: Sql, id: NamespaceId, path: Namespace): void {
  const isUsed = sql.get('SELECT 1 FROM volumes v JOIN heads h ON h.volume_id = v.id WHERE v.namespace_id = ?', id);
  if (isUsed === undefined) return;
  throw new CachelaneError('E_NAMESPACE', `${path} is the name of another namespace, and that one has volumes`, {
    hint: 'remove its volumes first, or choose another name',
  });
}

/** All that it shares and offers, and what it used. */
function withdraw(sql: Sql, id: NamespaceId): void {
  sql.run('DELETE FROM grants WHERE owner_id = ?', id);
  sql.run('DELETE FROM feeds WHERE tier_id = ?', id);
  sql.run('DELETE FROM catalogs WHERE namespace_id = ?', id);
  sql.run('DELETE FROM catalog_uses WHERE namespace_id = ?1 OR consumer_id = ?1', id);
}

/** What was said of volumes that may come is not said of those of another namespace. */
function refuseSharing(sql: Sql, id: NamespaceId, path: Namespace): void {
  const isShared = sql.get(
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM grants WHERE owner_id = ?1)
     OR EXISTS (SELECT 1 FROM feeds WHERE tier_id = ?1) OR EXISTS (SELECT 1 FROM catalogs WHERE namespace_id = ?1)`,
    id,
  );
  if (isShared === undefined) return;
  throw new CachelaneError('E_NAMESPACE', `${path} is the only name of a namespace that shares or offers something`, {
    hint: 'withdraw its grants, feed rules and catalog first, or choose another name',
  });
}

/** None of its volumes has a head. Without a path it goes, and what took its last one stays where it would have. */
function giveWay(sql: Sql, path: Namespace, id: NamespaceId, to: NamespaceId): void {
  if (hasPaths(sql, id)) return;
  refuseSharing(sql, id, path);
  if (sql.get('SELECT 1 FROM namespaces WHERE id = ? AND stays = 1', id) !== undefined) stay(sql, to);
  sql.run('DELETE FROM volumes WHERE namespace_id = ?', id);
  sql.run('DELETE FROM namespaces WHERE id = ?', id);
}

function stay(sql: Sql, id: NamespaceId): void {
  sql.run('UPDATE namespaces SET stays = 1 WHERE id = ?', id);
}

function hasPaths(sql: Sql, id: NamespaceId): boolean {
  return sql.get('SELECT 1 FROM namespace_paths WHERE namespace_id = ?', id) !== undefined;
}

/** Every namespace has a path. */
function currentPath(record: NamespaceRecord): Namespace {
  return record.paths[0] as Namespace;
}

/** `rows` are those of one namespace, highest rank first. */
function toNamespace(rows: readonly NamespaceRow[]): NamespaceRecord {
  const [first] = rows;
  if (first === undefined) throw new CachelaneError('E_INTERNAL', 'a namespace without a path');
  return { id: first.id, paths: rows.map((row) => row.path), createdAtMs: first.created_ms };
}
