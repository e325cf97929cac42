-- A store of format 1, as sqlite3's .dump writes it. Never edited: stores like it are on people's disks.
PRAGMA application_id = 1129079150;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE namespaces (
        id TEXT PRIMARY KEY,
        created_ms INTEGER NOT NULL,
        directory_path TEXT,
        directory_identity TEXT
      ) STRICT, WITHOUT ROWID;
INSERT INTO namespaces VALUES('ns_00000000000000000000000000000003',1767225600000,'/home/ann/web','8:1:4711:1');
CREATE TABLE namespace_paths (
        path TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        rank INTEGER NOT NULL,
        UNIQUE (namespace_id, rank)
      ) STRICT, WITHOUT ROWID;
INSERT INTO namespace_paths VALUES('github.com/acme/web','ns_00000000000000000000000000000003',2);
INSERT INTO namespace_paths VALUES('local/web-0123','ns_00000000000000000000000000000003',1);
CREATE TABLE volumes (
        id TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL REFERENCES namespaces (id),
        name TEXT NOT NULL,
        compat TEXT NOT NULL,
        tool TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        UNIQUE (namespace_id, name, compat)
      ) STRICT, WITHOUT ROWID;
INSERT INTO volumes VALUES('vol_00000000000000000000000000000004','ns_00000000000000000000000000000003','npm','{"arch":"x64","os":"linux"}','npm',1767225600000);
CREATE TABLE heads (
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        lane TEXT NOT NULL,
        generation INTEGER NOT NULL,
        layers TEXT NOT NULL,
        updated_ms INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        PRIMARY KEY (volume_id, lane)
      ) STRICT, WITHOUT ROWID;
INSERT INTO heads VALUES('vol_00000000000000000000000000000004','t1:local',2,'["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]',1767225600000,'run_00000000000000000000000000000002');
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
CREATE TABLE forgotten_layers (
        id TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
INSERT INTO forgotten_layers VALUES('283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247',1767225600000);
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        revision TEXT,
        workflow TEXT,
        saved INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
INSERT INTO runs VALUES('run_00000000000000000000000000000002','ns_00000000000000000000000000000003','t1:local',1767225600000,'c0ffee','ci.yml',1);
INSERT INTO runs VALUES('run_00000000000000000000000000000007','ns_00000000000000000000000000000003','t1:local',1767225600000,NULL,NULL,0);
CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        run_id TEXT NOT NULL,
        namespace_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        opened_ms INTEGER NOT NULL,
        place TEXT,
        targets TEXT NOT NULL,
        pins TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
INSERT INTO sessions VALUES('ses_00000000000000000000000000000006','run_00000000000000000000000000000007','ns_00000000000000000000000000000003','t1:local','boot-1',1767225600000,'mnt:4026531841','["/home/ann/.npm"]','["3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]');
CREATE TABLE mount_dirs (
        path TEXT PRIMARY KEY,
        session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL
      ) STRICT, WITHOUT ROWID;
INSERT INTO mount_dirs VALUES('/home/ann/.cache','ses_00000000000000000000000000000006');
INSERT INTO mount_dirs VALUES('/home/ann/.npm',NULL);
COMMIT;
