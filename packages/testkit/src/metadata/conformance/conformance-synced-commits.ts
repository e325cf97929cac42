import { beforeEach, describe, expect, test } from 'vitest';
import { limits, runPurposes, type LayerId, type Metadata } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aRemote,
  countingIds,
  layerRecord,
  local,
  main,
  noAbort,
  noCounts,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  remoteRun,
  startMs,
  syncedRequest,
  type OpenedForTest,
} from '../metadata-builders.ts';

const hub = aRemote('hub');
const backup = aRemote('backup');
const laterMs = startMs + limits.historyMs + 1;

const inOrder = (...texts: readonly string[]): readonly LayerId[] => texts.map(aLayer).toSorted();

/** A commit that removes layers from a head at generation 1. */
function takingAway({ volumeId, run }: OpenedForTest, layers: readonly LayerId[]) {
  const request = pushRequest({ volumeId, run, onto: { generation: 1, layers: [] }, layer: aLayer('-') });
  return { ...request, layer: null, layers, counts: noCounts };
}

async function everyRecord(metadata: Metadata) {
  return await metadata.listSyncedHeads(null, noAbort);
}

export function syncedCommitConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('a commit with a sync record', () => {
    test('moves the head and the record of that remote only', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [], remote: backup }), noAbort);
      const push = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') });
      const layers = [aLayer('b'), aLayer('a')].toSorted().toReversed();
      const first = { ...push, synced: { remote: hub, layers, expectedRevision: 0 } };
      expect(await metadata.commit(first, noAbort)).toMatchObject({ kind: 'moved', head: { generation: 1 } });
      const record = { remote: hub, volumeId, lane: local, layers: layers.toReversed(), revision: 1, atMs: startMs };
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toEqual(record);

      const onto = { generation: 1, layers: [aLayer('a')] };
      const next = pushRequest({ volumeId, run, onto, layer: aLayer('c'), atMs: startMs + 1 });
      const synced = { remote: hub, layers: [aLayer('a')], expectedRevision: 1 };
      expect(await metadata.commit({ ...next, synced }, noAbort)).toMatchObject({ kind: 'moved' });
      const moved = { ...record, layers: [aLayer('a')], revision: 2, atMs: startMs + 1 };
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toEqual(moved);
      expect(await metadata.syncedHead(backup, volumeId, local, noAbort)).toMatchObject({ layers: [], revision: 1 });
    });

    test('of an empty first head keeps the volume and the record', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids);
      const opened = await openOne(metadata, request);
      const { volumeId } = opened;
      const taking = { ...takingAway(opened, []), expectedGeneration: 0 };
      const synced = { remote: hub, layers: [aLayer('a')], expectedRevision: 0 };
      const head = { volumeId, lane: local, generation: 1, layers: [] };
      expect(await metadata.commit({ ...taking, synced }, noAbort)).toMatchObject({ kind: 'moved', head });
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.listHeads(noAbort)).toMatchObject([head]);
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toMatchObject({ layers: [aLayer('a')] });
    });

    test.each([
      ['the record moved', 1, 0],
      ['the record is not there yet', 1, 2],
      ['the head moved', 0, 1],
    ])('gives a conflict and changes nothing if %s', async (_, expectedGeneration, expectedRevision) => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const head = await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      for (const remote of [hub, backup]) {
        await metadata.recordSynced(syncedRequest({ volumeId, remote, layers: [aLayer('a')] }), noAbort);
      }
      const before = await everyRecord(metadata);
      const stranger = remoteRun(ids);
      const rewritten = layerRecord(aLayer('rewritten'), volumeId, stranger.id);
      const request = {
        ...pushRequest({ volumeId, run, onto: undefined, layer: aLayer('pushed'), atMs: startMs + 1 }),
        layers: [aLayer('pushed'), aLayer('rewritten')],
        expectedGeneration,
        rewritten: [rewritten],
        runs: [stranger],
        lost: [aLayer('a')],
        synced: { remote: hub, layers: [aLayer('pushed')], expectedRevision },
      };
      expect(await metadata.commit(request, noAbort)).toEqual({ kind: 'conflict', head });
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(head);
      expect(await metadata.history(volumeId, local, noAbort)).toHaveLength(1);
      expect(await everyRecord(metadata)).toEqual(before);
      expect(await metadata.run(stranger.id, noAbort)).toBeUndefined();
      for (const id of request.layers) expect(await metadata.layer(id, noAbort)).toBeUndefined();
    });

    test('gives a conflict without a head if neither exists', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const push = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') });
      const synced = { remote: hub, layers: [], expectedRevision: 1 };
      expect(await metadata.commit({ ...push, synced }, noAbort)).toEqual({ kind: 'conflict', head: null });
      expect(await metadata.listHeads(noAbort)).toEqual([]);
      expect(await everyRecord(metadata)).toEqual([]);
    });

    test.each([
      ['of an unrecorded layer', aLayer('never seen'), 'E_INTERNAL'],
      ['of a layer that was forgotten', aLayer('swept'), 'E_LAYER_MISSING'],
    ])('%s moves no record and adds no run', async (_, missing, code) => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.forgetLayers([aLayer('swept')], startMs, noAbort);
      const before = await everyRecord(metadata);
      const stranger = remoteRun(ids);
      const request = {
        ...pushRequest({ volumeId, run, onto: { generation: 0, layers: [missing] }, layer: aLayer('a') }),
        runs: [stranger],
        lost: [aLayer('a')],
        synced: { remote: hub, layers: [], expectedRevision: 1 },
      };
      await expect(metadata.commit(request, noAbort)).rejects.toMatchObject({ code });
      expect(await everyRecord(metadata)).toEqual(before);
      expect(await metadata.run(stranger.id, noAbort)).toBeUndefined();
      expect(await metadata.listHeads(noAbort)).toEqual([]);
    });

    test('gives a conflict if the record was removed and created again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('kept'), lane: main });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.removeVolume(volumeId, local, noAbort);
      const fresh = await pushLayer(metadata, { volumeId, run, layer: aLayer('b') });
      const late = pushRequest({ volumeId, run, onto: fresh, layer: aLayer('c') });
      const synced = { remote: hub, layers: [aLayer('a')], expectedRevision: 1 };
      expect(await metadata.commit({ ...late, synced }, noAbort)).toEqual({ kind: 'conflict', head: fresh });
    });
  });

  describe('layers that a head lost', () => {
    test("are dropped from the head's records of every remote, and from no other", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const other = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const layers = inOrder('a', 'b', 'c');
      for (const target of [{}, { remote: backup }, { lane: main }, { volumeId: other.volumeId }]) {
        await metadata.recordSynced(syncedRequest({ volumeId, layers, ...target }), noAbort);
      }
      const untouched = syncedRequest({ volumeId, remote: aRemote('untouched'), layers: [aLayer('a')] });
      await metadata.recordSynced(untouched, noAbort);
      const lost = [aLayer('c'), aLayer('b'), aLayer('unknown')];
      await metadata.commit({ ...takingAway(opened, [aLayer('a')]), lost, atMs: startMs + 1 }, noAbort);

      const left = { volumeId, lane: local, layers: [aLayer('a')], revision: 2, atMs: startMs + 1 };
      for (const remote of [hub, backup]) {
        expect(await metadata.syncedHead(remote, volumeId, local, noAbort)).toEqual({ remote, ...left });
      }
      for (const [id, lane] of [[volumeId, main] as const, [other.volumeId, local] as const]) {
        const record = await metadata.syncedHead(hub, id, lane, noAbort);
        expect(record).toMatchObject({ layers, revision: 1, atMs: startMs });
      }
      const record = await metadata.syncedHead(untouched.remote, volumeId, local, noAbort);
      expect(record).toMatchObject({ layers: [aLayer('a')], revision: 1, atMs: startMs });
    });

    test('leave an empty record, since the head is still synced', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.commit({ ...takingAway(opened, []), lost: [aLayer('a')] }, noAbort);
      expect(await everyRecord(metadata)).toMatchObject([{ layers: [], revision: 2 }]);
    });

    test('that were only removed stay in the record, so that the remote removes them too', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.commit(takingAway(opened, []), noAbort);
      expect(await everyRecord(metadata)).toMatchObject([{ layers: [aLayer('a')], revision: 1 }]);
    });

    test("are not restored by the same commit's record", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      const synced = { remote: hub, layers: inOrder('a', 'b'), expectedRevision: 1 };
      await metadata.commit({ ...takingAway(opened, []), lost: [aLayer('a')], synced }, noAbort);
      expect(await everyRecord(metadata)).toMatchObject([{ layers: [aLayer('b')], revision: 2 }]);
    });
  });

  describe('runs', () => {
    test('keep their purpose', async () => {
      await using store = await create();
      await using metadata = await store.open();
      for (const purpose of runPurposes) {
        const request = openRequest(ids);
        await metadata.openSession({ ...request, run: { ...request.run, purpose } }, noAbort);
        expect(await metadata.run(request.run.id, noAbort)).toMatchObject({ purpose });
      }
    });

    test('are added by a commit; known ones stay unchanged', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const known = await metadata.run(run, noAbort);
      const strangers = runPurposes.map((purpose) => remoteRun(ids, { purpose, lane: main }));
      const push = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') });
      await metadata.commit({ ...push, runs: [...strangers, remoteRun(ids, { id: run })] }, noAbort);
      expect(await metadata.run(run, noAbort)).toEqual(known);
      for (const stranger of strangers) expect(await metadata.run(stranger.id, noAbort)).toEqual(stranger);
    });

    test('that were added with layers stay as long as entries name them', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run, request } = await openOne(metadata, openRequest(ids));
      const idle = await openOne(metadata, openRequest(ids));
      // A layer has one run, but its entries may name others.
      const [maker, origin] = [remoteRun(ids), remoteRun(ids)];
      const rewritten = layerRecord(aLayer('came'), volumeId, maker.id);
      const push = pushRequest({ volumeId, run, onto: { generation: 0, layers: [rewritten.id] }, layer: aLayer('a') });
      const known = await metadata.run(idle.run, noAbort);
      const runs = [maker, origin, ...(known === undefined ? [] : [known])];
      await metadata.commit({ ...push, rewritten: [rewritten], runs }, noAbort);
      for (const sessionId of [request.sessionId, idle.request.sessionId]) {
        await metadata.closeSession(sessionId, () => undefined, noAbort);
      }
      await metadata.removeVolume(volumeId, null, noAbort);
      await metadata.forgetLayers([], laterMs, noAbort);
      for (const each of runs) expect(await metadata.run(each.id, noAbort)).toEqual(each);
    });
  });
}
