import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import {
  digestOf,
  pathMark,
  statedPolicy,
  type BytePath,
  type LaneName,
  type Namespace,
  type PolicyTexts,
  type RemoteId,
  type RunId,
} from '@cachelane/core';
import {
  aLayer,
  aQuestion,
  countingIds,
  layerRecord,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
} from '@cachelane/testkit';
import { currentVersion, migrations } from '../sqlite/schema.ts';
import { openStore, scratchDir } from './real-world.fixture.ts';

const golden = (version: number): string =>
  readFileSync(new URL(`./golden/state-v${version}.sql`, import.meta.url), 'utf8');

/** Returns the schema of a database as SQL, with spaces normalised. */
function schemaOf(raw: DatabaseSync): readonly string[] {
  const rows = raw.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  return rows.map(({ sql }) => String(sql).replace(/\s+/g, ' '));
}

/** Makes a file with a store of the given format. */
function storeOf(dir: string, version: number): string {
  const file = join(dir, 'state.db');
  using raw = new DatabaseSync(file);
  raw.exec(golden(version));
  return file;
}

const local = 't1:local' as LaneName;
const aRun = (digit: string): RunId => `run_${digit.padStart(32, '0')}` as RunId;

describe('stores of earlier formats', () => {
  test.each(migrations.map(({ version }) => version))('a shipped migration never changes: format %i', (version) => {
    using shipped = new DatabaseSync(':memory:');
    shipped.exec(golden(version));
    using made = new DatabaseSync(':memory:');
    for (const step of migrations) if (step.version <= version) made.exec(step.sql);
    expect(schemaOf(made)).toEqual(schemaOf(shipped));
  });

  test('format 1 opens with all its data and accepts new data', async () => {
    using dir = scratchDir();
    const file = storeOf(dir.path, 1);
    await using metadata = await openStore(file);
    const namespace = {
      id: 'ns_00000000000000000000000000000003',
      paths: ['github.com/acme/web', 'local/web-0123'],
      createdAtMs: 1_767_225_600_000,
    };
    expect(await metadata.listNamespaces(noAbort)).toEqual([namespace]);
    const [volume] = await metadata.listVolumes(noAbort);
    const volumeId = volume?.id ?? expect.fail('the volume is gone');
    expect(volume).toMatchObject({ name: 'npm', compat: { arch: 'x64', os: 'linux' }, tool: 'npm' });
    const head = await metadata.head(volumeId, local, noAbort);
    expect(head).toMatchObject({ generation: 2, layers: [aLayer('b'), aLayer('a')] });
    const history = await metadata.history(volumeId, local, noAbort);
    expect(history).toMatchObject([
      { generation: 2, layer: aLayer('b'), counts: { added: 3, changed: 2, removed: 1, sizeBytes: 4096 } },
      { generation: 1, layer: aLayer('a'), layers: [aLayer('a')] },
    ]);
    const layer = await metadata.layer(aLayer('a'), noAbort);
    expect(layer).toMatchObject({ volumeId, files: 5, bootId: 'boot-1' });
    expect(layer && (await metadata.run(layer.run, noAbort))).toMatchObject({ revision: 'c0ffee', workflow: 'ci.yml' });
    const [session, ...others] = await metadata.listSessions(noAbort);
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      place: 'mnt:4026531841',
      targets: ['/home/ann/.npm'],
      pins: [aLayer('b'), aLayer('a')],
    });

    const compat = { os: 'linux', arch: 'x64' };
    const ids = countingIds(1000);
    const { run, opened } = await openOne(
      metadata,
      openRequest(ids, { namespace: 'local/web-0123' as Namespace, volumes: [{ compat }] }),
    );
    expect(opened.own.generation).toBe(2);
    expect(await pushLayer(metadata, { volumeId, run, layer: aLayer('c') })).toMatchObject({ generation: 3 });
    const removed: string[] = [];
    if (session) await metadata.closeSession(session.id, (dirs) => removed.push(...dirs), noAbort);
    expect(removed).toEqual(['/home/ann/.cache', '/home/ann/.npm']);
    using raw = new DatabaseSync(file);
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: currentVersion });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  test('format 4 opens with no remotes, and its runs have the purpose run', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 4));
    expect(await metadata.listVolumes(noAbort)).toMatchObject([{ name: 'npm', sync: null }]);
    expect(await metadata.listSyncedHeads(null, noAbort)).toEqual([]);
    for (const digit of ['2', '7']) {
      expect(await metadata.run(aRun(digit), noAbort)).toMatchObject({ purpose: 'run' });
    }
    const [head] = await metadata.listHeads(noAbort);
    const { volumeId, lane, layers } = head ?? expect.fail('the head is gone');
    const request = { remote: 'a'.repeat(32) as RemoteId, volumeId, lane, layers, expectedRevision: 0, atMs: 1 };
    expect(await metadata.recordSynced(request, noAbort)).toBe(true);
  });

  test('format 5 opens with its synced heads and the purposes of its runs', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 5));
    expect(await metadata.listVolumes(noAbort)).toMatchObject([{ name: 'npm', sync: 'always' }]);
    const [head] = await metadata.listHeads(noAbort);
    const { volumeId } = head ?? expect.fail('the head is gone');
    const record = {
      remote: '0123456789abcdef0123456789abcdef' as RemoteId,
      volumeId,
      lane: local,
      layers: [aLayer('a'), aLayer('b')].toSorted(),
      revision: 1,
      atMs: 1_767_225_600_000,
    };
    expect(await metadata.listSyncedHeads(record.remote, noAbort)).toEqual([record]);
    expect(await metadata.run(aRun('9'), noAbort)).toMatchObject({ purpose: 'prune', lane: local });
    expect(await metadata.run(aRun('7'), noAbort)).toMatchObject({ purpose: 'run' });

    const push = pushRequest({ volumeId, run: aRun('9'), onto: head, layer: aLayer('c') });
    const synced = { remote: record.remote, layers: push.layers, expectedRevision: 1 };
    expect(await metadata.commit({ ...push, synced }, noAbort)).toMatchObject({ kind: 'moved' });
    const moved = { ...record, layers: push.layers.toSorted(), revision: 2 };
    expect(await metadata.listSyncedHeads(null, noAbort)).toEqual([moved]);
    // Format 5 has no squashes; new ones can be recorded.
    expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([]);
    const [top, ...layers] = push.layers;
    const layer = layerRecord(aLayer('S'), volumeId, aRun('9'));
    const squashed = { volumeId, lane: local, layer, layers, atMs: 1_767_225_600_000 };
    expect(await metadata.squash(squashed, noAbort)).toMatchObject({ layers: [top, aLayer('S')] });
  });

  test('format 5 opens with no uses and no policies', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 5));
    const facts = await metadata.collectionFacts(aQuestion(), noAbort);
    const [head] = facts.heads;
    expect(head?.usedAtMs).toBe(head?.updatedAtMs);
    expect(facts).toMatchObject({ policies: [], lanePolicies: [] });
    expect(await metadata.ownDirectories(noAbort)).toEqual([]);
    expect(facts.defaultLanes.size).toBe(0);
  });

  test('format 6 opens with its uses, policies and evictions', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 6));
    const facts = await metadata.collectionFacts(aQuestion(), noAbort);
    expect(facts.heads).toMatchObject([{ lane: local, usedAtMs: 1_767_229_200_000 }]);
    expect([...facts.defaultLanes.values()]).toEqual(['t1:ref:trunk']);
    expect(facts.policies).toEqual([{ namespace: 'github.com/acme', texts: { 'keep-pr': '1d' } }]);
    expect(facts.lanePolicies).toMatchObject([{ lane: local, texts: { 'volume-size': '1GB' } }]);
    expect(await metadata.ownDirectories(noAbort)).toEqual([
      { namespace: 'local/web-0123', path: '/home/ann/web', goneSinceMs: null },
    ]);
    expect(await metadata.listEvictions(noAbort)).toMatchObject([{ lane: 't1:pr:7', policy: 'keep-pr' }]);
  });

  test('format 7 opens with its squashes, reads and revocations', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 7));
    const [head] = await metadata.listHeads(noAbort);
    const { volumeId } = head ?? expect.fail('the head is gone');
    expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([
      { id: aLayer('b'), layers: [aLayer('c'), aLayer('d')], atMs: 1_767_225_600_000 },
    ]);
    const read = { run: aRun('7'), volumeId, layers: ['b', 'a'].map(aLayer), atMs: 1_767_225_600_000 };
    expect(await metadata.listReads(noAbort)).toEqual([read]);
    const revoked = { run: aRun('11'), atMs: 1_767_225_600_000, by: 'ann', namespaceId: null };
    expect(await metadata.revokedRuns('all', noAbort)).toEqual([revoked]);
    const referenced = await metadata.referencedLayers(1_767_225_600_000, noAbort);
    expect([...referenced].toSorted()).toEqual(['a', 'b', 'c', 'd'].map(aLayer).toSorted());
  });

  test('format 8 opens with its marks of paths', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 8));
    const [head] = await metadata.listHeads(noAbort);
    const { volumeId } = head ?? expect.fail('the head is gone');
    const noted = { marks: new Map([[pathMark('a' as BytePath), 1_767_225_600_000]]), atMs: 1_767_225_600_000 };
    expect(await metadata.notedPaths(volumeId, local, 'used', noAbort)).toEqual(noted);
    expect(await metadata.notedPaths(volumeId, local, 'evicted', noAbort)).toEqual({ marks: new Map(), atMs: 0 });
  });

  test.each([8, 9])('format %i opens and gets its sums and holders', async (version) => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, version));
    const facts = await metadata.collectionFacts(aQuestion({ nowMs: 1_767_225_600_000 }), noAbort);
    expect(facts.heads).toMatchObject([{ lane: local, usedAtMs: 1_767_229_200_000 }]);
    expect(facts.taken).toEqual({ store: 8192, levels: { T1: 8192 }, namespace: 0 });
    expect(await metadata.lookedAtMs(noAbort)).toBe(version === 8 ? null : 1_767_225_600_000);
    // Lanes that are due for an earlier state, for idle time, or for replaced layers.
    const due = async (nowMs: number, texts: PolicyTexts = {}) => {
      const question = aQuestion({ lanes: 'due', nowMs, user: statedPolicy(texts, 'own file') });
      return (await metadata.collectionFacts(question, noAbort)).heads.length;
    };
    const usedMs = 1_767_229_200_000;
    expect(await due(usedMs, { 'history-generations': '1' })).toBe(1);
    expect(await due(usedMs, { 'volume-budget': '8191B' })).toBe(1);
    expect(await due(usedMs + 3_600_000 - 1, { 'keep-default': '1h' })).toBe(0);
    expect(await due(usedMs + 3_600_000, { 'keep-default': '1h' })).toBe(1);
    const all = ['a', 'b', 'c', 'd'].map(aLayer);
    expect(await metadata.forgetLayers(all, 1_767_225_600_000, noAbort)).toEqual([]);
    const later = 1_767_225_600_000 + 15 * 86_400_000;
    expect((await metadata.forgetLayers(all, later, noAbort)).toSorted()).toEqual(['c', 'd'].map(aLayer).toSorted());
    if (version === 9) {
      const [volume] = await metadata.listVolumes(noAbort);
      const told = await metadata.revokedRuns(volume?.namespaceId ?? 'all', noAbort);
      expect(told).toMatchObject([{ run: aRun('12'), namespaceId: volume?.namespaceId }, { namespaceId: null }]);
    }
  });

  test('format 9 opens, and its namespaces count as not created explicitly', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 9));
    for (const { id } of await metadata.listVolumes(noAbort)) await metadata.removeVolume(id, null, noAbort);
    for (const { id } of await metadata.listSessions(noAbort)) {
      await metadata.closeSession(id, () => undefined, noAbort);
    }
    expect(await metadata.listNamespaces(noAbort)).toEqual([]);
  });

  test('format 10 opens with a namespace that stays without volumes', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 10));
    const path = 'github.com/acme/empty' as Namespace;
    const { request } = await openOne(metadata, openRequest(countingIds(100), { namespace: path }));
    await metadata.closeSession(request.sessionId, () => undefined, noAbort);
    expect(await metadata.findNamespace(path, noAbort)).toMatchObject({ id: 'ns_00000000000000000000000000000020' });
  });

  test('format 10 opens with no grants, feeds or catalogs, and accepts new ones', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 10));
    const [first, second] = await metadata.listNamespaces(noAbort);
    const { id } = second ?? expect.fail('the namespace is gone');
    const consumerId = first?.id ?? id;
    const to = { namespace: 'github.com/acme' as Namespace, below: true };
    expect(await metadata.grantsTo(['github.com/acme/api' as Namespace], noAbort)).toEqual([]);
    expect(await metadata.listCatalogs(noAbort)).toEqual([]);
    await metadata.putGrant(
      { ownerId: id, volume: null, to, access: 'read', trust: 'T1', atMs: 1, by: 'ann' },
      noAbort,
    );
    expect(await metadata.grantsTo(['github.com/acme/api' as Namespace], noAbort)).toHaveLength(1);
    const content = { namespaceId: id, text: '{}', digest: digestOf('{}'), publishedAtMs: 1, by: 'ann' };
    const published = await metadata.publishCatalog({ ...content, expectedVersion: 0 }, noAbort);
    expect(published).toMatchObject({ kind: 'published', record: { version: 1 } });
    const [volume] = await metadata.listVolumes(noAbort);
    const use = { namespaceId: id, definition: 'npm', version: 1, consumerId, volumeId: volume?.id ?? null, atMs: 1 };
    await metadata.noteCatalogUse(use, noAbort);
    expect(await metadata.catalogUses(id, null, noAbort)).toEqual([use]);
  });

  test('format 11 opens with its grants, feeds and catalogs', async () => {
    using dir = scratchDir();
    await using metadata = await openStore(storeOf(dir.path, 11));
    const atMs = 1_767_225_600_000;
    const [volume] = await metadata.listVolumes(noAbort);
    const { id: volumeId, namespaceId: web } = volume ?? expect.fail('the volume is gone');
    const acme = { namespace: 'github.com/acme' as Namespace, below: true };
    const api = { namespace: 'github.com/acme/api' as Namespace, below: false };
    const grants = [
      { ownerId: web, volume: null, to: acme, access: 'read', trust: 'T1', atMs, by: 'ann' },
      { ownerId: web, volume: 'npm', to: api, access: 'write', trust: 'T2', atMs, by: 'ben' },
    ];
    expect(await metadata.grantsOf(web, noAbort)).toEqual(grants);
    expect(await metadata.grantsTo([api.namespace], noAbort)).toEqual(grants);
    const record = await metadata.findNamespace('github.com/acme/empty' as Namespace, noAbort);
    const { id } = record ?? expect.fail('the namespace is gone');
    const feed = { tierId: id, from: acme, volume: 'npm', lanes: 'default', atMs, by: 'ann' };
    expect(await metadata.feedsOf(id, noAbort)).toEqual([feed]);
    const catalog = await metadata.catalogVersion(id, null, noAbort);
    const { text, ...listed } = catalog ?? expect.fail('the catalog is gone');
    expect(listed).toEqual({ namespaceId: id, version: 2, digest: digestOf(text), publishedAtMs: atMs, by: 'ann' });
    expect(await metadata.listCatalogs(noAbort)).toEqual([listed]);
    const use = { namespaceId: id, definition: 'npm-cache', version: 1, consumerId: web, volumeId, atMs };
    expect(await metadata.catalogUses(id, null, noAbort)).toEqual([use]);
    // Version 3 was published and removed.
    const other = { namespaceId: id, text: '{}', digest: digestOf('{}'), publishedAtMs: atMs, by: 'ann' };
    const next = await metadata.publishCatalog({ ...other, expectedVersion: 2 }, noAbort);
    expect(next).toMatchObject({ kind: 'published', record: { version: 4 } });
  });
});
