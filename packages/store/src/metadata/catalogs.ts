import {
  limits,
  type CatalogRecord,
  type CatalogStore,
  type CatalogUse,
  type Digest,
  type ListedCatalog,
  type NamespaceId,
  type PublishRequest,
  type PublishResult,
  type VolumeId,
} from '@cachelane/core';
import { removeEmptyNamespace, requireThere } from './namespaces.ts';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

interface ListedRow {
  readonly namespace_id: NamespaceId;
  readonly version: number;
  readonly digest: Digest;
  readonly published_ms: number;
  readonly published_by: string;
}

interface CatalogRow extends ListedRow {
  readonly text: string;
}

interface UseRow {
  readonly namespace_id: NamespaceId;
  readonly definition: string;
  readonly version: number;
  readonly consumer_id: NamespaceId;
  readonly volume_id: VolumeId | null;
  readonly at_ms: number;
}

const selectListed = 'SELECT namespace_id, version, digest, published_ms, published_by FROM catalogs AS c';

export function catalogStore(database: SqliteDatabase): CatalogStore {
  return {
    publishCatalog: (request, signal) => database.write('durable', signal, (sql) => publish(sql, request)),

    catalogVersion: (id, version, signal) => database.read(signal, (sql) => versionOf(sql, id, version)),

    catalogVersions: (id, signal) =>
      database.read(signal, (sql) =>
        sql.all<ListedRow>(`${selectListed} WHERE namespace_id = ? ORDER BY version DESC`, id).map(toListed),
      ),

    listCatalogs: (signal) =>
      database.read(signal, (sql) => {
        const isLatest = 'version = (SELECT max(version) FROM catalogs WHERE namespace_id = c.namespace_id)';
        return sql.all<ListedRow>(`${selectListed} WHERE ${isLatest} ORDER BY namespace_id`).map(toListed);
      }),

    nextCatalogVersion: (id, signal) =>
      database.read(signal, (sql) => {
        const select = 'SELECT catalog_version FROM namespaces WHERE id = ?';
        return (sql.get<{ catalog_version: number }>(select, id)?.catalog_version ?? 0) + 1;
      }),

    removeCatalogVersion: (id, version, signal) =>
      database.write('durable', signal, (sql) => {
        const gone = sql.get('DELETE FROM catalogs WHERE namespace_id = ? AND version = ? RETURNING 1', id, version);
        return gone !== undefined;
      }),

    noteCatalogUse: (use, signal) =>
      database.write('fast', signal, (sql) => {
        sql.run(
          `INSERT OR REPLACE INTO catalog_uses (namespace_id, definition, consumer_id, version, volume_id, at_ms)
           SELECT ?1, ?2, ?3, ?4, (SELECT id FROM volumes WHERE id = ?5), ?6
           WHERE EXISTS (SELECT 1 FROM namespaces WHERE id = ?1) AND EXISTS (SELECT 1 FROM namespaces WHERE id = ?3)`,
          use.namespaceId,
          use.definition,
          use.consumerId,
          use.version,
          use.volumeId,
          use.atMs,
        );
      }),

    catalogUses: (id, definition, signal) =>
      database.read(signal, (sql) => {
        const select = 'SELECT * FROM catalog_uses WHERE namespace_id = ?';
        const rows =
          definition === null
            ? sql.all<UseRow>(`${select} ORDER BY definition, consumer_id`, id)
            : sql.all<UseRow>(`${select} AND definition = ? ORDER BY consumer_id`, id, definition);
        return rows.map(toUse);
      }),
  };
}

/** Deletes expired uses, and consumer namespaces that have nothing else. */
export function dropOldUses(sql: Sql, nowMs: number): void {
  const gone = sql.all<Pick<UseRow, 'consumer_id'>>(
    'DELETE FROM catalog_uses WHERE at_ms < ? RETURNING consumer_id',
    nowMs - limits.catalogUsesMs,
  );
  for (const id of new Set(gone.map((row) => row.consumer_id))) removeEmptyNamespace(sql, id);
}

function publish(sql: Sql, { expectedVersion, ...content }: PublishRequest): PublishResult {
  const { namespaceId, digest, publishedAtMs, by, text } = content;
  requireThere(sql, namespaceId);
  const latest = versionOf(sql, namespaceId, null);
  if (latest?.digest === digest) return { kind: 'same', record: latest };
  if ((latest?.version ?? 0) !== expectedVersion) return { kind: 'conflict', record: latest ?? null };
  const version = countVersion(sql, namespaceId);
  sql.run(
    `INSERT INTO catalogs (namespace_id, version, digest, published_ms, published_by, text) VALUES (?, ?, ?, ?, ?, ?)`,
    namespaceId,
    version,
    digest,
    publishedAtMs,
    by,
    text,
  );
  return { kind: 'published', record: { ...content, version } };
}

/** Returns a version number that this namespace has never used. */
function countVersion(sql: Sql, id: NamespaceId): number {
  const row = sql.get<{ catalog_version: number }>(
    'UPDATE namespaces SET catalog_version = catalog_version + 1 WHERE id = ? RETURNING catalog_version',
    id,
  );
  return row?.catalog_version ?? 1;
}

/** Returns one version, or the latest if `version` is null. */
function versionOf(sql: Sql, id: NamespaceId, version: number | null): CatalogRecord | undefined {
  const row = sql.get<CatalogRow>(
    `SELECT * FROM catalogs WHERE namespace_id = ?1 AND version =
     coalesce(?2, (SELECT max(version) FROM catalogs WHERE namespace_id = ?1))`,
    id,
    version,
  );
  return row === undefined ? undefined : { ...toListed(row), text: row.text };
}

function toListed(row: ListedRow): ListedCatalog {
  return {
    namespaceId: row.namespace_id,
    version: row.version,
    digest: row.digest,
    publishedAtMs: row.published_ms,
    by: row.published_by,
  };
}

function toUse(row: UseRow): CatalogUse {
  return {
    namespaceId: row.namespace_id,
    definition: row.definition,
    version: row.version,
    consumerId: row.consumer_id,
    volumeId: row.volume_id,
    atMs: row.at_ms,
  };
}
