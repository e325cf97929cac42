/**
 * What namespaces share and offer goes with their ids; volumes, grantees and projects are texts, of what need not be there. A volume without a name is every one. `catalog_version` is the highest
 * that a namespace ever had: rows of versions may go. The indexes are for rows that go with theirs, and for who asks what it was granted.
 */
export const format11 = `
      CREATE TABLE grants (
        owner_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        volume TEXT NOT NULL,
        grantee TEXT NOT NULL,
        access TEXT NOT NULL,
        trust TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        granted_by TEXT NOT NULL,
        PRIMARY KEY (owner_id, volume, grantee)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX grants_by_grantee ON grants (grantee);

      CREATE TABLE feeds (
        tier_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        volume TEXT NOT NULL,
        projects TEXT NOT NULL,
        lanes TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        set_by TEXT NOT NULL,
        PRIMARY KEY (tier_id, volume, projects, lanes)
      ) STRICT, WITHOUT ROWID;

      ALTER TABLE namespaces ADD COLUMN catalog_version INTEGER NOT NULL DEFAULT 0;

      CREATE TABLE catalogs (
        namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        digest TEXT NOT NULL,
        published_ms INTEGER NOT NULL,
        published_by TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (namespace_id, version)
      ) STRICT;

      CREATE TABLE catalog_uses (
        namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        definition TEXT NOT NULL,
        consumer_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        volume_id TEXT REFERENCES volumes (id) ON DELETE SET NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (namespace_id, definition, consumer_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX catalog_uses_by_consumer ON catalog_uses (consumer_id);
      CREATE INDEX catalog_uses_by_volume ON catalog_uses (volume_id);
      CREATE INDEX catalog_uses_by_time ON catalog_uses (at_ms);
    `;
