import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { LaneName } from '@cachelane/core';
import { aLayer, aQuestion, countingIds, noAbort, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { applicationId, currentVersion } from '../sqlite/schema.ts';
import { openStore, scratchDir, systemClock, systemRandom } from './real-world.fixture.ts';
import { openSqliteMetadata } from './sqlite-metadata.ts';

const local = 't1:local' as LaneName;

/** Makes a closed store of many pages, all in the file itself and none in the log. */
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
  test('creates a file with our application id, of version 1, in WAL mode', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await (await openStore(file))[Symbol.asyncDispose]();
    using raw = new DatabaseSync(file);
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    expect(raw.prepare('PRAGMA application_id').get()).toEqual({ application_id: applicationId });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  test('and closing it leaves the log for the next process', async () => {
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

  test('with a newer format is E_STORE_NEWER and names both formats', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await (await openStore(file))[Symbol.asyncDispose]();
    {
      using raw = new DatabaseSync(file);
      raw.exec(`PRAGMA user_version = ${currentVersion + 6}`);
    }
    await expect(openStore(file)).rejects.toMatchObject({
      code: 'E_STORE_NEWER',
      message: `${file} has format ${currentVersion + 6}, and this cachelane reads format ${currentVersion}`,
      hint: expect.stringContaining('update cachelane'),
    });
  });

  test('a store that is upgraded while it is open refuses writes', async () => {
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

  test('of a file that is no database is E_STORE_CORRUPT, says how to repair it, and leaves the file unchanged', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const text = 'this was a database once '.repeat(100);
    writeFileSync(file, text);
    await expect(openStore(file)).rejects.toMatchObject({ code: 'E_STORE_CORRUPT', retryable: false, hint: mend });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test.each([
    ['an earlier build made', 'CREATE TABLE heads (id); PRAGMA application_id = 1129079150; PRAGMA user_version = 11'],
    ['another program made', 'CREATE TABLE cookies (id)'],
    ['another program marked', 'PRAGMA application_id = 77'],
    ['another program numbered', 'PRAGMA user_version = 3'],
    ['has our id and no version', `CREATE TABLE heads (id); PRAGMA application_id = ${applicationId}`],
  ])('of a database that %s is E_STORE_CORRUPT, says to remove the home, and changes nothing', async (_, sql) => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    using raw = new DatabaseSync(file);
    raw.exec(sql);
    const tables = raw.prepare('SELECT * FROM sqlite_schema').all();
    await expect(openStore(file)).rejects.toMatchObject({
      code: 'E_STORE_CORRUPT',
      message: `an earlier build of cachelane or another program made ${file}`,
      hint: expect.stringContaining(`remove ${dir.path} if it is a cachelane home`),
    });
    expect(raw.prepare('SELECT * FROM sqlite_schema').all()).toEqual(tables);
  });

  test('damaged pages are E_STORE_CORRUPT, whenever they are read', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await filledStore(file);
    const bytes = readFileSync(file);
    // The header and the schema stay whole, so that opening the file succeeds.
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 0xa5)]));
    const use = async () => {
      await using metadata = await openStore(file);
      await metadata.listHeads(noAbort);
      await metadata.listVolumes(noAbort);
      await metadata.openSession(openRequest(countingIds(1000)), noAbort);
    };
    await expect(use()).rejects.toMatchObject({ code: 'E_STORE_CORRUPT', hint: mend });
  });

  test('a file that lost its end is E_STORE_CORRUPT', async () => {
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

  test('a row with damaged JSON is E_STORE_CORRUPT', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    await filledStore(file);
    {
      using raw = new DatabaseSync(file);
      // The trigger would refuse the damaged row.
      raw.exec(`DROP TRIGGER after_head_update; UPDATE heads SET layers = '["a'; UPDATE history SET layers = '["a'`);
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
  test('for longer than the limit is a retryable E_STORE_BUSY, and reads continue', async () => {
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

  test('is waited for', async () => {
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

  test('stays locked while a closing session removes its directories', async () => {
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

  test('stops waiting at once when the caller aborts', async () => {
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
