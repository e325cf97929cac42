import { childPath, parentPath, type BytePath, type MergeDriver } from '@cachelane/core';
import type { SqliteRow, SqliteTable } from '../drivers/sqlite-file.ts';
import { sqliteRowsDriver, type RowOrder } from '../drivers/sqlite-rows.ts';

/** Tables of version 6 (Nx 24). Nx does not create missing ones. */
const tasks: SqliteTable = {
  name: 'task_details',
  columns: ['hash', 'project', 'target', 'configuration'],
  sql: `CREATE TABLE task_details (
    hash    TEXT PRIMARY KEY NOT NULL,
    project  TEXT NOT NULL,
    target  TEXT NOT NULL,
    configuration  TEXT
)`,
  isExact: true,
};

const outputs: SqliteTable = {
  name: 'cache_outputs',
  columns: ['hash', 'code', 'size', 'is_cache_entry', 'created_at', 'accessed_at'],
  sql: `CREATE TABLE cache_outputs (
                hash    TEXT PRIMARY KEY NOT NULL,
                code   INTEGER NOT NULL,
                size   INTEGER NOT NULL,
                is_cache_entry BOOLEAN NOT NULL DEFAULT TRUE CHECK (is_cache_entry IN (0, 1)),
                created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                accessed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                FOREIGN KEY (hash) REFERENCES task_details (hash)
            )`,
  isExact: true,
};

/** Tables about one checkout. */
const ofOneCheckout: readonly SqliteTable[] = [
  {
    name: 'running_tasks',
    columns: [],
    sql: `CREATE TABLE running_tasks (
    task_id TEXT PRIMARY KEY NOT NULL,
    pid INTEGER NOT NULL,
    command TEXT NOT NULL,
    cwd TEXT NOT NULL
)`,
    isExact: true,
  },
  {
    name: 'running_task_readiness',
    columns: [],
    sql: `CREATE TABLE running_task_readiness (
    task_id TEXT PRIMARY KEY NOT NULL,
    status INTEGER NOT NULL,
    url TEXT
)`,
    isExact: true,
  },
  {
    name: 'task_invocations',
    columns: [],
    sql: `CREATE TABLE task_invocations (
    root_pid INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    overrides_hash TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (root_pid, pid, task_id)
)`,
    isExact: true,
  },
  {
    name: 'metadata',
    columns: [],
    sql: 'CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT)',
    isExact: true,
  },
  {
    name: 'task_history',
    columns: [],
    sql: `CREATE TABLE task_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    hash TEXT NOT NULL,
    status TEXT NOT NULL,
    code INTEGER NOT NULL,
    start TIMESTAMP NOT NULL,
    end TIMESTAMP NOT NULL,
    FOREIGN KEY (hash) REFERENCES task_details (hash)
)`,
    indexes: {
      hash_idx: 'CREATE INDEX hash_idx ON task_history (hash)',
      status_idx: 'CREATE INDEX status_idx ON task_history (status)',
    },
    isExact: true,
  },
  {
    name: 'nx_plugin_capabilities',
    columns: [],
    sql: `CREATE TABLE nx_plugin_capabilities (
    position   INTEGER PRIMARY KEY NOT NULL,
    computed_at   INTEGER NOT NULL,
    create_nodes_pattern   TEXT,
    has_create_dependencies   INTEGER NOT NULL,
    has_create_metadata   INTEGER NOT NULL,
    has_pre_tasks_execution   INTEGER NOT NULL,
    has_post_tasks_execution   INTEGER NOT NULL
)`,
    isExact: true,
  },
];

/**
 * Nx replaces the row of a failed attempt by the next one. A failed row must never win, however much it printed: otherwise all runs would
 * miss the task.
 */
const byUse: RowOrder = {
  compare(a, b) {
    const [one, other] = [outputOf(a), outputOf(b)];
    return (
      one.rank - other.rank || inOrder(one.accessedAt, other.accessedAt) || inOrder(one.createdAt, other.createdAt)
    );
  },
  isNews(before, mine) {
    const [old, now] = [outputOf(before), outputOf(mine)];
    if (old.rank !== now.rank) return now.rank > old.rank;
    return dayOf(now.accessedAt) > dayOf(old.accessedAt);
  },
};

interface Output {
  /** 0: Nx ignores it; 1: a failure that Nx replays; 2: a success. */
  readonly rank: 0 | 1 | 2;
  readonly createdAt: string;
  readonly accessedAt: string;
}

function outputOf({ value }: SqliteRow): Output {
  const [code, , isCacheEntry, createdAt, accessedAt] = JSON.parse(String(value)) as readonly unknown[];
  const rank = isCacheEntry === 0 ? 0 : code === 0 ? 2 : 1;
  return { rank, createdAt: String(createdAt), accessedAt: String(accessedAt) };
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Nx's database below its cache, which lists valid outputs. Nx repeats a task without a row. A row without its output would skip a task.
 * Nx removes outputs unused for seven days, so a later use within a day is no change.
 */
export const nxDatabaseDriver: MergeDriver = sqliteRowsDriver({
  tables: [tasks, ...ofOneCheckout, outputs],
  close(rows, path, has) {
    const cache = parentPath(parentPath(path));
    const isThere = ({ key }: SqliteRow): boolean => has(terminalOutputOf(cache, key));
    return rows.filter((row) => row.table !== outputs.name || isThere(row));
  },
  orders: { [outputs.name]: byUse },
});

/** Every task has terminal output; only some have output files. */
function terminalOutputOf(cache: BytePath, hash: string): BytePath {
  return childPath(childPath(cache, 'terminalOutputs'), hash);
}

/** Returns `2026-11-25` of a SQLite time. */
function dayOf(time: string): string {
  return /^\d{4}-\d\d-\d\d/.exec(time)?.[0] ?? '';
}
