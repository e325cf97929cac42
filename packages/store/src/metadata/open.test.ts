import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { LaneName } from '@cachelane/core';
import { aLayer, aQuestion, countingIds, noAbort, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { currentVersion } from '../sqlite/schema.ts';
import { openStore, scratchDir, systemClock, systemRandom } from './real-world.fixture.ts';
import { openSqliteMetadata } from './sqlite-metadata.ts';

const local = 't1:local' as LaneName;

/** Makes a closed store with data on every page, all in the main file. */
async function filledStore(file: string): Promise<void> {
  {
    await using metadata = await openStore(file);
    const { volumeId, run } = await openOne(metadata, openRequest(countingIds()));
    for (let index = 0; index < 50; index++) await pushLayer(metadata, { volumeId, run, layer: aLayer(`${index}`) });
  }
  using raw = new DatabaseSync(file);
  raw.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

const mend = expect.stringMatching(/move it .* away .*: the caches start cold, nothing else is lost/);

describe('opening a store', () => {
  test('makes a file in the format of docs/STORE_FORMAT.md', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await (await openStore(file))[Symbol.asyncDispose]();
    using raw = new DatabaseSync(file);
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: currentVersion });
    expect(raw.prepare('PRAGMA application_id').get()).toEqual({ application_id: 0x43_4c_61_6e });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  test('and closing it does not checkpoint the log', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    for (let round = 1; round <= 3; round++) {
      await using metadata = await openStore(file);
      await metadata.openSession(openRequest(countingIds(round * 100)), noAbort);
      expect(await metadata.listSessions(noAbort)).toHaveLength(round);
    }
    expect(readdirSync(dir.path).toSorted()).toEqual(['state.db', 'state.db-shm', 'state.db-wal']);
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  });

  test('of a newer format is E_STORE_NEWER, with both format numbers', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await (await openStore(file))[Symbol.asyncDispose]();
    {
      using raw = new DatabaseSync(file);
      raw.exec(`PRAGMA user_version = ${currentVersion + 6}`);
    }
    await expect(openStore(file)).rejects.toMatchObject({
      code: 'E_STORE_NEWER',
      message: `${file} has format ${currentVersion + 6}, and this cachelane knows formats up to ${currentVersion}`,
      hint: expect.stringContaining('update cachelane'),
    });
  });

  test('a store that another process upgrades while it is open refuses writes', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await using metadata = await openStore(file);
    {
      using newer = new DatabaseSync(file);
      newer.exec(`PRAGMA user_version = ${currentVersion + 1}`);
    }
    const opening = metadata.openSession(openRequest(countingIds()), noAbort);
    await expect(opening).rejects.toMatchObject({ code: 'E_STORE_NEWER' });
  });

  test('of a file that is not a database is E_STORE_CORRUPT with a hint, and leaves the file unchanged', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const text = 'this was a database once '.repeat(100);
    writeFileSync(file, text);
    await expect(openStore(file)).rejects.toMatchObject({ code: 'E_STORE_CORRUPT', retryable: false, hint: mend });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test.each([
    ['another program made', 'CREATE TABLE cookies (id)'],
    ['another program marked', 'PRAGMA application_id = 77'],
    ['another program numbered', 'PRAGMA user_version = 3'],
  ])('of a database that %s is E_STORE_CORRUPT, and leaves it unchanged', async (_, sql) => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    using raw = new DatabaseSync(file);
    raw.exec(sql);
    const tables = raw.prepare('SELECT * FROM sqlite_schema').all();
    await expect(openStore(file)).rejects.toMatchObject({ code: 'E_STORE_CORRUPT', hint: mend });
    expect(raw.prepare('SELECT * FROM sqlite_schema').all()).toEqual(tables);
  });

  test('damaged pages are E_STORE_CORRUPT when they are read', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await filledStore(file);
    const bytes = readFileSync(file);
    // Keep the header and the schema, so that opening succeeds.
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 0xa5)]));
    const use = async () => {
      await using metadata = await openStore(file);
      await metadata.listHeads(noAbort);
      await metadata.listVolumes(noAbort);
      await metadata.openSession(openRequest(countingIds(1000)), noAbort);
    };
    await expect(use()).rejects.toMatchObject({ code: 'E_STORE_CORRUPT', hint: mend });
  });

  test('a truncated file is E_STORE_CORRUPT', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await filledStore(file);
    truncateSync(file, 4096);
    const use = async () => {
      await using metadata = await openStore(file);
      await metadata.listHeads(noAbort);
    };
    await expect(use()).rejects.toMatchObject({ code: 'E_STORE_CORRUPT' });
  });

  test('a damaged row is E_STORE_CORRUPT', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await filledStore(file);
    {
      using raw = new DatabaseSync(file);
      // Drop the trigger: it would fail on damaged rows.
      raw.exec(`DROP TRIGGER head_holds_other; UPDATE heads SET layers = '["a'; UPDATE history SET layers = '["a'`);
    }
    await using metadata = await openStore(file);
    const [head] = await metadata.listVolumes(noAbort);
    const volumeId = head?.id ?? expect.fail('the volume is gone');
    const isCorrupt = { code: 'E_STORE_CORRUPT' };
    await expect(metadata.listHeads(noAbort)).rejects.toMatchObject(isCorrupt);
    await expect(metadata.collectionFacts(aQuestion(), noAbort)).rejects.toMatchObject(isCorrupt);
    const trim = { volumeId, lane: local, fromGeneration: 99, atMs: 1 };
    await expect(metadata.trimHistory(trim, noAbort)).rejects.toMatchObject(isCorrupt);
  });

  test('in a directory that does not exist is E_HOME_UNUSABLE', async () => {
    using dir = scratchDir();
    const opening = openStore(join(dir.path, 'nowhere', 'state.db'));
    await expect(opening).rejects.toMatchObject({ code: 'E_HOME_UNUSABLE' });
  });

  test('where the file is a directory is E_HOME_UNUSABLE', async () => {
    using dir = scratchDir();
    mkdirSync(join(dir.path, 'state.db'));
    await expect(openStore(join(dir.path, 'state.db'))).rejects.toMatchObject({ code: 'E_HOME_UNUSABLE' });
  });
});

