/**
 * The tables, their indexes and first rows. Columns with lists (`layers`, `pins`, `targets`) hold one JSON array, since
 * they are read and written whole. No foreign key leads to `layers` or `runs`: `forgetLayers` decides what goes there.
 */
export const tables = `
CREATE TABLE namespaces (
  id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  default_lane TEXT,
  stays INTEGER NOT NULL DEFAULT 0,
  catalog_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE namespace_paths (
  path TEXT PRIMARY KEY,
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  rank INTEGER NOT NULL,
  directory_identity TEXT,
  UNIQUE (namespace_id, rank)
) STRICT, WITHOUT ROWID;

CREATE TABLE own_directories (
  namespace TEXT PRIMARY KEY REFERENCES namespace_paths (path) ON DELETE CASCADE,
  path TEXT NOT NULL,
  gone_since_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE volumes (
  id TEXT PRIMARY KEY,
  namespace_id TEXT NOT NULL REFERENCES namespaces (id),
  name TEXT NOT NULL,
  compat TEXT NOT NULL,
  tool TEXT NOT NULL,
  sync TEXT,
  created_ms INTEGER NOT NULL,
  UNIQUE (namespace_id, name, compat)
) STRICT, WITHOUT ROWID;

CREATE TABLE heads (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  generation INTEGER NOT NULL,
  layers TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  used_ms INTEGER NOT NULL,
  lifetime TEXT NOT NULL,
  earlier_states INTEGER NOT NULL DEFAULT 0,
  earliest_ms INTEGER,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (volume_id, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX heads_by_use ON heads (substr(lane, 1, 2), lifetime, used_ms);
CREATE INDEX heads_by_earlier_states ON heads (earlier_states);
CREATE INDEX heads_by_earliest ON heads (earliest_ms) WHERE earliest_ms IS NOT NULL;
CREATE INDEX heads_by_size ON heads (size_bytes);
CREATE INDEX heads_by_run ON heads (run_id);

CREATE TABLE removed_heads (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (volume_id, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  generation INTEGER NOT NULL,
  layers TEXT NOT NULL,
  layer_id TEXT,
  run_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (volume_id, lane, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_by_time ON history (at_ms);
CREATE INDEX history_by_run ON history (run_id);

CREATE TABLE squashes (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  id TEXT NOT NULL,
  layers TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (volume_id, lane, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX squashes_by_time ON squashes (at_ms);

CREATE TABLE synced_heads (
  remote TEXT NOT NULL,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  layers TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (remote, volume_id, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE noted_paths (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  note TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  marks BLOB NOT NULL,
  PRIMARY KEY (volume_id, lane, note)
) STRICT;

CREATE TABLE layers (
  id TEXT PRIMARY KEY,
  volume_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  files INTEGER NOT NULL,
  sealed_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE layer_holders (
  layer_id TEXT NOT NULL,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  namespace_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  PRIMARY KEY (layer_id, volume_id, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX layer_holders_by_lane ON layer_holders (volume_id, lane);

CREATE TABLE loose_layers (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE forgotten_layers (
  id TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_layers_by_time ON forgotten_layers (at_ms);

CREATE TABLE taken (
  scope TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_by_bytes ON taken (bytes);
INSERT INTO taken (scope, bytes) VALUES ('store', 0), ('t0', 0), ('t1', 0), ('t2', 0), ('t3', 0);

CREATE TABLE looks (
  what TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  namespace_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  revision TEXT,
  workflow TEXT,
  purpose TEXT NOT NULL,
  saved INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started_ms) WHERE saved = 0;

CREATE TABLE run_reads (
  run_id TEXT NOT NULL,
  volume_id TEXT NOT NULL,
  layers TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (run_id, volume_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_reads_by_time ON run_reads (at_ms);

CREATE TABLE revoked_runs (
  run_id TEXT NOT NULL,
  namespace_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  revoked_by TEXT NOT NULL,
  PRIMARY KEY (run_id, namespace_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  namespace_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  place TEXT,
  targets TEXT NOT NULL,
  mounts TEXT,
  pins TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session_volumes (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  PRIMARY KEY (session_id, volume_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE volume_locks (
  volume_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  PRIMARY KEY (volume_id, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE mount_dirs (
  path TEXT PRIMARY KEY,
  session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_policies (
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  texts TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (namespace_id, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE evictions (
  namespace TEXT NOT NULL,
  volume TEXT NOT NULL,
  compat TEXT NOT NULL,
  lane TEXT NOT NULL,
  policy TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, volume, compat, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX evictions_by_time ON evictions (at_ms);

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
