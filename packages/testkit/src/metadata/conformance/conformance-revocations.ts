import { beforeEach, describe, expect, test } from 'vitest';
import { limits } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aNamespace,
  countingIds,
  local,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  startMs,
  web,
} from '../metadata-builders.ts';

const dayMs = 86_400_000;

export function revocationConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('reads of runs', () => {
    test('are the heads that their sessions found of each volume, on all lanes of the chain', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const chain = [local, main].map((lane) => ({ namespace: web, lane }));
      const first = await openOne(metadata, openRequest(ids, { volumes: [{ chain }] }));
      const { volumeId, run } = first;
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('m'), lane: main });
      expect(await metadata.listReads(noAbort)).toEqual([]);
      const request = openRequest(ids, { volumes: [{ chain }], atMs: startMs + 1 });
      const reader = await openOne(metadata, request);
      const read = { run: reader.run, volumeId, layers: [aLayer('a'), aLayer('m')].toSorted(), atMs: startMs + 1 };
      expect(await metadata.listReads(noAbort)).toEqual([read]);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.listReads(noAbort)).toEqual([read]);
    });

    test('grow when a run opens a volume again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const request = openRequest(ids);
      await openOne(metadata, request);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('b') });
      await openOne(metadata, { ...request, sessionId: ids.session(), atMs: startMs + 5 });
      expect(await metadata.listReads(noAbort)).toEqual([
        { run: request.run.id, volumeId, layers: [aLayer('a'), aLayer('b')].toSorted(), atMs: startMs + 5 },
      ]);
    });

    test('can be read for one run and one volume', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const others = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'other' }] }));
      await pushLayer(metadata, { volumeId: others.volumeId, run: others.run, layer: aLayer('b') });
      const reader = await openOne(metadata, openRequest(ids));
      await openOne(metadata, openRequest(ids, { volumes: [{ name: 'other' }] }));
      const read = { run: reader.run, volumeId, layers: [aLayer('a')], atMs: startMs };
      expect(await metadata.readsOf(reader.run, volumeId, noAbort)).toEqual(read);
      expect(await metadata.readsOf(reader.run, others.volumeId, noAbort)).toBeUndefined();
      expect(await metadata.readsOf(run, volumeId, noAbort)).toBeUndefined();
    });

    test('are not recorded for a session that shows its command nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await openOne(metadata, openRequest(ids, { reads: false }));
      expect(await metadata.listReads(noAbort)).toEqual([]);
    });

    test('expire, and their run stays known until then', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const request = openRequest(ids);
      await openOne(metadata, request);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await metadata.forgetLayers([], startMs + limits.readsMs, noAbort);
      expect(await metadata.listReads(noAbort)).toHaveLength(1);
      expect(await metadata.run(request.run.id, noAbort)).toBeDefined();
      await metadata.forgetLayers([], startMs + limits.readsMs + 1, noAbort);
      expect(await metadata.listReads(noAbort)).toEqual([]);
      expect(await metadata.run(request.run.id, noAbort)).toBeUndefined();
    });
  });

  describe('a revoked run', () => {
    test('is recorded once, and listed latest first', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const [one, other] = [ids.run(), ids.run()];
      const first = { run: one, atMs: startMs, by: 'ann', namespaceId: null };
      const second = { run: other, atMs: startMs + 1, by: 'ben', namespaceId: null };
      await metadata.revokeRuns([first], noAbort);
      await metadata.revokeRuns([second, { run: one, atMs: startMs + 2, by: 'cy', namespaceId: null }], noAbort);
      expect(await metadata.revokedRuns('all', noAbort)).toEqual([second, first]);
    });

    test('cannot commit any more', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const head = await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.revokeRuns([{ run, atMs: startMs, by: 'ann', namespaceId: null }], noAbort);
      const push = pushRequest({ volumeId, run, onto: head, layer: aLayer('b') });
      await expect(metadata.commit(push, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_REFUSED' });
      expect(await metadata.head(volumeId, local, noAbort)).toEqual(head);
    });

    test("reported by a head counts for that head's namespace only", async () => {
      await using store = await create();
      await using metadata = await store.open();
      const own = await openOne(metadata, openRequest(ids));
      const { run } = own;
      const other = openRequest(ids, { namespace: aNamespace('github.com/acme/api') });
      const there = (await openOne(metadata, other)).opened.volume;
      const told = { run, atMs: startMs, by: 'mallory', namespaceId: there.namespaceId };
      await metadata.revokeRuns([told], noAbort);
      expect(await metadata.revokedRuns(own.opened.volume.namespaceId, noAbort)).toEqual([]);
      expect(await metadata.revokedRuns(there.namespaceId, noAbort)).toEqual([told]);
      const head = await pushLayer(metadata, { volumeId: own.volumeId, run, layer: aLayer('a') });
      const push = pushRequest({ volumeId: there.id, run, onto: undefined, layer: aLayer('a') });
      await expect(metadata.commit(push, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_REFUSED' });
      // A local revocation counts for both namespaces, in addition to the reported one.
      const said = { ...told, by: 'ann', namespaceId: null };
      await metadata.revokeRuns([said], noAbort);
      await metadata.revokeRuns([{ ...told, namespaceId: own.opened.volume.namespaceId }], noAbort);
      expect(await metadata.revokedRuns(own.opened.volume.namespaceId, noAbort)).toEqual([said]);
      expect(await metadata.revokedRuns('all', noAbort)).toEqual([said, told]);
      const more = pushRequest({ volumeId: own.volumeId, run, onto: head, layer: aLayer('b') });
      await expect(metadata.commit(more, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_REFUSED' });
    });

    test('stays known', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids);
      const { run } = await openOne(metadata, request);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await metadata.revokeRuns([{ run, atMs: startMs, by: 'ann', namespaceId: null }], noAbort);
      await metadata.forgetLayers([], startMs + 1000 * dayMs, noAbort);
      expect(await metadata.run(run, noAbort)).toBeDefined();
      expect(await metadata.revokedRuns('all', noAbort)).toHaveLength(1);
    });
  });

  test('runs are found by id prefix, ten at most', async () => {
    await using store = await create();
    await using metadata = await store.open();
    const runs = [];
    for (let count = 0; count < 12; count++) runs.push((await openOne(metadata, openRequest(ids))).run);
    const found = async (prefix: string) => (await metadata.findRuns(prefix, noAbort)).map(({ id }) => id);
    expect(await found('run_')).toEqual(runs.toSorted().slice(0, 10));
    expect(await found(runs[11] ?? '')).toEqual([runs[11]]);
    for (const prefix of ['run_f', 'RUN_', '%', '_un_']) expect(await found(prefix)).toEqual([]);
  });
}
