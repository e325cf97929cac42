import { format11 } from './format-11.ts';
import { format9 } from './format-9.ts';

/** `CLan` as a big-endian number: tells a state.db from any other SQLite file. */
export const applicationId = 0x43_4c_61_6e;

export interface Migration {
  /** What `PRAGMA user_version` is afterwards. */
  readonly version: number;
  readonly sql: string;
}

/**
 * Steps from an empty file to the format of today, in order, each run once per store. A step that has shipped is never
 * edited (golden/ holds a store of each version): a change of the format is a new step, and a chapter in docs/STORE_FORMAT.md.
 *
 * Heads, history and sessions hold their layers as one JSON array of ids: they are always read and written whole.
 * No foreign key leads to `layers` or `runs`: what may go there is decided by `forgetLayers`, not by deletion order.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE namespaces (
        id TEXT PRIMARY KEY,
        created_ms INTEGER NOT NULL,
        directory_path TEXT,
        directory_identity TEXT
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE namespace_paths (
        path TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
        rank INTEGER NOT NULL,
        UNIQUE (namespace_id, rank)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE volumes (
        id TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL REFERENCES namespaces (id),
        name TEXT NOT NULL,
        compat TEXT NOT NULL,
        tool TEXT NOT NULL,
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
        PRIMARY KEY (volume_id, lane)
      ) STRICT, WITHOUT ROWID;

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

      CREATE TABLE forgotten_layers (
        id TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        revision TEXT,
        workflow TEXT,
        saved INTEGER NOT NULL DEFAULT 0
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
        pins TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE mount_dirs (
        path TEXT PRIMARY KEY,
        session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // The directory is one of a name now, as a namespace may have the own names of several directories.
    version: 2,
    sql: `
      CREATE TABLE session_volumes (
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        PRIMARY KEY (session_id, volume_id)
      ) STRICT, WITHOUT ROWID;

      ALTER TABLE namespace_paths ADD COLUMN directory_identity TEXT;

      UPDATE namespace_paths SET directory_identity =
        (SELECT n.directory_identity FROM namespaces n WHERE n.id = namespace_id)
      WHERE path LIKE 'local/%';

      ALTER TABLE namespaces DROP COLUMN directory_path;

      ALTER TABLE namespaces DROP COLUMN directory_identity;
    `,
  },
  {
    version: 3,
    sql: `
      CREATE TABLE volume_locks (
        volume_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        PRIMARY KEY (volume_id, lane)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // NULL: not said, so all of its targets may be.
    version: 4,
    sql: `
      ALTER TABLE sessions ADD COLUMN mounts TEXT;
    `,
  },
  {
    version: 5,
    sql: `
      ALTER TABLE runs ADD COLUMN purpose TEXT NOT NULL DEFAULT 'run';

      ALTER TABLE volumes ADD COLUMN sync TEXT;

      CREATE TABLE synced_heads (
        remote TEXT NOT NULL,
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        lane TEXT NOT NULL,
        layers TEXT NOT NULL,
        revision INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (remote, volume_id, lane)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // What a collection goes by.
    version: 6,
    sql: `
      ALTER TABLE namespaces ADD COLUMN default_lane TEXT;

      CREATE TABLE head_uses (
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        lane TEXT NOT NULL,
        used_ms INTEGER NOT NULL,
        PRIMARY KEY (volume_id, lane)
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

      CREATE TABLE own_directories (
        namespace TEXT PRIMARY KEY REFERENCES namespace_paths (path) ON DELETE CASCADE,
        path TEXT NOT NULL,
        gone_since_ms INTEGER
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
    `,
  },
  {
    // Squashes that are for good, and what it takes to take a run out: who read what, and which runs are revoked.
    version: 7,
    sql: `
      CREATE TABLE squashes (
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        lane TEXT NOT NULL,
        id TEXT NOT NULL,
        layers TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (volume_id, lane, id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE run_reads (
        run_id TEXT NOT NULL,
        volume_id TEXT NOT NULL,
        layers TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (run_id, volume_id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE revoked_runs (
        run_id TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        revoked_by TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // What growth inside a volume goes by: which paths runs used, and which went.
    version: 8,
    sql: `
      CREATE TABLE noted_paths (
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        lane TEXT NOT NULL,
        note TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        marks BLOB NOT NULL,
        PRIMARY KEY (volume_id, lane, note)
      ) STRICT;
    `,
  },
  {
    // What a collection would otherwise add up each time: who holds which layer, and what that takes.
    version: 9,
    sql: format9,
  },
  {
    // Whether somebody created it: then it stays without volumes and sessions.
    version: 10,
    sql: `
      ALTER TABLE namespaces ADD COLUMN stays INTEGER NOT NULL DEFAULT 0;
    `,
  },
  {
    // What namespaces share with each other, and what they offer.
    version: 11,
    sql: format11,
  },
];

export const currentVersion: number = migrations.at(-1)?.version ?? 0;
