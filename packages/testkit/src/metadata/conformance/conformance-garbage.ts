import { beforeEach, describe, expect, test } from 'vitest';
import { limits, type LayerId } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  countingIds,
  local,
  noAbort,
  noCounts,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  startMs,
} from '../metadata-builders.ts';

const dayMs = 86_400_000;
const laterMs = startMs + limits.historyMs + dayMs;

const names = (...texts: readonly string[]): readonly LayerId[] => texts.map(aLayer).toSorted();

export function garbageConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('references', () => {
    test('are heads, recent history and pins', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run, request } = await openOne(metadata, openRequest(ids));
      const only = async (text: string, atMs: number) => {
        const head = await metadata.head(volumeId, local, noAbort);
        const push = pushRequest({
          volumeId,
          run,
          onto: { generation: head?.generation ?? 0, layers: [] },
          layer: aLayer(text),
          atMs,
        });
        await metadata.commit(push, noAbort);
      };
      await only('old', startMs);
      await only('recent', startMs + dayMs);
      await only('head', startMs + dayMs);
      await metadata.updateSession(request.sessionId, { pins: [aLayer('pinned')] }, noAbort);

      const referenced = async (nowMs: number) => [...(await metadata.referencedLayers(nowMs, noAbort))].toSorted();
      expect(await referenced(startMs + limits.historyMs)).toEqual(names('old', 'recent', 'head', 'pinned'));
      expect(await referenced(startMs + limits.historyMs + 1)).toEqual(names('recent', 'head', 'pinned'));
      expect(await referenced(startMs + limits.historyMs + dayMs + 1)).toEqual(names('head', 'pinned'));
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await referenced(startMs + limits.historyMs + dayMs + 1)).toEqual(names('head'));
    });

    test('a layer that history names as pushed stays, even if no head had it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const push = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('lost') });
      await metadata.commit({ ...push, layers: [] }, noAbort);
      expect([...(await metadata.referencedLayers(startMs, noAbort))]).toEqual([aLayer('lost')]);
    });
  });

  describe('forgetting', () => {
    test('takes exactly the candidates without references, recorded or not', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const removed = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      await pushLayer(metadata, { volumeId: removed.volumeId, run: removed.run, layer: aLayer('b') });
      await pushLayer(metadata, { volumeId: removed.volumeId, run: removed.run, layer: aLayer('not asked for') });
      await metadata.removeVolume(removed.volumeId, null, noAbort);

      const candidates = [aLayer('a'), aLayer('b'), aLayer('never committed')];
      const forgotten = await metadata.forgetLayers(candidates, startMs, noAbort);
      expect(forgotten.toSorted()).toEqual([aLayer('b'), aLayer('never committed')].toSorted());
      expect(await metadata.layer(aLayer('b'), noAbort)).toBeUndefined();
      expect(await metadata.layer(aLayer('a'), noAbort)).toBeDefined();
      expect(await metadata.layer(aLayer('not asked for'), noAbort)).toBeDefined();
    });

    test('a layer that a session pinned at open stays until it closes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const writer = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId: writer.volumeId, run: writer.run, layer: aLayer('a') });
      const reader = await openOne(metadata, openRequest(ids));
      await metadata.removeVolume(writer.volumeId, null, noAbort);
      expect(await metadata.forgetLayers([aLayer('a')], laterMs, noAbort)).toEqual([]);
      await metadata.closeSession(reader.request.sessionId, () => undefined, noAbort);
      expect(await metadata.forgetLayers([aLayer('a')], laterMs, noAbort)).toEqual([aLayer('a')]);
    });

    test('drops expired history with the layers that only it named', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const first = await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const push = pushRequest({
        volumeId,
        run,
        onto: { generation: first.generation, layers: [] },
        layer: aLayer('b'),
      });
      await metadata.commit({ ...push, atMs: startMs + dayMs }, noAbort);
      expect(await metadata.forgetLayers([aLayer('a')], startMs + dayMs, noAbort)).toEqual([]);
      expect(await metadata.forgetLayers([aLayer('a')], startMs + limits.historyMs + 1, noAbort)).toEqual([
        aLayer('a'),
      ]);
      const history = await metadata.history(volumeId, local, noAbort);
      expect(history.map(({ generation }) => generation)).toEqual([2]);
    });

    test('a layer that was forgotten before its commit is refused until it is published again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      expect(await metadata.forgetLayers([aLayer('slow')], startMs, noAbort)).toEqual([aLayer('slow')]);
      const push = pushRequest({ volumeId, run, onto: undefined, layer: aLayer('slow') });
      await expect(metadata.commit(push, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_MISSING' });
      expect(await metadata.head(volumeId, local, noAbort)).toBeUndefined();
      expect(await metadata.commit(push, noAbort)).toMatchObject({ kind: 'moved' });
    });

    test('a forgotten layer cannot be named again without its record', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const empty = {
        ...pushRequest({ volumeId, run, onto: undefined, layer: aLayer('-') }),
        layer: null,
        counts: noCounts,
      };
      await metadata.commit({ ...empty, layers: [], expectedGeneration: 1 }, noAbort);
      expect(await metadata.forgetLayers([aLayer('a')], laterMs, noAbort)).toEqual([aLayer('a')]);
      const back = { ...empty, layers: [aLayer('a')], expectedGeneration: 2 };
      await expect(metadata.commit(back, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_MISSING' });
      await expect(metadata.commit(back, noAbort)).rejects.toMatchObject({ code: 'E_INTERNAL' });
      expect(await metadata.head(volumeId, local, noAbort)).toMatchObject({ generation: 2, layers: [] });
    });

    test('runs with saved layers stay; others are removed with history', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const saved = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId: saved.volumeId, run: saved.run, layer: aLayer('a') });
      const idle = await openOne(metadata, openRequest(ids, { reads: false }));
      const living = await openOne(metadata, openRequest(ids));
      for (const { request } of [saved, idle]) await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await metadata.forgetLayers([], startMs + dayMs, noAbort);
      expect(await metadata.run(idle.run, noAbort)).toBeDefined();
      await metadata.forgetLayers([], laterMs, noAbort);
      expect(await metadata.run(idle.run, noAbort)).toBeUndefined();
      expect(await metadata.run(saved.run, noAbort)).toBeDefined();
      expect(await metadata.run(living.run, noAbort)).toBeDefined();
    });
  });
}
