import { beforeEach, describe, expect, test } from 'vitest';
import { limits, type HeadRecord } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
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
  startMs,
} from '../metadata-builders.ts';

export function headConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('commit', () => {
    test('the first makes generation 1, each further one the next', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const first: HeadRecord = {
        volumeId,
        lane: local,
        generation: 1,
        layers: [aLayer('a')],
        updatedAtMs: startMs,
        run,
      };
      const push = { volumeId, run, onto: undefined, layer: aLayer('a') };
      expect(await metadata.commit(pushRequest(push), noAbort)).toEqual({ kind: 'moved', head: first });
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(first);

      const second = { ...first, generation: 2, layers: [aLayer('b'), aLayer('a')], updatedAtMs: startMs + 1 };
      const next = pushRequest({ ...push, onto: first, layer: aLayer('b'), atMs: startMs + 1 });
      expect(await metadata.commit(next, noAbort)).toEqual({ kind: 'moved', head: second });
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(second);
      expect(await metadata.listHeads(noAbort)).toEqual([second]);
    });

    test('from another generation than the current one gives a conflict and changes nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const head = await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      for (const generation of [0, 2]) {
        const late = pushRequest({ volumeId, run, onto: { generation, layers: [] }, layer: aLayer('b') });
        expect(await metadata.commit(late, noAbort)).toEqual({ kind: 'conflict', head });
      }
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(head);
      expect(await metadata.history(volumeId, local, noAbort)).toHaveLength(1);
      expect(await metadata.layer(aLayer('b'), noAbort)).toBeUndefined();
    });

    test('from a generation without a head gives a conflict without a head', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const request = pushRequest({ volumeId, run, onto: { generation: 3, layers: [] }, layer: aLayer('a') });
      expect(await metadata.commit(request, noAbort)).toEqual({ kind: 'conflict', head: null });
      expect(await metadata.head(volumeId, local, noAbort)).toBeUndefined();
    });

    test('lanes of one volume move independently', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('b'), lane: main });
      const heads = await metadata.listHeads(noAbort);
      expect(heads.map(({ lane, generation, layers }) => ({ lane, generation, layers }))).toEqual([
        { lane: local, generation: 1, layers: [aLayer('a')] },
        { lane: main, generation: 1, layers: [aLayer('b')] },
      ]);
    });

    test('records the layer and its run', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids);
      const run = { ...request.run, revision: 'c0ffee', workflow: 'ci.yml' };
      const { volumeId } = await openOne(metadata, { ...request, run });
      await pushLayer(metadata, { volumeId, run: run.id, layer: aLayer('a') });
      expect(await metadata.layer(aLayer('a'), noAbort)).toEqual(layerRecord(aLayer('a'), volumeId, run.id));
      expect(await metadata.run(run.id, noAbort)).toEqual({ ...run, namespaceId: request.freshNamespaceId });
      expect(await metadata.layer(aLayer('b'), noAbort)).toBeUndefined();
      expect(await metadata.run(ids.run(), noAbort)).toBeUndefined();
    });

    test('may remove layers, restore earlier ones and empty the head', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      for (const text of ['a', 'b', 'c']) await pushLayer(metadata, { volumeId, run, layer: aLayer(text) });
      const move = {
        ...pushRequest({ volumeId, run, onto: undefined, layer: aLayer('-') }),
        layer: null,
        counts: noCounts,
      };
      for (const [index, layers] of [[], [aLayer('b'), aLayer('a')], [aLayer('c')]].entries()) {
        const result = await metadata.commit({ ...move, layers, expectedGeneration: 3 + index }, noAbort);
        expect(result).toMatchObject({ kind: 'moved', head: { generation: 4 + index, layers } });
      }
      const [newest] = await metadata.history(volumeId, local, noAbort);
      expect(newest).toMatchObject({ generation: 6, layers: [aLayer('c')], layer: null });
    });

    test('may name layers of other lanes, and replacements', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('other lane'), lane: main });
      const rewritten = layerRecord(aLayer('rewritten'), volumeId, run);
      const request = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') });
      const layers = [aLayer('rewritten'), aLayer('other lane')];
      const result = await metadata.commit({ ...request, layer: null, layers, rewritten: [rewritten] }, noAbort);
      expect(result).toMatchObject({ kind: 'moved', head: { layers } });
      expect(await metadata.layer(aLayer('rewritten'), noAbort)).toEqual(rewritten);
    });

    test('may name a layer that a session pinned', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run, request } = await openOne(metadata, openRequest(ids));
      await metadata.updateSession(request.sessionId, { pins: [aLayer('pinned')] }, noAbort);
      const push = pushRequest({
        volumeId,
        run,
        onto: { generation: 0, layers: [aLayer('pinned')] },
        layer: aLayer('a'),
      });
      expect(await metadata.commit(push, noAbort)).toMatchObject({ kind: 'moved' });
    });

    test('of an unrecorded layer is a bug, and changes nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const onto = { generation: 0, layers: [aLayer('never seen')] };
      const request = pushRequest({ volumeId, run, onto, layer: aLayer('a') });
      await expect(metadata.commit(request, noAbort)).rejects.toMatchObject({ code: 'E_INTERNAL' });
      expect(await metadata.head(volumeId, local, noAbort)).toBeUndefined();
      expect(await metadata.history(volumeId, local, noAbort)).toEqual([]);
      expect(await metadata.layer(aLayer('a'), noAbort)).toBeUndefined();
    });

    test('to a removed volume is E_NOT_FOUND', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await metadata.removeVolume(volumeId, null, noAbort);
      const request = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') });
      await expect(metadata.commit(request, noAbort)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });

    test("later changes of the caller's arrays do not reach the store", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const layers = [aLayer('a')];
      await metadata.commit(
        { ...pushRequest({ volumeId, run, onto: undefined, layer: aLayer('a') }), layers },
        noAbort,
      );
      layers.push(aLayer('b'));
      expect((await metadata.head(volumeId, local, noAbort))?.layers).toEqual([aLayer('a')]);
    });
  });

  describe('history', () => {
    test('has each move, newest first', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a'), atMs: startMs });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('b'), atMs: startMs + 5 });
      const { counts } = layerRecord(aLayer('a'), volumeId, run);
      const row = { volumeId, lane: local, run, counts };
      expect(await metadata.history(volumeId, local, noAbort)).toEqual([
        { ...row, generation: 2, layers: [aLayer('b'), aLayer('a')], layer: aLayer('b'), atMs: startMs + 5 },
        { ...row, generation: 1, layers: [aLayer('a')], layer: aLayer('a'), atMs: startMs },
      ]);
      expect(await metadata.history(volumeId, main, noAbort)).toEqual([]);
    });

    test('keeps the last generations only', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const moves = limits.historyGenerations + 3;
      for (let move = 1; move <= moves; move++) await pushLayer(metadata, { volumeId, run, layer: aLayer(`${move}`) });
      const history = await metadata.history(volumeId, local, noAbort);
      expect(history.map(({ generation }) => generation)).toEqual(
        Array.from({ length: limits.historyGenerations }, (_, index) => moves - index),
      );
    });

    test('drops rows older than its window', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const times = [startMs, startMs + 1, startMs + 1 + limits.historyMs];
      for (const atMs of times) await pushLayer(metadata, { volumeId, run, layer: aLayer(`${atMs}`), atMs });
      const history = await metadata.history(volumeId, local, noAbort);
      expect(history.map(({ generation }) => generation)).toEqual([3, 2]);
    });
  });

  test('an aborted signal is E_ABORTED and changes nothing', async () => {
    await using store = await create();
    await using metadata = await store.open();
    const aborted = AbortSignal.abort();
    await expect(metadata.openSession(openRequest(ids), aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
    await expect(metadata.listHeads(aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(await metadata.listNamespaces(noAbort)).toEqual([]);
  });
}
