import { beforeEach, describe, expect, test } from 'vitest';
import { limits, type Metadata, type SyncedHead, type VolumeId } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aNamespace,
  aRemote,
  countingIds,
  local,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  startMs,
  syncedRequest,
} from '../metadata-builders.ts';

const hub = aRemote('hub');
const backup = aRemote('backup');
const laterMs = startMs + limits.historyMs + 1;

/** Differs from the byte order of heads and texts. */
const unsorted = [aLayer('a'), aLayer('b'), aLayer('c')].toSorted().toReversed();

async function recordsOf(metadata: Metadata): Promise<readonly SyncedHead[]> {
  return await metadata.listSyncedHeads(null, noAbort);
}

/** Records of two remotes for the lane, and one for another lane; neither lane needs a head. */
async function recordThree(metadata: Metadata, volumeId: VolumeId): Promise<void> {
  for (const target of [{}, { remote: backup }, { lane: main }]) {
    const request = syncedRequest({ volumeId, layers: [aLayer('a')], ...target });
    expect(await metadata.recordSynced(request, noAbort)).toBe(true);
  }
}

export function syncConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('the sync record of a head with a remote', () => {
    test('has sorted layers, with or without a head, and counts its changes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toBeUndefined();
      expect(await recordsOf(metadata)).toEqual([]);
      expect(await metadata.recordSynced(syncedRequest({ volumeId, layers: unsorted }), noAbort)).toBe(true);
      const first = { remote: hub, volumeId, lane: local, layers: unsorted.toReversed(), revision: 1, atMs: startMs };
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toEqual(first);

      const head = await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const next = syncedRequest({ volumeId, layers: [], expectedRevision: 1, atMs: startMs + 1 });
      expect(await metadata.recordSynced(next, noAbort)).toBe(true);
      const second = { ...first, layers: [], revision: 2, atMs: startMs + 1 };
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toEqual(second);
      expect(await recordsOf(metadata)).toEqual([second]);
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(head);
    });

    test('only moves from its current revision', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await openOne(metadata, openRequest(ids));
      const early = syncedRequest({ volumeId, layers: [aLayer('a')], expectedRevision: 1 });
      expect(await metadata.recordSynced(early, noAbort)).toBe(false);
      expect(await recordsOf(metadata)).toEqual([]);

      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      const before = await recordsOf(metadata);
      for (const expectedRevision of [0, 2]) {
        const late = syncedRequest({ volumeId, layers: [aLayer('b')], expectedRevision, atMs: startMs + 1 });
        expect(await metadata.recordSynced(late, noAbort)).toBe(false);
      }
      expect(await recordsOf(metadata)).toEqual(before);
    });

    test('of a removed volume is E_NOT_FOUND', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = syncedRequest({ volumeId: ids.volume(), layers: [] });
      await expect(metadata.recordSynced(request, noAbort)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      expect(await recordsOf(metadata)).toEqual([]);
    });

    test("is empty under the namespace's new name, and unchanged under the old one", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await openOne(metadata, openRequest(ids));
      const [namespace] = await metadata.listNamespaces(noAbort);
      const [path = expect.fail('no path')] = namespace?.paths ?? [];
      await recordThree(metadata, volumeId);
      const before = await recordsOf(metadata);
      await metadata.aliasNamespace(path, path, noAbort);
      expect(await recordsOf(metadata)).toEqual(before);
      await metadata.aliasNamespace(path, aNamespace('github.com/acme/renamed'), noAbort);
      expect(await recordsOf(metadata)).toEqual(before.map((record) => ({ ...record, layers: [], revision: 2 })));
    });

    test('is separate for each remote, volume and lane', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await openOne(metadata, openRequest(ids));
      const { volumeId: otherId } = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      const keys = [hub, backup].flatMap((remote) =>
        [otherId, volumeId].flatMap((id) => [main, local].map((lane) => ({ remote, volumeId: id, lane }))),
      );
      for (const [index, key] of keys.entries()) {
        const request = syncedRequest({ ...key, layers: [aLayer(`${index}`)] });
        expect(await metadata.recordSynced(request, noAbort)).toBe(true);
      }
      for (const [index, { remote, volumeId: id, lane }] of keys.entries()) {
        const record = await metadata.syncedHead(remote, id, lane, noAbort);
        expect(record).toMatchObject({ layers: [aLayer(`${index}`)], revision: 1 });
      }
      expect(await metadata.syncedHead(aRemote('unknown'), volumeId, local, noAbort)).toBeUndefined();

      const ordered = keys
        .map((key) => `${key.remote} ${key.volumeId} ${key.lane}`)
        .toSorted()
        .map((text) => text.split(' '));
      const listed = async (remote: typeof hub | null) =>
        (await metadata.listSyncedHeads(remote, noAbort)).map((record) => [
          record.remote,
          record.volumeId,
          record.lane,
        ]);
      expect(await listed(null)).toEqual(ordered);
      expect(await listed(hub)).toEqual(ordered.filter(([remote]) => remote === hub));
      expect(await listed(aRemote('unknown'))).toEqual([]);
    });

    test('is neither read nor written after an abort', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await openOne(metadata, openRequest(ids));
      const aborted = AbortSignal.abort();
      const request = syncedRequest({ volumeId, layers: [] });
      await expect(metadata.recordSynced(request, aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
      await expect(metadata.listSyncedHeads(null, aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
      await expect(metadata.syncedHead(hub, volumeId, local, aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
      expect(await recordsOf(metadata)).toEqual([]);
    });

    test('protects no layer: layers that only a record names are collected', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run, request } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const only = syncedRequest({ volumeId, layers: [aLayer('a'), aLayer('elsewhere')] });
      await metadata.recordSynced(only, noAbort);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect([...(await metadata.referencedLayers(startMs, noAbort))]).toEqual([aLayer('a')]);
      const forgotten = await metadata.forgetLayers(only.layers, laterMs, noAbort);
      expect(forgotten).toEqual([aLayer('elsewhere')]);
      expect(await recordsOf(metadata)).toMatchObject([{ layers: only.layers.toSorted(), revision: 1 }]);
    });
  });

  describe('the sync record of a head with a remote is removed', () => {
    test('with its lane, for each remote', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      for (const lane of [local, main]) await pushLayer(metadata, { volumeId, run, layer: aLayer('a'), lane });
      await recordThree(metadata, volumeId);
      await metadata.removeVolume(volumeId, local, noAbort);
      expect(await recordsOf(metadata)).toMatchObject([{ remote: hub, lane: main }]);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('b') });
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toBeUndefined();
    });

    test('with a lane without a head, but not for its neighbours', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a'), lane: main });
      await recordThree(metadata, volumeId);
      await metadata.removeVolume(volumeId, local, noAbort);
      expect(await recordsOf(metadata)).toMatchObject([{ remote: hub, lane: main }]);
    });

    test.each([
      ['its last lane', local],
      ['all lanes', null],
    ])('with the volume, if %s is removed; a new volume of that name has no record', async (_, lane) => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const kept = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      await metadata.recordSynced(syncedRequest({ volumeId: kept.volumeId, layers: [] }), noAbort);
      await recordThree(metadata, volumeId);
      await metadata.removeVolume(volumeId, lane, noAbort);
      expect(await recordsOf(metadata)).toMatchObject([{ volumeId: kept.volumeId }]);

      const again = await openOne(metadata, openRequest(ids));
      expect(await metadata.syncedHead(hub, again.volumeId, local, noAbort)).toBeUndefined();
      const request = syncedRequest({ volumeId: again.volumeId, layers: [], expectedRevision: 1 });
      expect(await metadata.recordSynced(request, noAbort)).toBe(false);
    });

    test('with all lanes of a volume that stays because it is locked', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids, { volumes: [{ lock: true }] }));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await recordThree(metadata, volumeId);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.listVolumes(noAbort)).toHaveLength(1);
      expect(await recordsOf(metadata)).toEqual([]);
    });

    test('with a volume that was never saved, when its last session closes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = await openOne(metadata, openRequest(ids));
      const second = await openOne(metadata, openRequest(ids));
      await recordThree(metadata, first.volumeId);
      await metadata.closeSession(first.request.sessionId, () => undefined, noAbort);
      expect(await recordsOf(metadata)).toHaveLength(3);
      await metadata.closeSession(second.request.sessionId, () => undefined, noAbort);
      expect(await recordsOf(metadata)).toEqual([]);
    });

    test('with a namespace without heads that loses its last path', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const namespace = aNamespace('github.com/acme/api');
      const taking = await openOne(metadata, openRequest(ids, { namespace }));
      const losing = await openOne(metadata, openRequest(ids));
      await metadata.recordSynced(syncedRequest({ volumeId: taking.volumeId, layers: [] }), noAbort);
      await recordThree(metadata, losing.volumeId);
      await metadata.aliasNamespace(namespace, losing.request.namespace, noAbort);
      expect(await recordsOf(metadata)).toMatchObject([{ volumeId: taking.volumeId }]);
    });
  });
}