/** Holds the write lock like a transaction of another process. */
function occupy(file: string): Disposable {
  const raw = new DatabaseSync(file);
  raw.exec('BEGIN IMMEDIATE');
  return raw;
}

describe('a store that another process writes', () => {
  test('for longer than the limit is E_STORE_BUSY, which is retryable, while reads still work', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await using metadata = await openStore(file, { busyMs: 30 });
    {
      using _ = occupy(file);
      const opening = metadata.openSession(openRequest(countingIds()), noAbort);
      await expect(opening).rejects.toMatchObject({ code: 'E_STORE_BUSY', retryable: true });
      expect(await metadata.listSessions(noAbort)).toEqual([]);
    }
    await metadata.openSession(openRequest(countingIds()), noAbort);
    expect(await metadata.listSessions(noAbort)).toHaveLength(1);
  });

  test('is written once that process is done', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const occupants: Disposable[] = [];
    let waits = 0;
    const sleep = () => {
      if (++waits === 5) occupants.pop()?.[Symbol.dispose]();
      return Promise.resolve();
    };
    const clock = { ...systemClock, sleep };
    await using metadata = await openSqliteMetadata({ file, clock, random: systemRandom }, noAbort);
    occupants.push(occupy(file));
    await metadata.openSession(openRequest(countingIds()), noAbort);
    expect(waits).toBe(5);
    expect(await metadata.listSessions(noAbort)).toHaveLength(1);
  });

  test('is locked while a closing session removes its directories', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await using metadata = await openStore(file);
    const request = openRequest(countingIds(), { targets: ['/a'] });
    await metadata.openSession(request, noAbort);
    await metadata.updateSession(request.sessionId, { madeDirs: ['/a'] }, noAbort);
    let wasCalled = false;
    const tryToWrite = () => {
      using raw = new DatabaseSync(file);
      expect(() => {
        raw.exec('BEGIN IMMEDIATE');
      }).toThrow('database is locked');
      wasCalled = true;
    };
    await metadata.closeSession(request.sessionId, tryToWrite, noAbort);
    expect(wasCalled).toBe(true);
  });

  test('stops waiting when the caller aborts', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await using metadata = await openStore(file, { busyMs: 3_600_000 });
    using _ = occupy(file);
    const controller = new AbortController();
    const opening = metadata.openSession(openRequest(countingIds()), controller.signal);
    setImmediate(() => {
      controller.abort();
    });
    await expect(opening).rejects.toMatchObject({ code: 'E_ABORTED' });
  });
});
