import {
  coveringGrantees,
  granteeOf,
  granteeText,
  type FeedKey,
  type FeedRecord,
  type GrantKey,
  type GrantRecord,
  type LaneName,
  type NamespaceId,
  type SharingStore,
  type TrustLevel,
  type VolumeName,
} from '@cachelane/core';
import { requireThere } from './namespaces.ts';
import type { SqliteDatabase } from '../sqlite/sqlite-database.ts';

interface GrantRow {
  readonly owner_id: NamespaceId;
  /** Empty means all volumes. */
  readonly volume: VolumeName | '';
  readonly grantee: string;
  readonly access: GrantRecord['access'];
  readonly trust: TrustLevel;
  readonly at_ms: number;
  readonly granted_by: string;
}

interface FeedRow {
  readonly tier_id: NamespaceId;
  /** Empty means all volumes. */
  readonly volume: VolumeName | '';
  readonly projects: string;
  readonly lanes: 'default' | LaneName;
  readonly at_ms: number;
  readonly set_by: string;
}

export function sharingStore(database: SqliteDatabase): SharingStore {
  return {
    putGrant: (grant, signal) =>
      database.write('durable', signal, (sql) => {
        requireThere(sql, grant.ownerId);
        sql.run(
          `INSERT OR REPLACE INTO grants (owner_id, volume, grantee, access, trust, at_ms, granted_by)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          ...grantKey(grant),
          grant.access,
          grant.trust,
          grant.atMs,
          grant.by,
        );
      }),

    removeGrant: (key, signal) =>
      database.write('durable', signal, (sql) => {
        const removed = sql.get(
          'DELETE FROM grants WHERE owner_id = ? AND volume = ? AND grantee = ? RETURNING 1',
          ...grantKey(key),
        );
        return removed !== undefined;
      }),

    grantsOf: (ownerId, signal) =>
      database.read(signal, (sql) =>
        sql.all<GrantRow>('SELECT * FROM grants WHERE owner_id = ? ORDER BY volume, grantee', ownerId).map(toGrant),
      ),

    grantsTo: (names, signal) =>
      database.read(signal, (sql) =>
        sql
          .all<GrantRow>(
            'SELECT * FROM grants WHERE grantee IN (SELECT value FROM json_each(?)) ORDER BY owner_id, volume, grantee',
            JSON.stringify(coveringGrantees(names).map(granteeText)),
          )
          .map(toGrant),
      ),

    putFeed: (feed, signal) =>
      database.write('durable', signal, (sql) => {
        requireThere(sql, feed.tierId);
        sql.run(
          'INSERT OR REPLACE INTO feeds (tier_id, volume, projects, lanes, at_ms, set_by) VALUES (?, ?, ?, ?, ?, ?)',
          ...feedKey(feed),
          feed.atMs,
          feed.by,
        );
      }),

    removeFeed: (key, signal) =>
      database.write('durable', signal, (sql) => {
        const removed = sql.get(
          'DELETE FROM feeds WHERE tier_id = ? AND volume = ? AND projects = ? AND lanes = ? RETURNING 1',
          ...feedKey(key),
        );
        return removed !== undefined;
      }),

    feedsOf: (tierId, signal) =>
      database.read(signal, (sql) =>
        sql.all<FeedRow>('SELECT * FROM feeds WHERE tier_id = ? ORDER BY volume, projects, lanes', tierId).map(toFeed),
      ),
  };
}

function grantKey({ ownerId, volume, to }: GrantKey): readonly string[] {
  return [ownerId, volume ?? '', granteeText(to)];
}

function feedKey({ tierId, volume, from, lanes }: FeedKey): readonly string[] {
  return [tierId, volume ?? '', granteeText(from), lanes];
}

function toGrant(row: GrantRow): GrantRecord {
  return {
    ownerId: row.owner_id,
    volume: row.volume === '' ? null : row.volume,
    to: granteeOf(row.grantee),
    access: row.access,
    trust: row.trust,
    atMs: row.at_ms,
    by: row.granted_by,
  };
}

function toFeed(row: FeedRow): FeedRecord {
  return {
    tierId: row.tier_id,
    from: granteeOf(row.projects),
    volume: row.volume === '' ? null : row.volume,
    lanes: row.lanes,
    atMs: row.at_ms,
    by: row.set_by,
  };
}
