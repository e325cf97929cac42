import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, scopeNamespace, type Namespace, type VolumeName } from '@cachelane/core';
import { countingIds, noAbort } from '@cachelane/testkit';
import { catalogStore } from './catalogs.ts';
import { namespaceStore } from './namespaces.ts';
import { overheard, scansOf } from './query-plans.fixture.ts';
import { scratchDir, systemClock, systemRandom } from './real-world.fixture.ts';
import { sharingStore } from './sharing.ts';
import { openSqliteDatabase } from '../sqlite/sqlite-database.ts';

const atMs = 1_767_225_600_000;
const api = 'github.com/acme/api' as Namespace;
const said = { volume: 'npm' as VolumeName, atMs, by: 'ann' };

test('the queries about grants, feeds and catalogs of one namespace scan no table', async () => {
  using dir = scratchDir();
  const file = join(dir.path, 'state.db');
  const statements = new Set<string>();
  const database = await openSqliteDatabase({ file, clock: systemClock, random: systemRandom }, noAbort);
  const listening = overheard(database, statements);
  const [namespaces, sharing, catalogs] = [namespaceStore(listening), sharingStore(listening), catalogStore(listening)];
  const request = { path: api, freshId: countingIds().namespace(), atMs };
  const { id } = (await namespaces.createNamespace(request, noAbort)).namespace;

  const to = { namespace: api, below: true };
  const grant = { ...said, ownerId: id, to, access: 'read', trust: 'T1' } as const;
  const feed = { ...said, tierId: id, from: to, lanes: 'default' } as const;
  await sharing.putGrant(grant, noAbort);
  await sharing.putFeed(feed, noAbort);
  expect(await sharing.grantsTo([api], noAbort)).toEqual([grant]);
  expect(await sharing.grantsOf(id, noAbort)).toEqual([grant]);
  expect(await sharing.feedsOf(id, noAbort)).toEqual([feed]);
  for (const text of ['a', 'b']) {
    const content = { namespaceId: id, text, digest: digestOf(text), publishedAtMs: atMs, by: 'ann' };
    await catalogs.publishCatalog({ ...content, expectedVersion: text === 'a' ? 0 : 1 }, noAbort);
  }
  const use = { namespaceId: id, definition: 'npm', version: 1, consumerId: id, volumeId: null, atMs };
  await catalogs.noteCatalogUse(use, noAbort);
  for (const definition of [null, 'npm']) expect(await catalogs.catalogUses(id, definition, noAbort)).toEqual([use]);
  expect(await catalogs.catalogVersions(id, noAbort)).toHaveLength(2);
  await catalogs.removeCatalogVersion(id, 1, noAbort);
  expect(await catalogs.catalogVersion(id, null, noAbort)).toMatchObject({ version: 2 });
  await sharing.removeGrant(grant, noAbort);
  await sharing.removeFeed(feed, noAbort);
  await namespaces.releaseNamespace(id, noAbort);
  database.close();
  expect(statements.size).toBeGreaterThan(20);
  expect(scansOf(file, statements)).toEqual([]);
});

test('the grants to a few names are found by index among 100,000 others', async () => {
  using dir = scratchDir();
  const file = join(dir.path, 'state.db');
  const ids = countingIds();
  const statements = new Set<string>();
  const database = await openSqliteDatabase({ file, clock: systemClock, random: systemRandom }, noAbort);
  const namespaces = namespaceStore(database);
  const sharing = sharingStore(overheard(database, statements));
  const to = { namespace: 'github.com/acme' as Namespace, below: true };
  const grants: unknown[] = [];
  for (const path of ['github.com/acme', 'github.com/acme/web'].map((text) => text as Namespace)) {
    const { namespace } = await namespaces.createNamespace({ path, freshId: ids.namespace(), atMs }, noAbort);
    const grant = { ...said, ownerId: namespace.id, to, access: 'read', trust: 'T1' } as const;
    await sharing.putGrant(grant, noAbort);
    grants.push(grant);
  }
  {
    using raw = new DatabaseSync(file);
    raw.exec(`
      INSERT INTO grants (owner_id, volume, grantee, access, trust, at_ms, granted_by)
      WITH RECURSIVE other (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM other WHERE n < 100000)
      SELECT (SELECT min(id) FROM namespaces), 'npm', 'github.com/acme/other-' || n || iif(n % 2, '/**', ''), 'read', 'T1', 0, 'ben'
      FROM other`);
  }
  statements.clear();
  for (const name of [api, scopeNamespace(api, ['npm'])])
    expect(await sharing.grantsTo([name], noAbort)).toEqual(grants);
  const below = async (name: string): Promise<number> =>
    (await sharing.grantsTo([`github.com/acme/${name}/web` as Namespace], noAbort)).length;
  expect([await below('other-7'), await below('other-8')]).toEqual([3, 2]);
  database.close();
  expect(statements.size).toBe(1);
  expect(scansOf(file, statements)).toEqual([]);
});
