import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits, statedPolicy } from '@cachelane/core';
import { aLayer, aQuestion, countingIds, noAbort, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { factsOf } from './collection-facts.ts';
import { dropExpired, headStore } from './heads.ts';
import { usedAmong } from './holders.ts';
import { namespaceStore } from './namespaces.ts';
import { decoderOf } from './rows.ts';
import { openStore, scratchDir, systemClock, systemRandom } from './real-world.fixture.ts';
import { openSqliteDatabase, type Sql, type SqliteDatabase } from './sqlite-database.ts';

const nowMs = 1_767_225_600_000 + limits.historyMs / 2;

/** Where SQLite would go from end to end through a table, or an index of one, for these statements. */
function scansOf(file: string, statements: ReadonlySet<string>): readonly string[] {
  using raw = new DatabaseSync(file);
  return [...statements].flatMap((text) => {
    const steps = raw
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    return steps.filter((step) => /^SCAN \w/.test(step) && !isSmall(step, text)).map((step) => `${step}: ${text}`);
  });
}

/** Lists of what is asked, and tables with rows for what is going on, was said, or is to be looked at. */
function isSmall(step: string, text: string): boolean {
  if (step.includes(' VIRTUAL TABLE ')) return true;
  const [, name = ''] = /^SCAN (\w+)/.exec(step) ?? [];
  const [, table = name] = new RegExp(`\\b(?:FROM|JOIN) (\\w+) (?:AS )?${name}\\b`).exec(text) ?? [];
  return ['asked', 'sessions', 'session_volumes', 'policies', 'lane_policies', 'loose_layers'].includes(table);
}

function listeningTo(sql: Sql, statements: Set<string>): Sql {
  return {
    get: (text, ...parameters) => sql.get(statements.add(text) && text, ...parameters),
    all: (text, ...parameters) => sql.all(statements.add(text) && text, ...parameters),
    run: (text, ...parameters) => {
      sql.run(statements.add(text) && text, ...parameters);
    },
  };
}

test('no table is gone through for what one namespace has', async () => {
  using dir = scratchDir();
  const file = join(dir.path, 'state.db');
  const ids = countingIds();
  const { namespace } = openRequest(ids);
  {
    await using metadata = await openStore(file);
    const { volumeId, run } = await openOne(metadata, openRequest(ids));
    await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
  }
  const statements = new Set<string>();
  const database = await openSqliteDatabase({ file, clock: systemClock, random: systemRandom }, noAbort);
  const listening: SqliteDatabase = {
    ...database,
    read: async (signal, body) => await database.read(signal, (sql) => body(listeningTo(sql, statements))),
  };
  const heads = headStore(listening, decoderOf(file));
  const namespaces = namespaceStore(listening);
  const record = await namespaces.findNamespace(namespace, noAbort);
  const { id } = record ?? expect.fail('the namespace is gone');
  const volumes = await heads.volumesOf(id, noAbort);
  const [head, ...more] = await heads.headsOf(
    volumes.map((volume) => volume.id),
    noAbort,
  );
  expect([head?.generation, more]).toEqual([1, []]);
  expect(await heads.volume(volumes[0]?.id ?? ids.volume(), noAbort)).toEqual(volumes[0]);
  expect(await namespaces.namespace(id, noAbort)).toEqual(record);
  database.close();
  expect(statements.size).toBe(5);
  expect(scansOf(file, statements)).toEqual([]);
});

test('no table is gone through for what is due, loose or expired, whatever policies say', async () => {
  using dir = scratchDir();
  const file = join(dir.path, 'state.db');
  {
    await using metadata = await openStore(file);
    const { volumeId, run } = await openOne(metadata, openRequest(countingIds()));
    for (const name of ['a', 'b']) await pushLayer(metadata, { volumeId, run, layer: aLayer(name) });
    await metadata.setPolicy(openRequest(countingIds()).namespace, 'keep-default', '1d', noAbort);
  }
  const statements = new Set<string>();
  const database = await openSqliteDatabase({ file, clock: systemClock, random: systemRandom }, noAbort);
  const decode = decoderOf(file);
  await database.write('fast', noAbort, (sql) => {
    const listening = listeningTo(sql, statements);
    const texts = { history: '1d', 'history-generations': '1', 'volume-budget': '1B', 'namespace-size': '1B' };
    const question = aQuestion({ lanes: 'due', nowMs, user: statedPolicy(texts, 'own file') });
    const facts = factsOf(listening, decode, {
      ...question,
      gone: ['local/web'] as never,
      namespace: 'local/web' as never,
    });
    expect(facts.heads).toHaveLength(1);
    usedAmong(listening, [aLayer('a')]);
    dropExpired(listening, decode, nowMs);
  });
  database.close();
  expect(statements.size).toBeGreaterThan(20);
  expect(scansOf(file, statements)).toEqual([]);
});
