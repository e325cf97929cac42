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

/** A commit that only takes layers away: what is left of a head at generation 1. */
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

  describe('a commit with what is synced', () => {
    test('moves the head and the record of that remote, and no other', async () => {
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

    test('of a head that names nothing from the first on keeps the volume, and what is in common', async () => {
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
    ])('is a conflict that changes nothing where %s', async (_, expectedGeneration, expectedRevision) => {
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

    test('where there is neither is a conflict without a head', async () => {
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
      ['of a layer that nobody recorded', aLayer('never seen'), 'E_INTERNAL'],
      ['of a layer that was forgotten', aLayer('swept'), 'E_LAYER_MISSING'],
    ])('%s moves no record, and brings no run', async (_, missing, code) => {
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

    test('whose record was made again after a removal is a conflict', async () => {
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
    test('leave its records of every remote, and those of no other head', async () => {
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

    test('leave a record that stays when it is empty: the head is still one that is synced', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.commit({ ...takingAway(opened, []), lost: [aLayer('a')] }, noAbort);
      expect(await everyRecord(metadata)).toMatchObject([{ layers: [], revision: 2 }]);
    });

    test('stay in a record where they are only taken away: the remote is to lose them too', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId, run } = opened;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.recordSynced(syncedRequest({ volumeId, layers: [aLayer('a')] }), noAbort);
      await metadata.commit(takingAway(opened, []), noAbort);
      expect(await everyRecord(metadata)).toMatchObject([{ layers: [aLayer('a')], revision: 1 }]);
    });

    test('do not come back with what the same commit says is synced', async () => {
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

    test('come with a commit, and those that are known stay as they are', async () => {
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

    test('that came with layers stay as those that saved do: entries name them as their origin', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run, request } = await openOne(metadata, openRequest(ids));
      const idle = await openOne(metadata, openRequest(ids));
      // A layer is of one run, and its entries may name others.
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
