import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits, statedPolicy } from '@cachelane/core';
import { aLayer, aQuestion, countingIds, noAbort, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { factsOf } from './collection-facts.ts';
import { dropExpired, headStore } from './heads.ts';
import { usedAmong } from './rows/holders.ts';
import { namespaceStore } from './namespaces.ts';
import { listeningTo, overheard, scansOf } from './query-plans.fixture.ts';
import { decoderOf } from './rows/rows.ts';
import { openStore, scratchDir, systemClock, systemRandom } from './real-world.fixture.ts';
import { openSqliteDatabase } from '../sqlite/sqlite-database.ts';

const nowMs = 1_767_225_600_000 + limits.historyMs / 2;

test('the queries about one namespace scan no table', async () => {
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
  const listening = overheard(database, statements);
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

test('the queries for due, loose and expired data scan no table, whatever the policies', async () => {
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
