import { beforeEach, describe, expect, test } from 'vitest';
import { digestOf, type Metadata, type Namespace, type NamespaceId } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import { crashingMetadata, SimulatedCrash, type CrashPoint } from '../crashing-metadata.ts';
import {
  aLayer,
  aNamespace,
  aRemote,
  countingIds,
  local,
  noAbort,
  noCounts,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  remoteRun,
  startMs,
  web,
  type TestIds,
} from '../metadata-builders.ts';

/** One run from open to close. Its layer is named by its run id, so each run saves its own. */
async function runOnce(metadata: Metadata, ids: TestIds): Promise<void> {
  const { request, volumeId, run } = await openOne(metadata, openRequest(ids, { targets: ['/a/b'] }));
  await metadata.updateSession(request.sessionId, { madeDirs: ['/a', '/a/b'], place: 'mnt:1' }, noAbort);
  await metadata.updateSession(request.sessionId, { pins: [aLayer(run)] }, noAbort);
  await pushLayer(metadata, { volumeId, run, layer: aLayer(run) });
  await metadata.closeSession(request.sessionId, () => undefined, noAbort);
}

const hub = aRemote('hub');
const consumer = aNamespace('github.com/acme/consumer');

/** Pulls a layer and then loses the layers below. Each move of the head changes its record. */
async function syncOnce(metadata: Metadata, ids: TestIds): Promise<void> {
  const { request, volumeId, run } = await openOne(metadata, openRequest(ids));
  const head = await metadata.head(volumeId, local, noAbort);
  const record = await metadata.syncedHead(hub, volumeId, local, noAbort);
  const layer = aLayer(run);
  const push = pushRequest({ volumeId, run, onto: head, layer });
  const synced = { remote: hub, layers: push.layers, expectedRevision: record?.revision ?? 0 };
  await metadata.commit({ ...push, runs: [remoteRun(ids)], synced }, noAbort);
  if (head !== undefined) {
    const expectedGeneration = push.expectedGeneration + 1;
    const loss = { layer: null, layers: [layer], lost: head.layers, counts: noCounts };
    await metadata.commit({ ...push, ...loss, expectedGeneration }, noAbort);
  }
  await metadata.closeSession(request.sessionId, () => undefined, noAbort);
}

/** Shares and offers something, uses it and removes it, each time under the same path. */
async function shareOnce(metadata: Metadata, ids: TestIds): Promise<void> {
  const made = async (path: Namespace): Promise<NamespaceId> =>
    (await metadata.createNamespace({ path, freshId: ids.namespace(), atMs: startMs }, noAbort)).namespace.id;
  const to = { namespace: consumer, below: true };
  const [id, consumerId] = [await made(web), await made(consumer)];
  const said = { volume: null, atMs: startMs, by: 'ann' };
  await metadata.putGrant({ ...said, ownerId: id, to, access: 'read', trust: 'T1' }, noAbort);
  await metadata.putFeed({ ...said, tierId: id, from: to, lanes: 'default' }, noAbort);
  const content = { namespaceId: id, text: '{}', digest: digestOf('{}'), publishedAtMs: startMs, by: 'ann' };
  await metadata.publishCatalog({ ...content, expectedVersion: 0 }, noAbort);
  const use = { namespaceId: id, definition: 'npm', version: 1, consumerId, volumeId: null, atMs: startMs };
  await metadata.noteCatalogUse(use, noAbort);
  await metadata.releaseNamespace(id, noAbort);
}

/** Points before and after each operation of an undisturbed run after the first. */
async function crashPointsOf(
  create: MetadataFactory,
  work: (metadata: Metadata) => Promise<void>,
): Promise<readonly CrashPoint[]> {
  await using undisturbed = await create();
  await using first = await undisturbed.open();
  await work(first);
  await using counting = crashingMetadata(await undisturbed.open(), { operation: 0, when: 'before' });
  await work(counting);
  return Array.from({ length: counting.operations }, (_, index) => index + 1).flatMap((operation) => [
    { operation, when: 'before' },
    { operation, when: 'after' },
  ]);
}

export function crashConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('a process that dies', () => {
    test('at any operation leaves the old or the new head, and a session that can be closed', async () => {
      const points = await crashPointsOf(create, async (metadata) => {
        await runOnce(metadata, ids);
      });
      expect(points.length).toBeGreaterThanOrEqual(12);

      await using store = await create();
      let generation = 0;
      for (const point of points) {
        await using victim = crashingMetadata(await store.open(), point);
        await expect(runOnce(victim, ids)).rejects.toBeInstanceOf(SimulatedCrash);

        await using metadata = await store.open();
        const [head] = await metadata.listHeads(noAbort);
        const moved = (head?.generation ?? 0) - generation;
        expect([0, 1]).toContain(moved);
        generation += moved;
        expect(new Set(head?.layers).size).toBe(generation);
        for (const id of head?.layers ?? []) expect(await metadata.layer(id, noAbort)).toBeDefined();

        const removed: string[] = [];
        for (const { id } of await metadata.listSessions(noAbort)) {
          await metadata.closeSession(id, (dirs) => removed.push(...dirs), noAbort);
        }
        expect([[], ['/a/b', '/a']]).toContainEqual(removed);
        expect(await metadata.listSessions(noAbort)).toEqual([]);
      }
      await using metadata = await store.open();
      const [volume] = await metadata.listVolumes(noAbort);
      expect(volume && (await metadata.head(volume.id, local, noAbort))?.generation).toBe(generation);
    });

    test('at any operation of a sync leaves a head and a matching record', async () => {
      const points = await crashPointsOf(create, async (metadata) => {
        await syncOnce(metadata, ids);
      });
      expect(points.length).toBeGreaterThanOrEqual(12);

      await using store = await create();
      const moves = new Set<number>();
      let generation = 0;
      for (const point of points) {
        await using victim = crashingMetadata(await store.open(), point);
        await expect(syncOnce(victim, ids)).rejects.toBeInstanceOf(SimulatedCrash);

        await using metadata = await store.open();
        const [head] = await metadata.listHeads(noAbort);
        const [record] = await metadata.listSyncedHeads(null, noAbort);
        expect(record?.layers).toEqual(head?.layers.toSorted());
        expect(record?.revision).toBe(head?.generation);
        moves.add((head?.generation ?? 0) - generation);
        generation = head?.generation ?? 0;
      }
      expect(moves).toEqual(new Set([0, 1, 2]));
    });

    test('at any operation of sharing leaves all of it with its owner, or nothing', async () => {
      const points = await crashPointsOf(create, async (metadata) => {
        await shareOnce(metadata, ids);
      });
      expect(points.length).toBe(14);

      await using store = await create();
      const seen: number[] = [];
      for (const point of points) {
        await using victim = crashingMetadata(await store.open(), point);
        await expect(shareOnce(victim, ids)).rejects.toBeInstanceOf(SimulatedCrash);

        await using metadata = await store.open();
        const owner = await metadata.findNamespace(web, noAbort);
        const grants = await metadata.grantsTo([consumer], noAbort);
        const catalogs = await metadata.listCatalogs(noAbort);
        for (const { ownerId } of grants) expect(ownerId).toBe(owner?.id);
        for (const { namespaceId } of catalogs) expect(namespaceId).toBe(owner?.id);
        const id = owner?.id ?? ids.namespace();
        const [feeds, uses] = [await metadata.feedsOf(id, noAbort), await metadata.catalogUses(id, null, noAbort)];
        seen.push(grants.length + feeds.length + catalogs.length + uses.length);
        await metadata.releaseNamespace(id, noAbort);
      }
      expect(seen).toEqual([0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0]);
    });
  });
}
