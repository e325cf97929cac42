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

/** Returns all namespaces in the order of their current paths. */
function listNamespaces(sql: Sql): readonly NamespaceRecord[] {
  const rows = sql.all<NamespaceRow>(`${selectNamespaces} ORDER BY p.rank DESC`);
  const records = [...Map.groupBy(rows, (row) => row.id).values()].map(toNamespace);
  return records.toSorted((a, b) => (currentPath(a) < currentPath(b) ? -1 : 1));
}

export function namespaceIdOf(sql: Sql, path: Namespace): NamespaceId | undefined {
  return sql.get<{ namespace_id: NamespaceId }>('SELECT namespace_id FROM namespace_paths WHERE path = ?', path)
    ?.namespace_id;
}

/** Errors: E_NOT_FOUND. */
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

/** Returns the id of `path`. Creates the namespace with `freshId` if it does not exist. */
export function ensureNamespace(sql: Sql, path: Namespace, freshId: NamespaceId, atMs: number): NamespaceId {
  const known = namespaceIdOf(sql, path);
  if (known !== undefined) return known;
  sql.run('INSERT INTO namespaces (id, created_ms) VALUES (?, ?)', freshId, atMs);
  addPath(sql, freshId, path);
  return freshId;
}

/**
 * Adds the name `namespace` to the id of the directory's local namespace, and returns the id.
 * Returns undefined if another directory used the local name, or if the id already has another project's name. A later
 * change of name is a rename, which only a person can tell from a switch to another project.
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

/** Returns whether a different directory, once at the same path, owns the name. Returns false if either is unknown. */
export function isOfAnother(sql: Sql, own: Namespace, directory: DirectoryIdentity): boolean {
  const recorded = directoryOf(sql, own);
  return recorded !== null && recorded !== directory.identity;
}

/** Removes a directory's own name from its id, because another directory has replaced the one that had it. */
export function detachOwnName(sql: Sql, own: Namespace): void {
  const id = namespaceIdOf(sql, own);
  if (id === undefined) return;
  sql.run('DELETE FROM namespace_paths WHERE path = ?', own);
  if (hasPaths(sql, id)) return;
  addPath(sql, id, nameApart(own, id));
  removeEmptyNamespace(sql, id);
}

/** Returns a name for a namespace that cannot have its directory's own name. */
export function nameApart(own: Namespace, id: NamespaceId): Namespace {
  return joinSegments(`${own}~${id.slice(-8)}`.split('/'));
}

/** Records which directory owns the name. Writes nothing if that is already recorded. */
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

/** Deletes a namespace without volumes, live sessions and catalog uses, unless it was created explicitly. */
export function removeEmptyNamespace(sql: Sql, id: NamespaceId): void {
  sql.run(
    `DELETE FROM namespaces WHERE id = ?1 AND stays = 0
     AND NOT EXISTS (SELECT 1 FROM volumes WHERE namespace_id = ?1)
     AND NOT EXISTS (SELECT 1 FROM sessions WHERE namespace_id = ?1)
     AND NOT EXISTS (SELECT 1 FROM catalog_uses WHERE consumer_id = ?1)`,
    id,
  );
}

/** Deletes a volume that has no head and that no session has open. */
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
  throw new CachelaneError('E_NAMESPACE', `${path} is the name of another namespace that has volumes`, {
    hint: 'remove its volumes first, or choose another name',
  });
}

/** Removes everything the namespace shares and offers, and its catalog uses. */
function withdraw(sql: Sql, id: NamespaceId): void {
  sql.run('DELETE FROM grants WHERE owner_id = ?', id);
  sql.run('DELETE FROM feeds WHERE tier_id = ?', id);
  sql.run('DELETE FROM catalogs WHERE namespace_id = ?', id);
  sql.run('DELETE FROM catalog_uses WHERE namespace_id = ?1 OR consumer_id = ?1', id);
}

/** Throws if the namespace shares or offers anything: its rules must not apply to another namespace's volumes. */
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

/**
 * Deletes a namespace that lost its last path. None of its volumes has a head. If it was created explicitly, the
 * namespace that took the path counts as created too.
 */
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

/** Converts the rows of one namespace, which are ordered by rank, highest first. */
function toNamespace(rows: readonly NamespaceRow[]): NamespaceRecord {
  const [first] = rows;
  if (first === undefined) throw new CachelaneError('E_INTERNAL', 'a namespace without a path');
  return { id: first.id, paths: rows.map((row) => row.path), createdAtMs: first.created_ms };
}
