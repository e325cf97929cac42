import { beforeEach, describe, expect, test } from 'vitest';
import { limits, type LayerId, type Metadata, type SquashRequest } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
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
  type OpenedForTest,
} from '../metadata-builders.ts';

const hub = aRemote('hub');
const laterMs = startMs + limits.revocationMs + 1;
const named = (...texts: readonly string[]): readonly LayerId[] => texts.map(aLayer);

async function pushed(metadata: Metadata, { volumeId, run }: OpenedForTest, ...texts: readonly string[]) {
  for (const text of texts) await pushLayer(metadata, { volumeId, run, layer: aLayer(text) });
}

function squashRequest({ volumeId, run }: OpenedForTest, text: string, layers: readonly LayerId[]): SquashRequest {
  return { volumeId, lane: local, layer: layerRecord(aLayer(text), volumeId, run), layers, atMs: startMs };
}

export function squashConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('a squash', () => {
    test('replaces its layers, is recorded, and moves neither generation nor history', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId } = opened;
      await pushed(metadata, opened, 'a', 'b', 'c', 'd');
      const before = await metadata.head(volumeId, local, noAbort);
      const history = await metadata.history(volumeId, local, noAbort);
      const request = squashRequest(opened, 'S', named('c', 'b'));
      const after = { ...before, layers: named('d', 'S', 'a') };
      expect(await metadata.squash(request, noAbort)).toEqual(after);
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(after);
      expect(await metadata.history(volumeId, local, noAbort)).toEqual(history);
      expect(await metadata.layer(aLayer('S'), noAbort)).toEqual(request.layer);
      expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([
        { id: aLayer('S'), layers: named('c', 'b'), atMs: startMs },
      ]);
      expect(await metadata.squashes(volumeId, main, noAbort)).toEqual([]);
    });

    test('finds its layers in a moved head, and keeps later pushes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await using other = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      await pushed(metadata, opened, 'a', 'b');
      await pushed(other, opened, 'c', 'd');
      const head = await metadata.squash(squashRequest(opened, 'S', named('b', 'a')), noAbort);
      expect(head).toMatchObject({ generation: 4, layers: named('d', 'c', 'S') });
    });

    test.each([
      ['one of them is gone', named('b', 'x')],
      ['they have another order', named('a', 'b')],
      ['another layer is in between', named('c', 'a')],
      ['there are none', []],
    ])('changes nothing if %s', async (_, layers) => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      await pushed(metadata, opened, 'a', 'b', 'c');
      const before = await metadata.head(opened.volumeId, local, noAbort);
      expect(await metadata.squash(squashRequest(opened, 'S', layers), noAbort)).toBeUndefined();
      expect(await metadata.head(opened.volumeId, local, noAbort)).toEqual(before);
      expect(await metadata.squashes(opened.volumeId, local, noAbort)).toEqual([]);
      expect(await metadata.layer(aLayer('S'), noAbort)).toBeUndefined();
    });

    test('of a lane without a head is refused', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      expect(await metadata.squash(squashRequest(opened, 'S', named('a')), noAbort)).toBeUndefined();
    });

    test('that was collected before is refused once', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      await pushed(metadata, opened, 'a', 'b');
      await metadata.forgetLayers(named('S'), startMs, noAbort);
      const request = squashRequest(opened, 'S', named('b', 'a'));
      await expect(metadata.squash(request, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_MISSING' });
      expect(await metadata.squash(request, noAbort)).toMatchObject({ layers: named('S') });
    });

    test('keeps its replaced layers for a while, and is forgotten with them', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      await pushed(metadata, opened, 'a', 'b');
      await metadata.closeSession(opened.request.sessionId, () => undefined, noAbort);
      await metadata.squash({ ...squashRequest(opened, 'S', named('b', 'a')), atMs: startMs + 10 }, noAbort);
      expect(await metadata.forgetLayers(named('a', 'b', 'S'), laterMs + 9, noAbort)).toEqual([]);
      expect(await metadata.squashes(opened.volumeId, local, noAbort)).toHaveLength(1);
      expect(await metadata.forgetLayers(named('a', 'b', 'S'), laterMs + 10, noAbort)).toEqual(named('a', 'b'));
      expect(await metadata.squashes(opened.volumeId, local, noAbort)).toEqual([]);
      expect(await metadata.head(opened.volumeId, local, noAbort)).toMatchObject({ layers: named('S') });
    });

    test('without its remote record stays known, though the replaced layers are collected', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId } = opened;
      await pushed(metadata, opened, 'a', 'b');
      await metadata.closeSession(opened.request.sessionId, () => undefined, noAbort);
      await metadata.recordSynced(syncedRequest({ volumeId, layers: named('a', 'b') }), noAbort);
      await metadata.squash(squashRequest(opened, 'S', named('b', 'a')), noAbort);
      expect(await metadata.forgetLayers(named('a', 'b'), laterMs, noAbort)).toEqual(named('a', 'b'));
      expect(await metadata.squashes(volumeId, local, noAbort)).toHaveLength(1);

      const heard = syncedRequest({ volumeId, layers: named('a', 'b', 'S'), expectedRevision: 1 });
      await metadata.recordSynced(heard, noAbort);
      await metadata.forgetLayers([], laterMs, noAbort);
      expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([]);
      // From now on under its own name only.
      expect(await metadata.syncedHead(hub, volumeId, local, noAbort)).toMatchObject({
        layers: named('S'),
        revision: 3,
        atMs: laterMs,
      });
    });

    test('from a remote is recorded with its parts; a known one stays unchanged', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId } = opened;
      await pushed(metadata, opened, 'a', 'b');
      await metadata.squash(squashRequest(opened, 'S', named('b', 'a')), noAbort);
      const squashes = [
        { id: aLayer('S'), layers: named('x'), atMs: startMs + 1 },
        { id: aLayer('T'), layers: named('z', 'y'), atMs: startMs + 2 },
      ];
      await metadata.recordSynced({ ...syncedRequest({ volumeId, layers: [] }), squashes }, noAbort);
      expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([
        { id: aLayer('S'), layers: named('b', 'a'), atMs: startMs },
        squashes[1],
      ]);
    });

    test('is removed with its lane, and with its volume', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const opened = await openOne(metadata, openRequest(ids));
      const { volumeId } = opened;
      const squashes = [{ id: aLayer('T'), layers: named('z', 'y'), atMs: startMs }];
      for (const lane of [local, main]) {
        await metadata.recordSynced({ ...syncedRequest({ volumeId, lane, layers: [] }), squashes }, noAbort);
      }
      await pushed(metadata, opened, 'a');
      await metadata.removeVolume(volumeId, main, noAbort);
      expect(await metadata.squashes(volumeId, local, noAbort)).toEqual(squashes);
      expect(await metadata.squashes(volumeId, main, noAbort)).toEqual([]);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.squashes(volumeId, local, noAbort)).toEqual([]);
    });
  });
}
