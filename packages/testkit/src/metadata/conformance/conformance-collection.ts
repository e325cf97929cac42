import { beforeEach, describe, expect, test } from 'vitest';
import { limits, type EvictRequest, type Metadata, type OpenSessionRequest } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLane,
  aLayer,
  aNamespace,
  aQuestion,
  aRemote,
  countingIds,
  layerRecord,
  local,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  startMs,
  syncedRequest,
  web,
  type OpenedForTest,
} from '../metadata-builders.ts';

const hourMs = 3_600_000;

async function saved(metadata: Metadata, request: OpenSessionRequest, text: string): Promise<OpenedForTest> {
  const session = await openOne(metadata, request);
  const { volumeId, run } = session;
  await pushLayer(metadata, { volumeId, run, layer: aLayer(text), lane: request.run.lane });
  await close(metadata, session);
  return session;
}

async function close(metadata: Metadata, { request }: OpenedForTest): Promise<void> {
  await metadata.closeSession(request.sessionId, () => undefined, noAbort);
}

function evictRequest(volume: Pick<OpenedForTest, 'volumeId'>, options: Partial<EvictRequest> = {}): EvictRequest {
  return {
    volumeId: volume.volumeId,
    lane: local,
    generation: 1,
    usedAtMs: startMs,
    policy: 'keep-branch',
    why: 'not used for 14d',
    atMs: startMs + 1,
    ...options,
  };
}

async function usedAt(metadata: Metadata): Promise<readonly number[]> {
  return (await metadata.collectionFacts(aQuestion(), noAbort)).heads.map(({ usedAtMs }) => usedAtMs);
}

