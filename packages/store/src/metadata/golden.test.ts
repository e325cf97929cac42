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
  type Metadata,
  type Namespace,
  type PolicyTexts,
  type RemoteId,
  type RunId,
  type VolumeId,
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
import { currentVersion, schema } from '../sqlite/schema.ts';
import { openStore, scratchDir } from './real-world.fixture.ts';

const dump = readFileSync(new URL('./golden/state-v1.sql', import.meta.url), 'utf8');

/** The schema of a database as SQL, with single spaces. */
function schemaOf(raw: DatabaseSync): readonly string[] {
  const rows = raw.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  return rows.map(({ sql }) => String(sql).replace(/\s+/g, ' '));
}

/** Creates a database file from the dump. */
function storedIn(dir: string): string {
  const file = join(dir, 'state.db');
  using raw = new DatabaseSync(file);
  raw.exec(dump);
  return file;
}

async function openedIn(dir: string): Promise<Metadata> {
  return await openStore(storedIn(dir));
}

async function volumeOf(metadata: Metadata): Promise<VolumeId> {
  const [volume] = await metadata.listVolumes(noAbort);
  return volume?.id ?? expect.fail('the volume is gone');
}

const local = 't1:local' as LaneName;
const atMs = 1_767_225_600_000;
const usedMs = 1_767_229_200_000;
const aRun = (digit: string): RunId => `run_${digit.padStart(32, '0')}` as RunId;

