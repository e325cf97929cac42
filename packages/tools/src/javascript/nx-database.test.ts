import { DatabaseSync } from 'node:sqlite';
import type { BytePath, Version } from '@cachelane/core';
import {
  arbitraryVersionOf,
  composedVersion,
  mergeDriverConformance,
  namingDriverConformance,
  storedVersion,
  versionOf,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nxDatabaseDriver } from './nx-database.ts';

/** The schema of Nx 24.0.6. */
const schema = `
CREATE TABLE task_details (hash TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL, configuration TEXT );
CREATE TABLE running_tasks ( task_id TEXT PRIMARY KEY NOT NULL, pid INTEGER NOT NULL, command TEXT NOT NULL, cwd TEXT NOT NULL );
CREATE TABLE running_task_readiness ( task_id TEXT PRIMARY KEY NOT NULL, status INTEGER NOT NULL, url TEXT );
CREATE TABLE task_invocations ( root_pid INTEGER NOT NULL, pid INTEGER NOT NULL, task_id TEXT NOT NULL, overrides_hash TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (root_pid, pid, task_id) );
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE task_history ( id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, hash TEXT NOT NULL, status TEXT NOT NULL, code INTEGER NOT NULL, start TIMESTAMP NOT NULL, end TIMESTAMP NOT NULL, FOREIGN KEY (hash) REFERENCES task_details (hash) );
CREATE INDEX hash_idx ON task_history (hash);
CREATE INDEX status_idx ON task_history (status);
CREATE TABLE nx_plugin_capabilities ( position INTEGER PRIMARY KEY NOT NULL, computed_at INTEGER NOT NULL, create_nodes_pattern TEXT, has_create_dependencies INTEGER NOT NULL, has_create_metadata INTEGER NOT NULL, has_pre_tasks_execution INTEGER NOT NULL, has_post_tasks_execution INTEGER NOT NULL );
CREATE TABLE cache_outputs ( hash TEXT PRIMARY KEY NOT NULL, code INTEGER NOT NULL, size INTEGER NOT NULL, is_cache_entry BOOLEAN NOT NULL DEFAULT TRUE CHECK (is_cache_entry IN (0, 1)), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, accessed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, FOREIGN KEY (hash) REFERENCES task_details (hash) );
`.replace(
  'task_details (hash TEXT',
  // White space may differ.
  'task_details (\n    hash    TEXT',
);

interface Task {
  readonly hash: string;
  readonly configuration?: string | null;
  readonly usedAt?: string;
  readonly code?: number;
  readonly size?: number;
  readonly isCacheEntry?: 0 | 1;
  readonly history?: number;
}

function database(tasks: readonly Task[], more = ''): Uint8Array {
  using db = new DatabaseSync(':memory:');
  db.exec(schema + more);
  for (const task of tasks) {
    const { hash, configuration = null, usedAt = '2026-11-25 10:46:23', history = 1 } = task;
    const { code = 0, size = 108, isCacheEntry = 1 } = task;
    db.prepare('INSERT OR REPLACE INTO task_details VALUES (?, ?, ?, ?)').run(hash, 'app', 'build', configuration);
    const output = [hash, code, size, isCacheEntry, usedAt, usedAt];
    const columns = 'hash, code, size, is_cache_entry, created_at, accessed_at';
    db.prepare(`INSERT OR REPLACE INTO cache_outputs (${columns}) VALUES (?, ?, ?, ?, ?, ?)`).run(...output);
    for (let at = 0; at < history; at++)
      db.prepare("INSERT INTO task_history (hash, status, code, start, end) VALUES (?, 'success', 0, ?, 9)").run(
        hash,
        at,
      );
  }
  const image = db.serialize();
  image[18] = image[19] = 2;
  return image;
}

interface Output {
  readonly hash: string;
  readonly usedAt: string;
  readonly code: number;
}

/** Returns the rows that Nx reads. */
function outputsIn(content: Uint8Array): readonly Output[] {
  if (content.length === 0) return [];
  const image = Uint8Array.from(content);
  image[18] = image[19] = 1;
  using db = new DatabaseSync(':memory:');
  db.deserialize(image);
  const rows = db.prepare('SELECT hash, accessed_at, code FROM cache_outputs ORDER BY hash').all();
  return rows.map((row) => ({
    hash: String(row['hash']),
    usedAt: String(row['accessed_at']),
    code: Number(row['code']),
  }));
}

const arbitraryTask = fc.record({
  hash: fc.constantFrom('11016901436337956540', '22016901436337956540', '33016901436337956540'),
  configuration: fc.constantFrom(null, 'production'),
  usedAt: fc.constantFrom('2026-11-25 10:46:23', '2026-11-25 23:00:00', '2026-11-26 01:00:00'),
  code: fc.constantFrom(0, 1),
  size: fc.constantFrom(9, 108),
  isCacheEntry: fc.constantFrom<(0 | 1)[]>(0, 1),
  history: fc.nat({ max: 2 }),
});
const arbitraryDatabase = fc.array(arbitraryTask, { maxLength: 4 }).map((tasks) => database(tasks));

