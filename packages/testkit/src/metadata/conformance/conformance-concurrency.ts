import { beforeEach, describe, expect, test } from 'vitest';
import { digestOf, type LayerId, type Metadata } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aRemote,
  countingIds,
  local,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  startMs,
  syncedRequest,
  web,
} from '../metadata-builders.ts';

const writers = 8;
const pushes = 6;

export function concurrencyConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('concurrent calls', () => {
    test('sessions that open a new namespace together agree on its id and volume', async () => {
      await using store = await create();
      const opened = await Promise.all(
        Array.from({ length: writers }, async () => {
          await using metadata = await store.open();
          return await metadata.openSession(openRequest(ids), noAbort);
        }),
      );
      expect(new Set(opened.map(({ namespace }) => namespace.id)).size).toBe(1);
      expect(new Set(opened.map(({ volumes }) => volumes[0]?.volume.id)).size).toBe(1);
    });

    test('no push is lost, and generations have no gaps', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await openOne(metadata, openRequest(ids));
      const push = async (writer: number) => {
        await using own = await store.open();
        const { run } = await openOne(own, openRequest(ids));
        const generations: number[] = [];
        for (let index = 0; index < pushes; index++) {
          const head = await pushLayer(own, { volumeId, run, layer: aLayer(`${writer}-${index}`) });
          generations.push(head.generation);
        }
        return generations;
      };
      const generations = (await Promise.all(Array.from({ length: writers }, (_, writer) => push(writer)))).flat();
      const total = writers * pushes;
      expect(generations.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
      const head = await metadata.head(volumeId, local, noAbort);
      expect(head?.generation).toBe(total);
      expect(new Set(head?.layers).size).toBe(total);
    });

    test('no sync record is lost, with or without a move of the head', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      const remote = aRemote('hub');
      /** Returns whether it succeeded: another writer may have been first. */
      const add = async (own: Metadata, layer: LayerId, withHead: boolean): Promise<boolean> => {
        const record = await own.syncedHead(remote, volumeId, local, noAbort);
        const synced = { remote, layers: [layer, ...(record?.layers ?? [])], expectedRevision: record?.revision ?? 0 };
        if (!withHead) return await own.recordSynced(syncedRequest({ volumeId, ...synced }), noAbort);
        const onto = await own.head(volumeId, local, noAbort);
        return (await own.commit({ ...pushRequest({ volumeId, run, onto, layer }), synced }, noAbort)).kind === 'moved';
      };
      const write = async (writer: number): Promise<void> => {
        await using own = await store.open();
        for (let index = 0; index < pushes; index++) {
          while (!(await add(own, aLayer(`${writer}-${index}`), writer % 2 === 0)));
        }
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      const record = await metadata.syncedHead(remote, volumeId, local, noAbort);
      const total = writers * pushes;
      expect(record?.revision).toBe(total);
      expect(new Set(record?.layers).size).toBe(total);
      const head = await metadata.head(volumeId, local, noAbort);
      expect(head?.generation).toBe(total / 2);
      expect(record?.layers).toEqual(expect.arrayContaining([...(head?.layers ?? [])]));
    });

    test('no catalog version is lost or used twice', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = { path: web, freshId: ids.namespace(), atMs: startMs };
      const { id: namespaceId } = (await metadata.createNamespace(request, noAbort)).namespace;
      const publish = async (writer: number): Promise<readonly number[]> => {
        await using own = await store.open();
        const versions: number[] = [];
        while (versions.length < pushes) {
          const latest = await own.catalogVersion(namespaceId, null, noAbort);
          const text = `${writer}-${versions.length}`;
          const content = { namespaceId, text, digest: digestOf(text), publishedAtMs: startMs, by: 'ann' };
          const result = await own.publishCatalog({ ...content, expectedVersion: latest?.version ?? 0 }, noAbort);
          if (result.kind !== 'conflict') versions.push(result.record.version);
          // Removing the latest version must not free its number.
          if (result.kind === 'published' && versions.length % 3 === 0) {
            await own.removeCatalogVersion(namespaceId, result.record.version, noAbort);
          }
        }
        return versions;
      };
      const published = (await Promise.all(Array.from({ length: writers }, (_, writer) => publish(writer)))).flat();
      const total = writers * pushes;
      expect(published.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
      expect(await metadata.catalogVersions(namespaceId, noAbort)).toHaveLength((total * 2) / 3);
    });

    test('concurrent grants and removals of their owner leave nothing behind', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const to = { namespace: web, below: true };
      const grant = async (own: Metadata): Promise<boolean> => {
        const request = { path: web, freshId: ids.namespace(), atMs: startMs };
        const { id: ownerId } = (await own.createNamespace(request, noAbort)).namespace;
        const row = { ownerId, volume: null, to, access: 'read', trust: 'T1', atMs: startMs, by: 'ann' } as const;
        try {
          await own.putGrant(row, noAbort);
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_NOT_FOUND' });
          return false;
        } finally {
          await own.releaseNamespace(ownerId, noAbort);
        }
      };
      const turns = Array.from({ length: writers }, async () => {
        await using own = await store.open();
        const granted: boolean[] = [];
        for (let index = 0; index < pushes; index++) granted.push(await grant(own));
        return granted;
      });
      expect((await Promise.all(turns)).flat()).toContain(true);
      expect(await metadata.grantsTo([web], noAbort)).toEqual([]);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
    });

    test('a pinned layer is never forgotten, in any interleaving of opens and collections', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = await openOne(metadata, openRequest(ids));
      const head = await pushLayer(metadata, { volumeId: first.volumeId, run: first.run, layer: aLayer('a') });
      await metadata.closeSession(first.request.sessionId, () => undefined, noAbort);

      const open = async () => {
        await using own = await store.open();
        return (await openOne(own, openRequest(ids))).opened.pinned.flatMap(({ layers }) => layers);
      };
      const collect = async () => {
        await using own = await store.open();
        const volume = await own.listVolumes(noAbort);
        for (const { id } of volume) await own.removeVolume(id, local, noAbort);
        return await own.forgetLayers(head.layers, startMs, noAbort);
      };
      const pinned: Promise<readonly LayerId[]>[] = [open(), open()];
      const forgotten = collect();
      pinned.push(open(), open());
      const kept = new Set((await Promise.all(pinned)).flat());
      for (const id of await forgotten) expect(kept).not.toContain(id);
    });
  });
}