describe('a store of version 1', () => {
  test('has the schema of today', () => {
    using stored = new DatabaseSync(':memory:');
    stored.exec(dump);
    using fresh = new DatabaseSync(':memory:');
    fresh.exec(schema);
    expect(schemaOf(fresh)).toEqual(schemaOf(stored));
  });

  test('begins with one sum for the store and one for each trust level', () => {
    using fresh = new DatabaseSync(':memory:');
    fresh.exec(schema);
    const sums = fresh.prepare('SELECT scope, bytes FROM taken ORDER BY scope').all();
    expect(sums).toEqual(['store', 't0', 't1', 't2', 't3'].map((scope) => ({ scope, bytes: 0 })));
  });

  test('keeps its namespaces, volumes, heads, history, layers, runs and sessions', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    expect(await metadata.listNamespaces(noAbort)).toEqual([
      { id: 'ns_00000000000000000000000000000020', paths: ['github.com/acme/empty'], createdAtMs: atMs },
      {
        id: 'ns_00000000000000000000000000000003',
        paths: ['github.com/acme/web', 'local/web-0123'],
        createdAtMs: atMs,
      },
    ]);
    const [volume] = await metadata.listVolumes(noAbort);
    const volumeId = volume?.id ?? expect.fail('the volume is gone');
    expect(volume).toMatchObject({ name: 'npm', compat: { arch: 'x64', os: 'linux' }, tool: 'npm', sync: 'always' });
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
    expect(await metadata.run(aRun('9'), noAbort)).toMatchObject({ purpose: 'prune', lane: local });
    expect(await metadata.run(aRun('7'), noAbort)).toMatchObject({ purpose: 'run' });
    expect(await metadata.listSessions(noAbort)).toMatchObject([
      { place: 'mnt:4026531841', targets: ['/home/ann/.npm'], pins: [aLayer('b'), aLayer('a')] },
    ]);
  });

  test('takes new sessions and commits, and closes old sessions', async () => {
    using dir = scratchDir();
    const file = storedIn(dir.path);
    await using metadata = await openStore(file);
    const [session] = await metadata.listSessions(noAbort);
    const removed: string[] = [];
    if (session) await metadata.closeSession(session.id, (dirs) => removed.push(...dirs), noAbort);
    expect(removed).toEqual(['/home/ann/.cache', '/home/ann/.npm']);
    const request = openRequest(countingIds(1000), {
      namespace: 'local/web-0123' as Namespace,
      volumes: [{ compat: { os: 'linux', arch: 'x64' } }],
    });
    const { run, volumeId, opened } = await openOne(metadata, request);
    expect(opened.own.generation).toBe(2);
    expect(await pushLayer(metadata, { volumeId, run, layer: aLayer('c') })).toMatchObject({ generation: 3 });
    using raw = new DatabaseSync(file);
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: currentVersion });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  test('keeps what its heads share with a remote', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const [head] = await metadata.listHeads(noAbort);
    const { volumeId } = head ?? expect.fail('the head is gone');
    const remote = '0123456789abcdef0123456789abcdef' as RemoteId;
    const layers = [aLayer('a'), aLayer('b')].toSorted();
    const record = { remote, volumeId, lane: local, layers, revision: 1, atMs };
    expect(await metadata.listSyncedHeads(remote, noAbort)).toEqual([record]);
    const push = pushRequest({ volumeId, run: aRun('9'), onto: head, layer: aLayer('c') });
    const synced = { remote, layers: push.layers, expectedRevision: 1 };
    expect(await metadata.commit({ ...push, synced }, noAbort)).toMatchObject({ kind: 'moved' });
    const moved = { ...record, layers: push.layers.toSorted(), revision: 2 };
    expect(await metadata.listSyncedHeads(null, noAbort)).toEqual([moved]);
  });

  test('keeps its squashes, and takes new ones', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const volumeId = await volumeOf(metadata);
    expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([
      { id: aLayer('b'), layers: [aLayer('c'), aLayer('d')], atMs },
    ]);
    const referenced = await metadata.referencedLayers(atMs, noAbort);
    expect([...referenced].toSorted()).toEqual(['a', 'b', 'c', 'd'].map(aLayer).toSorted());
    const head = await metadata.head(volumeId, local, noAbort);
    const push = pushRequest({ volumeId, run: aRun('9'), onto: head, layer: aLayer('e') });
    await metadata.commit(push, noAbort);
    const [top, ...layers] = push.layers;
    const layer = layerRecord(aLayer('S'), volumeId, aRun('9'));
    const squashed = await metadata.squash({ volumeId, lane: local, layer, layers, atMs }, noAbort);
    expect(squashed).toMatchObject({ layers: [top, aLayer('S')] });
  });

  test('keeps its policies, directories and evictions', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const facts = await metadata.collectionFacts(aQuestion(), noAbort);
    expect(facts.heads).toMatchObject([{ lane: local, usedAtMs: usedMs }]);
    expect([...facts.defaultLanes.values()]).toEqual(['t1:ref:trunk']);
    expect(facts.policies).toEqual([{ namespace: 'github.com/acme', texts: { 'keep-pr': '1d' } }]);
    expect(facts.lanePolicies).toMatchObject([{ lane: local, texts: { 'volume-size': '1GB' } }]);
    expect(await metadata.ownDirectories(noAbort)).toEqual([
      { namespace: 'local/web-0123', path: '/home/ann/web', goneSinceMs: null },
    ]);
    expect(await metadata.listEvictions(noAbort)).toMatchObject([{ lane: 't1:pr:7', policy: 'keep-pr' }]);
  });

  test('keeps what runs read, and which runs are revoked', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const [volume] = await metadata.listVolumes(noAbort);
    const { id: volumeId, namespaceId } = volume ?? expect.fail('the volume is gone');
    const read = { run: aRun('7'), volumeId, layers: ['b', 'a'].map(aLayer), atMs };
    expect(await metadata.listReads(noAbort)).toEqual([read]);
    const everywhere = { run: aRun('11'), atMs, by: 'ann', namespaceId: null };
    const here = { run: aRun('12'), atMs: atMs + 1, by: 'ben', namespaceId };
    expect(await metadata.revokedRuns(namespaceId, noAbort)).toEqual([here, everywhere]);
  });

  test('keeps the marks of used paths', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const volumeId = await volumeOf(metadata);
    const noted = { marks: new Map([[pathMark('a' as BytePath), atMs]]), atMs };
    expect(await metadata.notedPaths(volumeId, local, 'used', noAbort)).toEqual(noted);
    expect(await metadata.notedPaths(volumeId, local, 'evicted', noAbort)).toEqual({ marks: new Map(), atMs: 0 });
  });

  test('keeps the sums and holders that a collection reads', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
    const facts = await metadata.collectionFacts(aQuestion({ nowMs: atMs }), noAbort);
    expect(facts.taken).toEqual({ store: 8192, levels: { T1: 8192 }, namespace: 0 });
    expect(await metadata.lookedAtMs(noAbort)).toBe(atMs);
    const due = async (nowMs: number, texts: PolicyTexts = {}) => {
      const question = aQuestion({ lanes: 'due', nowMs, user: statedPolicy(texts, 'own file') });
      return (await metadata.collectionFacts(question, noAbort)).heads.length;
    };
    expect(await due(usedMs, { 'history-generations': '1' })).toBe(1);
    expect(await due(usedMs, { 'volume-budget': '8191B' })).toBe(1);
    expect(await due(usedMs + 3_600_000 - 1, { 'keep-default': '1h' })).toBe(0);
    expect(await due(usedMs + 3_600_000, { 'keep-default': '1h' })).toBe(1);
    const all = ['a', 'b', 'c', 'd'].map(aLayer);
    expect(await metadata.forgetLayers(all, atMs, noAbort)).toEqual([]);
    const later = atMs + 15 * 86_400_000;
    expect((await metadata.forgetLayers(all, later, noAbort)).toSorted()).toEqual(['c', 'd'].map(aLayer).toSorted());
  });

  test('keeps an empty namespace only if a person created it', async () => {
    using dir = scratchDir();
    const file = storedIn(dir.path);
    await using metadata = await openStore(file);
    // A recent use of a catalog keeps its consumer.
    using raw = new DatabaseSync(file);
    raw.exec('DELETE FROM catalog_uses');
    for (const { id } of await metadata.listVolumes(noAbort)) await metadata.removeVolume(id, null, noAbort);
    for (const { id } of await metadata.listSessions(noAbort)) {
      await metadata.closeSession(id, () => undefined, noAbort);
    }
    expect(await metadata.listNamespaces(noAbort)).toMatchObject([{ paths: ['github.com/acme/empty'] }]);
  });

  test('keeps grants, feed rules, catalogs and their uses', async () => {
    using dir = scratchDir();
    await using metadata = await openedIn(dir.path);
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
    // The store once had version 3, and its number is not used again.
    const other = { namespaceId: id, text: '{}', digest: digestOf('{}'), publishedAtMs: atMs, by: 'ann' };
    const next = await metadata.publishCatalog({ ...other, expectedVersion: 2 }, noAbort);
    expect(next).toMatchObject({ kind: 'published', record: { version: 4 } });
  });
});