export function collectionConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('uses', () => {
    test('are recorded for each head that a session reads, once an hour', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await saved(metadata, openRequest(ids, { lane: main }), 'main');
      expect(await usedAt(metadata)).toEqual([startMs]);
      const chain = [local, main].map((lane) => ({ namespace: web, lane }));
      const read = async (atMs: number, mayWrite = true) =>
        await close(metadata, await openOne(metadata, openRequest(ids, { atMs, mayWrite, volumes: [{ chain }] })));
      await read(startMs + hourMs);
      expect(await usedAt(metadata)).toEqual([startMs + hourMs]);
      await read(startMs + 2 * hourMs - 1);
      expect(await usedAt(metadata)).toEqual([startMs + hourMs]);
      await read(startMs + 2 * hourMs, false);
      expect(await usedAt(metadata)).toEqual([startMs + 2 * hourMs]);
    });

    test('a T0 run records no use', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await saved(metadata, openRequest(ids, { lane: main }), 'main');
      const lane = aLane('t0:run:1');
      const chain = [lane, main].map((each) => ({ namespace: web, lane: each }));
      const request = openRequest(ids, { lane, atMs: startMs + 9 * hourMs, mayWrite: false, volumes: [{ chain }] });
      expect((await openOne(metadata, request)).opened.pinned).toHaveLength(1);
      expect(await usedAt(metadata)).toEqual([startMs]);
    });

    test('moving a head counts as a use', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a'), atMs: startMs + 5 });
      expect(await usedAt(metadata)).toEqual([startMs + 5]);
    });

    test('with a time in the future do not last', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const years = 1000 * 24 * hourMs;
      const ahead = await openOne(metadata, openRequest(ids, { atMs: startMs + years }));
      await pushLayer(metadata, { ...ahead, layer: aLayer('a'), atMs: startMs + years });
      await close(metadata, ahead);
      const opened = await openOne(metadata, openRequest(ids));
      expect(await usedAt(metadata)).toEqual([startMs]);
      await close(metadata, await openOne(metadata, openRequest(ids, { atMs: startMs + years })));
      expect(await usedAt(metadata)).toEqual([startMs + years]);
      await pushLayer(metadata, { ...opened, layer: aLayer('b'), atMs: startMs + 1 });
      expect(await usedAt(metadata)).toEqual([startMs + 1]);
    });
  });

  describe('what sessions record for collections', () => {
    const directory = { path: '/home/ann/web', identity: '1:2:3' };
    const ofDirectory = { namespace: aNamespace('local/web-1'), directory };

    test('saving sessions record default lane, lane policy and directory', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const lanePolicy = { texts: { 'keep-pr': '1d' }, source: 'cachelane.yaml' };
      const said = { ...ofDirectory, defaultLane: main, lanePolicy };
      const quiet = await openOne(metadata, openRequest(ids, { ...said, mayWrite: false }));
      let facts = await metadata.collectionFacts(aQuestion(), noAbort);
      expect([...facts.defaultLanes, ...facts.lanePolicies]).toEqual([]);
      expect(await metadata.ownDirectories(noAbort)).toEqual([]);
      await close(metadata, quiet);

      const opened = await saved(metadata, openRequest(ids, said), 'a');
      facts = await metadata.collectionFacts(aQuestion(), noAbort);
      const { namespaceId } = opened.opened.volume;
      expect([...facts.defaultLanes]).toEqual([[namespaceId, main]]);
      expect(facts.lanePolicies).toEqual([{ namespaceId, lane: local, ...lanePolicy }]);
      expect(await metadata.ownDirectories(noAbort)).toEqual([
        { namespace: 'local/web-1', path: '/home/ann/web', goneSinceMs: null },
      ]);

      await close(metadata, await openOne(metadata, openRequest(ids, ofDirectory)));
      facts = await metadata.collectionFacts(aQuestion(), noAbort);
      expect([...facts.defaultLanes]).toEqual([[namespaceId, main]]);
      expect(facts.lanePolicies).toHaveLength(1);
      await close(metadata, await openOne(metadata, openRequest(ids, { ...ofDirectory, lanePolicy: null })));
      expect((await metadata.collectionFacts(aQuestion(), noAbort)).lanePolicies).toEqual([]);
    });

    test('a missing directory is present again with the next session', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await saved(metadata, openRequest(ids, ofDirectory), 'a');
      const namespace = aNamespace('local/web-1');
      const unknown = { namespace: aNamespace('local/nobody'), goneSinceMs: 1 };
      await metadata.noteDirectories([{ namespace, goneSinceMs: 7 }, unknown], noAbort);
      const since = async () => (await metadata.ownDirectories(noAbort)).map((each) => each.goneSinceMs);
      expect(await since()).toEqual([7]);
      await close(metadata, await openOne(metadata, openRequest(ids, ofDirectory)));
      expect(await since()).toEqual([null]);
    });

    test('open sessions show their heads and pins', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await saved(metadata, openRequest(ids), 'a');
      const idle = await metadata.collectionFacts(aQuestion(), noAbort);
      expect([...idle.open, ...idle.pins]).toEqual([]);
      await openOne(metadata, openRequest(ids));
      const facts = await metadata.collectionFacts(aQuestion(), noAbort);
      expect(facts.open).toEqual([{ volumeId, lane: local }]);
      expect([...facts.pins]).toEqual([aLayer('a')]);
    });

    test('policies are stored by namespace, with or without volumes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const acme = aNamespace('github.com/acme');
      await metadata.setPolicy(acme, 'keep-pr', '1d', noAbort);
      await metadata.setPolicy(acme, 'keep-branch', '2d', noAbort);
      await metadata.setPolicy(acme, 'keep-pr', '3d', noAbort);
      const texts = { 'keep-branch': '2d', 'keep-pr': '3d' };
      expect(await metadata.listPolicies(noAbort)).toEqual([{ namespace: acme, texts }]);
      expect((await metadata.collectionFacts(aQuestion(), noAbort)).policies).toEqual([{ namespace: acme, texts }]);
      for (const key of ['keep-pr', 'keep-branch'] as const) await metadata.setPolicy(acme, key, null, noAbort);
      expect(await metadata.listPolicies(noAbort)).toEqual([]);
    });
  });

  describe('evictions', () => {
    test('remove a head with its history, give the next session the reason, and are forgotten at the next save', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids), 'a');
      await metadata.recordSynced(syncedRequest({ volumeId: volume.volumeId, layers: [aLayer('a')] }), noAbort);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(true);
      expect(await metadata.listHeads(noAbort)).toEqual([]);
      expect(await metadata.listVolumes(noAbort)).toEqual([]);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
      expect(await metadata.listSyncedHeads(aRemote('hub'), noAbort)).toEqual([]);
      expect(await metadata.forgetLayers([aLayer('a')], startMs, noAbort)).toEqual([aLayer('a')]);
      const eviction = {
        namespace: web,
        volume: 'npm',
        compat: {},
        lane: local,
        policy: 'keep-branch',
        why: 'not used for 14d',
        atMs: startMs + 1,
      };
      expect(await metadata.listEvictions(noAbort)).toEqual([eviction]);

      const next = await openOne(metadata, openRequest(ids));
      expect(next.opened).toMatchObject({ own: { generation: 0 }, pinned: [], evicted: eviction });
      await pushLayer(metadata, { volumeId: next.volumeId, run: next.run, layer: aLayer('b') });
      expect(await metadata.listEvictions(noAbort)).toEqual([]);
      expect((await openOne(metadata, openRequest(ids))).opened.evicted).toBeNull();
    });

    test('are reported for the nearest lane of a chain without any head', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids, { lane: main }), 'main');
      await saved(metadata, openRequest(ids), 'own');
      await metadata.evict(evictRequest(volume, { lane: main }), noAbort);
      const chain = [local, main].map((lane) => ({ namespace: web, lane }));
      const open = async () => (await openOne(metadata, openRequest(ids, { volumes: [{ chain }] }))).opened.evicted;
      expect(await open()).toBeNull();
      await metadata.removeVolume(volume.volumeId, local, noAbort);
      expect(await open()).toMatchObject({ lane: main });
    });

    test('are remembered for a while', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.evict(evictRequest(await saved(metadata, openRequest(ids), 'a')), noAbort);
      await metadata.forgetLayers([], startMs + limits.evictionsMs, noAbort);
      expect(await metadata.listEvictions(noAbort)).toHaveLength(1);
      await metadata.forgetLayers([], startMs + limits.evictionsMs + 2, noAbort);
      expect(await metadata.listEvictions(noAbort)).toEqual([]);
    });

    test('spare a head that moved or was used since, or that an open session reads', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids), 'a');
      expect(await metadata.evict(evictRequest(volume, { generation: 2 }), noAbort)).toBe(false);
      expect(await metadata.evict(evictRequest(volume, { usedAtMs: startMs - 1 }), noAbort)).toBe(false);
      expect(await metadata.evict(evictRequest(volume, { lane: main }), noAbort)).toBe(false);
      const open = await openOne(metadata, openRequest(ids));
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(false);
      await close(metadata, open);
      const pinning = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      await metadata.updateSession(pinning.request.sessionId, { pins: [aLayer('a')] }, noAbort);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(false);
      expect(await metadata.head(volume.volumeId, local, noAbort)).toMatchObject({ layers: [aLayer('a')] });
      await close(metadata, pinning);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(true);
    });

    test('spare a head whose replaced layers a session reads', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids), 'a');
      const { volumeId, run } = volume;
      const reading = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      await metadata.updateSession(reading.request.sessionId, { pins: [aLayer('a')] }, noAbort);
      const layer = layerRecord(aLayer('S'), volumeId, run);
      await metadata.squash({ volumeId, lane: local, layer, layers: [aLayer('a')], atMs: startMs }, noAbort);
      const squash = { volumeId, lane: local, id: aLayer('S'), layers: [aLayer('a')], atMs: startMs };
      expect((await metadata.collectionFacts(aQuestion(), noAbort)).squashes).toEqual([squash]);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(false);
      await close(metadata, reading);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(true);
      expect((await metadata.collectionFacts(aQuestion(), noAbort)).squashes).toEqual([]);
      expect((await metadata.referencedLayers(startMs, noAbort)).size).toBe(0);
    });

    test('keep the volume for a session on another lane', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids), 'a');
      const other = await openOne(metadata, openRequest(ids, { lane: main }));
      expect(other.volumeId).toBe(volume.volumeId);
      expect(await metadata.evict(evictRequest(volume), noAbort)).toBe(true);
      await pushLayer(metadata, { volumeId: other.volumeId, run: other.run, layer: aLayer('b'), lane: main });
      await metadata.evict(evictRequest(other, { lane: main }), noAbort);
      await close(metadata, other);
      expect((await metadata.listHeads(noAbort)).map(({ lane }) => lane)).toEqual([main]);
    });

    test("keep the lane's generations", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volume = await saved(metadata, openRequest(ids), 'a');
      await saved(metadata, openRequest(ids, { lane: main }), 'b');
      await metadata.evict(evictRequest(volume), noAbort);
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      expect(await pushLayer(metadata, { volumeId, run, layer: aLayer('c') })).toMatchObject({ generation: 2 });
    });
  });

  test('pinned and recorded layers do not count as unused', async () => {
    await using store = await create();
    await using metadata = await store.open();
    const { request } = await openOne(metadata, openRequest(ids));
    const [pinned, other] = [aLayer('pinned'), aLayer('other')];
    await metadata.updateSession(request.sessionId, { pins: [pinned] }, noAbort);
    const unpinned: (readonly string[])[] = [];
    const look = async () => await metadata.amongUnused([pinned, other], (keys) => unpinned.push(keys), noAbort);
    await look();
    await metadata.closeSession(request.sessionId, () => {}, noAbort);
    await look();
    expect(unpinned).toEqual([[other], [pinned, other]]);
    const { volumeId, run } = await openOne(metadata, openRequest(ids));
    await pushLayer(metadata, { volumeId, run, layer: other });
    await look();
    expect(unpinned.at(-1)).toEqual([pinned]);
    const failing = metadata.amongUnused(
      [other],
      () => {
        throw new Error('no room');
      },
      noAbort,
    );
    await expect(failing).rejects.toThrow('no room');
  });

  test("history is trimmed to a generation, never beyond the head's", async () => {
    await using store = await create();
    await using metadata = await store.open();
    const { volumeId, run } = await openOne(metadata, openRequest(ids));
    for (const text of ['a', 'b', 'c']) await pushLayer(metadata, { volumeId, run, layer: aLayer(text) });
    const generations = async () =>
      (await metadata.history(volumeId, local, noAbort)).map(({ generation }) => generation);
    expect(await metadata.trimHistory({ volumeId, lane: local, fromGeneration: 2, atMs: startMs }, noAbort)).toBe(1);
    expect(await generations()).toEqual([3, 2]);
    expect(await metadata.trimHistory({ volumeId, lane: local, fromGeneration: 99, atMs: startMs }, noAbort)).toBe(1);
    expect(await generations()).toEqual([3]);
  });
}
