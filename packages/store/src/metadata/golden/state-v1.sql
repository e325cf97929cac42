-- A store of version 1, as the sqlite3 command .dump writes it. Do not edit: users have such stores.
PRAGMA application_id = 1129083764;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE namespaces (
  id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  default_lane TEXT,
  stays INTEGER NOT NULL DEFAULT 0,
  catalog_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO namespaces VALUES('ns_00000000000000000000000000000003',1767225600000,'t1:ref:trunk',0,0);
INSERT INTO namespaces VALUES('ns_00000000000000000000000000000020',1767225600000,NULL,1,3);
CREATE TABLE namespace_paths (
  path TEXT PRIMARY KEY,
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  rank INTEGER NOT NULL,
  directory_identity TEXT,
  UNIQUE (namespace_id, rank)
) STRICT, WITHOUT ROWID;
INSERT INTO namespace_paths VALUES('github.com/acme/empty','ns_00000000000000000000000000000020',1,NULL);
INSERT INTO namespace_paths VALUES('github.com/acme/web','ns_00000000000000000000000000000003',2,NULL);
INSERT INTO namespace_paths VALUES('local/web-0123','ns_00000000000000000000000000000003',1,'8:1:4711:1');
CREATE TABLE own_directories (
  namespace TEXT PRIMARY KEY REFERENCES namespace_paths (path) ON DELETE CASCADE,
  path TEXT NOT NULL,
  gone_since_ms INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO own_directories VALUES('local/web-0123','/home/ann/web',NULL);
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
INSERT INTO volumes VALUES('vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','npm','{"arch":"x64","os":"linux"}','npm','always',1767225600000);
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
INSERT INTO heads VALUES('vol_00000000000000000000000000000004','t1:local',2,'["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]',1767225600000,'run_00000000000000000000000000000002',1767229200000,'keep-default',1,1767225600000,8192);
CREATE TABLE removed_heads (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (volume_id, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO removed_heads VALUES('vol_00000000000000000000000000000004','t1:pr:7',1);
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
INSERT INTO history VALUES('vol_00000000000000000000000000000004','t1:local',1,'["ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]','ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb','run_00000000000000000000000000000002',1767225600000,3,2,1,4096);
INSERT INTO history VALUES('vol_00000000000000000000000000000004','t1:local',2,'["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]','3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d','run_00000000000000000000000000000002',1767225600000,3,2,1,4096);
CREATE TABLE squashes (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  id TEXT NOT NULL,
  layers TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (volume_id, lane, id)
) STRICT, WITHOUT ROWID;
INSERT INTO squashes VALUES('vol_00000000000000000000000000000004','t1:local','3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d','["2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6","18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4"]',1767225600000);
CREATE TABLE synced_heads (
  remote TEXT NOT NULL,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  layers TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (remote, volume_id, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO synced_heads VALUES('0123456789abcdef0123456789abcdef','vol_00000000000000000000000000000004','t1:local','["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]',1,1767225600000);
CREATE TABLE noted_paths (
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  note TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  marks BLOB NOT NULL,
  PRIMARY KEY (volume_id, lane, note)
) STRICT;
INSERT INTO noted_paths VALUES('vol_00000000000000000000000000000004','t1:local','used',1767225600000,X'ca978112ca1b01c16dc0');
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
INSERT INTO layers VALUES('3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d','vol_00000000000000000000000000000004','run_00000000000000000000000000000002',3,2,1,4096,5,1767225600000,'boot-1');
INSERT INTO layers VALUES('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb','vol_00000000000000000000000000000004','run_00000000000000000000000000000002',3,2,1,4096,5,1767225600000,'boot-1');
CREATE TABLE layer_holders (
  layer_id TEXT NOT NULL,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  namespace_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  PRIMARY KEY (layer_id, volume_id, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO layer_holders VALUES('18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4','vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','t1:local');
INSERT INTO layer_holders VALUES('2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6','vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','t1:local');
INSERT INTO layer_holders VALUES('3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d','vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','t1:local');
INSERT INTO layer_holders VALUES('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb','vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','t1:local');
CREATE TABLE loose_layers (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO loose_layers VALUES('6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b');
CREATE TABLE forgotten_layers (
  id TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO forgotten_layers VALUES('283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247',1767225600000);
CREATE TABLE taken (
  scope TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO taken VALUES('ns_00000000000000000000000000000003',8192);
INSERT INTO taken VALUES('store',8192);
INSERT INTO taken VALUES('t0',0);
INSERT INTO taken VALUES('t1',8192);
INSERT INTO taken VALUES('t2',0);
INSERT INTO taken VALUES('t3',0);
CREATE TABLE looks (
  what TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO looks VALUES('layers',1767225600000);
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
INSERT INTO runs VALUES('run_00000000000000000000000000000002','ns_00000000000000000000000000000003','t1:local',1767225600000,'c0ffee','ci.yml','run',1);
INSERT INTO runs VALUES('run_00000000000000000000000000000007','ns_00000000000000000000000000000003','t1:local',1767225600000,NULL,NULL,'run',0);
INSERT INTO runs VALUES('run_00000000000000000000000000000009','ns_00000000000000000000000000000003','t1:local',1767225600000,NULL,NULL,'prune',0);
CREATE TABLE run_reads (
  run_id TEXT NOT NULL,
  volume_id TEXT NOT NULL,
  layers TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (run_id, volume_id)
) STRICT, WITHOUT ROWID;
INSERT INTO run_reads VALUES('run_00000000000000000000000000000007','vol_00000000000000000000000000000004','["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]',1767225600000);
CREATE TABLE revoked_runs (
  run_id TEXT NOT NULL,
  namespace_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  revoked_by TEXT NOT NULL,
  PRIMARY KEY (run_id, namespace_id)
) STRICT, WITHOUT ROWID;
INSERT INTO revoked_runs VALUES('run_00000000000000000000000000000011','',1767225600000,'ann');
INSERT INTO revoked_runs VALUES('run_00000000000000000000000000000012','ns_00000000000000000000000000000003',1767225600001,'ben');
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
INSERT INTO sessions VALUES('ses_00000000000000000000000000000006','run_00000000000000000000000000000007','ns_00000000000000000000000000000003','t1:local','boot-1',1767225600000,'mnt:4026531841','["/home/ann/.npm"]',NULL,'["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]');
CREATE TABLE session_volumes (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  PRIMARY KEY (session_id, volume_id)
) STRICT, WITHOUT ROWID;
INSERT INTO session_volumes VALUES('ses_00000000000000000000000000000006','vol_00000000000000000000000000000004');
CREATE TABLE volume_locks (
  volume_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  PRIMARY KEY (volume_id, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO volume_locks VALUES('vol_00000000000000000000000000000004','t1:local','ses_00000000000000000000000000000006');
CREATE TABLE mount_dirs (
  path TEXT PRIMARY KEY,
  session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL
) STRICT, WITHOUT ROWID;
INSERT INTO mount_dirs VALUES('/home/ann/.cache','ses_00000000000000000000000000000006');
INSERT INTO mount_dirs VALUES('/home/ann/.npm',NULL);
CREATE TABLE policies (
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
INSERT INTO policies VALUES('github.com/acme','keep-pr','1d');
CREATE TABLE lane_policies (
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  texts TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (namespace_id, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO lane_policies VALUES('ns_00000000000000000000000000000003','t1:local','{"volume-size":"1GB"}','cachelane.yaml');
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
INSERT INTO evictions VALUES('github.com/acme/web','npm','{"arch":"x64","os":"linux"}','t1:pr:7','keep-pr','not used for 3d',1767225600000);
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
INSERT INTO grants VALUES('ns_00000000000000000000000000000003','','github.com/acme/**','read','T1',1767225600000,'ann');
INSERT INTO grants VALUES('ns_00000000000000000000000000000003','npm','github.com/acme/api','write','T2',1767225600000,'ben');
CREATE TABLE feeds (
  tier_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  volume TEXT NOT NULL,
  projects TEXT NOT NULL,
  lanes TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  PRIMARY KEY (tier_id, volume, projects, lanes)
) STRICT, WITHOUT ROWID;
INSERT INTO feeds VALUES('ns_00000000000000000000000000000020','npm','github.com/acme/**','default',1767225600000,'ann');
CREATE TABLE catalogs (
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  published_ms INTEGER NOT NULL,
  published_by TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (namespace_id, version)
) STRICT;
INSERT INTO catalogs VALUES('ns_00000000000000000000000000000020',2,'1af23e2dc4e8fd628724357af94685838dc032668796f7fcf724db17b369af21',1767225600000,'ann','{"docs":null,"volumes":{"npm-cache":{"tool":"npm","key":"npm","tier":"catalog","sharing":null,"compat":{},"docs":null,"deprecated":null}}}');
CREATE TABLE catalog_uses (
  namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  definition TEXT NOT NULL,
  consumer_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  volume_id TEXT REFERENCES volumes (id) ON DELETE SET NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace_id, definition, consumer_id)
) STRICT, WITHOUT ROWID;
INSERT INTO catalog_uses VALUES('ns_00000000000000000000000000000020','npm-cache','ns_00000000000000000000000000000003',1,'vol_00000000000000000000000000000004',1767225600000);
CREATE INDEX heads_by_use ON heads (substr(lane, 1, 2), lifetime, used_ms);
CREATE INDEX heads_by_earlier_states ON heads (earlier_states);
CREATE INDEX heads_by_earliest ON heads (earliest_ms) WHERE earliest_ms IS NOT NULL;
CREATE INDEX heads_by_size ON heads (size_bytes);
CREATE INDEX heads_by_run ON heads (run_id);
CREATE INDEX history_by_time ON history (at_ms);
CREATE INDEX history_by_run ON history (run_id);
CREATE INDEX squashes_by_time ON squashes (at_ms);
CREATE INDEX layer_holders_by_lane ON layer_holders (volume_id, lane);
CREATE INDEX forgotten_layers_by_time ON forgotten_layers (at_ms);
CREATE INDEX taken_by_bytes ON taken (bytes);
CREATE INDEX runs_by_start ON runs (started_ms) WHERE saved = 0;
CREATE INDEX run_reads_by_time ON run_reads (at_ms);
CREATE INDEX evictions_by_time ON evictions (at_ms);
CREATE INDEX grants_by_grantee ON grants (grantee);
CREATE INDEX catalog_uses_by_consumer ON catalog_uses (consumer_id);
CREATE INDEX catalog_uses_by_volume ON catalog_uses (volume_id);
CREATE INDEX catalog_uses_by_time ON catalog_uses (at_ms);
CREATE TRIGGER before_holder_insert BEFORE INSERT ON layer_holders BEGIN
  UPDATE taken SET bytes = bytes - (SELECT size_bytes FROM layers WHERE id = NEW.layer_id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = NEW.layer_id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = NEW.layer_id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = NEW.layer_id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = NEW.layer_id);
END;
CREATE TRIGGER after_holder_insert AFTER INSERT ON layer_holders BEGIN
  INSERT INTO taken (scope, bytes) SELECT NEW.namespace_id, 0
  WHERE NOT EXISTS (SELECT 1 FROM taken WHERE scope = NEW.namespace_id);
  UPDATE taken SET bytes = bytes + (SELECT size_bytes FROM layers WHERE id = NEW.layer_id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = NEW.layer_id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = NEW.layer_id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = NEW.layer_id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = NEW.layer_id);
END;
CREATE TRIGGER before_holder_delete BEFORE DELETE ON layer_holders BEGIN
  UPDATE taken SET bytes = bytes - (SELECT size_bytes FROM layers WHERE id = OLD.layer_id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = OLD.layer_id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = OLD.layer_id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = OLD.layer_id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = OLD.layer_id);
END;
CREATE TRIGGER after_holder_delete AFTER DELETE ON layer_holders BEGIN
  UPDATE taken SET bytes = bytes + (SELECT size_bytes FROM layers WHERE id = OLD.layer_id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = OLD.layer_id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = OLD.layer_id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = OLD.layer_id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = OLD.layer_id);
  INSERT OR IGNORE INTO loose_layers (id) SELECT OLD.layer_id
  WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = OLD.layer_id);
END;
CREATE TRIGGER after_layer_insert AFTER INSERT ON layers BEGIN
  UPDATE taken SET bytes = bytes + (SELECT size_bytes FROM layers WHERE id = NEW.id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = NEW.id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = NEW.id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = NEW.id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = NEW.id);
  INSERT OR IGNORE INTO loose_layers (id) SELECT NEW.id
  WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = NEW.id);
END;
CREATE TRIGGER before_layer_delete BEFORE DELETE ON layers BEGIN
  UPDATE taken SET bytes = bytes - (SELECT size_bytes FROM layers WHERE id = OLD.id)
  WHERE scope IN (
    SELECT 'store' FROM layer_holders WHERE layer_id = OLD.id
    UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = OLD.id
    UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = OLD.id
  ) AND EXISTS (SELECT 1 FROM layers WHERE id = OLD.id);
END;
CREATE TRIGGER after_head_insert AFTER INSERT ON heads BEGIN
  INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
  SELECT DISTINCT named.id, NEW.volume_id, v.namespace_id, NEW.lane
  FROM (SELECT value AS id FROM json_each(NEW.layers)) AS named JOIN volumes v ON v.id = NEW.volume_id
  WHERE NOT EXISTS (
    SELECT 1 FROM layer_holders h
    WHERE h.layer_id = named.id AND h.volume_id = NEW.volume_id AND h.lane = NEW.lane
  );
END;
CREATE TRIGGER after_head_update AFTER UPDATE OF layers ON heads BEGIN
  INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
  SELECT DISTINCT named.id, NEW.volume_id, v.namespace_id, NEW.lane
  FROM (SELECT value AS id FROM json_each(NEW.layers)) AS named JOIN volumes v ON v.id = NEW.volume_id
  WHERE NOT EXISTS (
    SELECT 1 FROM layer_holders h
    WHERE h.layer_id = named.id AND h.volume_id = NEW.volume_id AND h.lane = NEW.lane
  );
END;
CREATE TRIGGER after_history_insert AFTER INSERT ON history BEGIN
  INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
  SELECT DISTINCT named.id, NEW.volume_id, v.namespace_id, NEW.lane
  FROM (SELECT value AS id FROM json_each(NEW.layers) UNION ALL SELECT NEW.layer_id WHERE NEW.layer_id IS NOT NULL) AS named JOIN volumes v ON v.id = NEW.volume_id
  WHERE NOT EXISTS (
    SELECT 1 FROM layer_holders h
    WHERE h.layer_id = named.id AND h.volume_id = NEW.volume_id AND h.lane = NEW.lane
  );
END;
CREATE TRIGGER after_squash_insert AFTER INSERT ON squashes BEGIN
  INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
  SELECT DISTINCT named.id, NEW.volume_id, v.namespace_id, NEW.lane
  FROM (SELECT value AS id FROM json_each(NEW.layers)) AS named JOIN volumes v ON v.id = NEW.volume_id
  WHERE NOT EXISTS (
    SELECT 1 FROM layer_holders h
    WHERE h.layer_id = named.id AND h.volume_id = NEW.volume_id AND h.lane = NEW.lane
  );
END;
CREATE TRIGGER after_session_delete AFTER DELETE ON sessions BEGIN
  INSERT OR IGNORE INTO loose_layers (id) SELECT pin.value FROM json_each(OLD.pins) AS pin
  WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = pin.value);
END;
CREATE TRIGGER after_namespace_delete AFTER DELETE ON namespaces BEGIN
  DELETE FROM taken WHERE scope = OLD.id;
END;
COMMIT;