mergeDriverConformance("Nx's database", nxDatabaseDriver, arbitraryVersionOf(arbitraryDatabase));
namingDriverConformance("Nx's database", {
  driver: nxDatabaseDriver,
  arbitraryContent: arbitraryDatabase,
  path: 'workspace-data/e08d-v6.db' as BytePath,
  names: (content) =>
    outputsIn(content).map(({ hash }) => ({ name: hash, contents: [`terminalOutputs/${hash}` as BytePath] })),
});

const [base, left, right] = ['1', '2', '3'].map((digit) => `${digit}1016901436337956540`) as [string, string, string];
const at = (...tasks: readonly Task[]): Version => versionOf(database(tasks));

function composed(...versions: readonly Version[]): Uint8Array {
  return composedVersion(versions, nxDatabaseDriver.compose(versions)).content();
}

describe('rows of several runs', () => {
  test('are merged into a database with all tables', () => {
    const pinned = at({ hash: base });
    const stored = [left, right].map((hash) =>
      storedVersion(nxDatabaseDriver, pinned, at({ hash: base, history: 3 }, { hash, configuration: 'production' })),
    );
    expect(stored.map(({ form }) => form)).toEqual(['delta', 'delta']);
    const content = composed(...stored, pinned);
    expect(outputsIn(content).map(({ hash }) => hash)).toEqual([base, left, right]);
    using db = new DatabaseSync(':memory:');
    const image = Uint8Array.from(content);
    image[18] = image[19] = 1;
    db.deserialize(image);
    expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
    expect(db.prepare('SELECT configuration FROM task_details ORDER BY hash').all()).toEqual([
      { configuration: null },
      { configuration: 'production' },
      { configuration: 'production' },
    ]);
    for (const index of ['hash_idx', 'status_idx'])
      expect(db.prepare('SELECT 1 AS there FROM sqlite_schema WHERE name = ?').get(index)).toEqual({ there: 1 });
  });

  test('about one checkout are no change', () => {
    expect(nxDatabaseDriver.same(at({ hash: base }), at({ hash: base, history: 5 }))).toBe(true);
  });

  test.each([
    ['later on the day is no change', '2026-11-25 23:59:59', true],
    ['on another day is one, since Nx would remove the output', '2026-11-26 00:00:01', false],
    ['on an earlier day is none', '2026-11-24 10:46:23', true],
  ])('a use %s', (_, usedAt, isSame) => {
    const [pinned, mine] = [at({ hash: base }), at({ hash: base, usedAt })];
    expect(nxDatabaseDriver.same(pinned, mine)).toBe(isSame);
    if (!isSame)
      expect(outputsIn(composed(storedVersion(nxDatabaseDriver, pinned, mine), pinned))).toEqual([
        { hash: base, usedAt, code: 0 },
      ]);
  });
});

describe('an attempt that failed', () => {
  const earlier = '2026-11-24 10:46:23';
  const later = '2026-11-26 10:46:23';
  const success = at({ hash: base, size: 9 });

  test.each<readonly [string, Omit<Task, 'hash'>]>([
    ['and is not in the cache', { code: 1, size: 1_000_000, isCacheEntry: 0, usedAt: earlier }],
    ['and is replayed from the cache', { code: 1, size: 1_000_000, usedAt: earlier }],
    ['later', { code: 130, isCacheEntry: 0, usedAt: later }],
  ])('%s never replaces a success', (_, attempt) => {
    const failed = at({ hash: base, ...attempt });
    expect(nxDatabaseDriver.same(failed, success)).toBe(false);
    expect(nxDatabaseDriver.same(success, failed)).toBe(true);
    const stored = storedVersion(nxDatabaseDriver, failed, success);
    for (const versions of [
      [stored, failed],
      [success, failed],
      [failed, success],
    ])
      expect(outputsIn(composed(...versions))).toMatchObject([{ hash: base, code: 0 }]);
  });
});

test.each([
  ['a table more', 'CREATE TABLE other (x);'],
  ['a column more', 'ALTER TABLE cache_outputs ADD COLUMN other TEXT;'],
  ['a column more in an unmerged table', 'ALTER TABLE task_history ADD COLUMN other TEXT;'],
])('a database with %s is of another version and is taken whole', (_, more) => {
  const version = versionOf(database([{ hash: left }], more));
  expect(nxDatabaseDriver.subtract(at({ hash: base }), version)).toEqual({ form: 'whole' });
  expect(nxDatabaseDriver.compose([version, version])).toEqual({ kind: 'pick', index: 0, opinion: true });
});
