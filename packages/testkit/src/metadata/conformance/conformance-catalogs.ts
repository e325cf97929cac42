import { beforeEach, describe, expect, test } from 'vitest';
import {
  digestOf,
  limits,
  type CatalogRecord,
  type CatalogUse,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type PublishRequest,
} from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aNamespace,
  countingIds,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  startMs,
  web,
  type TestIds,
} from '../metadata-builders.ts';

const acme = aNamespace('github.com/acme');
const other = aNamespace('github.com/acme/other');

function publishing(namespaceId: NamespaceId, text: string, expectedVersion = 0): PublishRequest {
  return { namespaceId, text, digest: digestOf(text), expectedVersion, publishedAtMs: startMs, by: 'ann' };
}

function recordOf({ expectedVersion: _, ...content }: PublishRequest, version: number): CatalogRecord {
  return { ...content, version };
}

function listedOf(request: PublishRequest, version: number): Omit<CatalogRecord, 'text'> {
  const { text: _, ...listed } = recordOf(request, version);
  return listed;
}

function aUse(namespaceId: NamespaceId, consumerId: NamespaceId, options: Partial<CatalogUse> = {}): CatalogUse {
  const use = { namespaceId, consumerId, definition: 'npm', version: 1, volumeId: null, atMs: startMs };
  return { ...use, ...options };
}

async function created(metadata: Metadata, ids: TestIds, path: Namespace): Promise<NamespaceId> {
  const request = { path, freshId: ids.namespace(), atMs: startMs };
  return (await metadata.createNamespace(request, noAbort)).namespace.id;
}

export function catalogConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('catalogs', () => {
    test('have a version for each content, and return all of them', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const [first, second] = [publishing(id, 'a'), publishing(id, 'b', 1)];
      expect(await metadata.catalogVersion(id, null, noAbort)).toBeUndefined();
      const published = await metadata.publishCatalog(first, noAbort);
      expect(published).toEqual({ kind: 'published', record: recordOf(first, 1) });
      expect(await metadata.publishCatalog(second, noAbort)).toMatchObject({
        kind: 'published',
        record: { version: 2 },
      });
      expect(await metadata.catalogVersion(id, 1, noAbort)).toEqual(recordOf(first, 1));
      expect(await metadata.catalogVersion(id, 2, noAbort)).toEqual(recordOf(second, 2));
      expect(await metadata.catalogVersion(id, null, noAbort)).toEqual(recordOf(second, 2));
      for (const version of [0, 3]) expect(await metadata.catalogVersion(id, version, noAbort)).toBeUndefined();
      expect(await metadata.catalogVersions(id, noAbort)).toEqual([listedOf(second, 2), listedOf(first, 1)]);
      expect(await metadata.catalogVersions(ids.namespace(), noAbort)).toEqual([]);
      expect(await metadata.catalogVersion(ids.namespace(), null, noAbort)).toBeUndefined();
    });

    test('keep the latest version if the content is the same, whatever the publisher', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      for (const expectedVersion of [0, 1, 7]) {
        const again = { ...publishing(id, 'a', expectedVersion), by: 'ben', publishedAtMs: startMs + 1 };
        const same = { kind: 'same', record: recordOf(publishing(id, 'a'), 1) };
        expect(await metadata.publishCatalog(again, noAbort)).toEqual(same);
      }
      // An earlier version's content counts as new again.
      await metadata.publishCatalog(publishing(id, 'b', 1), noAbort);
      const back = await metadata.publishCatalog(publishing(id, 'a', 2), noAbort);
      expect(back).toMatchObject({ kind: 'published', record: { version: 3 } });
    });

    test('are not published over a version that the publisher did not see', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const none = await metadata.publishCatalog(publishing(id, 'b', 1), noAbort);
      expect(none).toEqual({ kind: 'conflict', record: null });
      await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      for (const expectedVersion of [0, 2]) {
        const late = await metadata.publishCatalog(publishing(id, 'b', expectedVersion), noAbort);
        expect(late).toEqual({ kind: 'conflict', record: recordOf(publishing(id, 'a'), 1) });
      }
      expect(await metadata.catalogVersions(id, noAbort)).toHaveLength(1);
    });

    test('never reuse a version number, even of a removed version', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      for (const [seen, text] of ['a', 'b', 'c'].entries()) {
        await metadata.publishCatalog(publishing(id, text, seen), noAbort);
      }
      expect(await metadata.removeCatalogVersion(id, 1, noAbort)).toBe(true);
      expect(await metadata.removeCatalogVersion(id, 1, noAbort)).toBe(false);
      expect(await metadata.catalogVersion(id, 1, noAbort)).toBeUndefined();
      expect(await metadata.catalogVersion(id, null, noAbort)).toMatchObject({ version: 3 });
      expect(await metadata.removeCatalogVersion(id, 3, noAbort)).toBe(true);
      expect(await metadata.catalogVersion(id, null, noAbort)).toMatchObject({ version: 2, text: 'b' });
      const next = await metadata.publishCatalog(publishing(id, 'd', 2), noAbort);
      expect(next).toMatchObject({ kind: 'published', record: { version: 4 } });
      for (const version of [2, 4]) await metadata.removeCatalogVersion(id, version, noAbort);
      expect(await metadata.listCatalogs(noAbort)).toEqual([]);
      expect(await metadata.nextCatalogVersion(id, noAbort)).toBe(5);
      expect(await metadata.nextCatalogVersion(ids.namespace(), noAbort)).toBe(1);
      const anew = await metadata.publishCatalog(publishing(id, 'd'), noAbort);
      expect(anew).toMatchObject({ kind: 'published', record: { version: 5 } });
    });

    test('are listed by their latest versions', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const [first, second] = [await created(metadata, ids, web), await created(metadata, ids, acme)];
      await created(metadata, ids, other);
      await metadata.publishCatalog(publishing(second, 'a'), noAbort);
      await metadata.publishCatalog(publishing(first, 'a'), noAbort);
      await metadata.publishCatalog(publishing(first, 'b', 1), noAbort);
      const listed = [listedOf(publishing(first, 'b'), 2), listedOf(publishing(second, 'a'), 1)];
      expect(await metadata.listCatalogs(noAbort)).toEqual(listed);
    });

    test('need an existing namespace, and are removed with it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const missing = metadata.publishCatalog(publishing(ids.namespace(), 'a'), noAbort);
      await expect(missing).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      const id = await created(metadata, ids, acme);
      await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      await metadata.releaseNamespace(id, noAbort);
      expect(await metadata.catalogVersion(id, 1, noAbort)).toBeUndefined();
      const later = await created(metadata, ids, acme);
      expect(await metadata.catalogVersions(later, noAbort)).toEqual([]);
      expect(await metadata.listCatalogs(noAbort)).toEqual([]);
    });

    test('are removed with a released namespace, and version numbers are not reused', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const consumer = await created(metadata, ids, web);
      await openOne(metadata, openRequest(ids, { namespace: acme }));
      await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      for (const use of [aUse(id, consumer), aUse(consumer, id)]) await metadata.noteCatalogUse(use, noAbort);
      await metadata.releaseNamespace(id, noAbort);
      expect(await metadata.catalogVersions(id, noAbort)).toEqual([]);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([]);
      // A later namespace of that name does not inherit the uses.
      expect(await metadata.catalogUses(consumer, null, noAbort)).toEqual([]);
      const anew = await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      expect(anew).toMatchObject({ kind: 'published', record: { version: 2 } });
    });

    test('stay with a renamed namespace, and protect its only name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      await metadata.publishCatalog(publishing(id, 'a'), noAbort);
      await created(metadata, ids, web);
      const taken = metadata.aliasNamespace(web, acme, noAbort);
      await expect(taken).rejects.toMatchObject({ code: 'E_NAMESPACE' });
      await metadata.aliasNamespace(acme, other, noAbort);
      await metadata.aliasNamespace(web, acme, noAbort);
      expect(await metadata.catalogVersions(id, noAbort)).toHaveLength(1);
      await metadata.removeCatalogVersion(id, 1, noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      expect(await metadata.namespace(id, noAbort)).toBeUndefined();
    });
  });

  describe('uses of definitions', () => {
    test('keep the last one of each consumer and definition, in order', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const [first, second] = [await created(metadata, ids, web), await created(metadata, ids, other)];
      const uses = [
        aUse(id, first, { version: 2, atMs: startMs - 1 }),
        aUse(id, second),
        aUse(id, first, { definition: 'pip' }),
      ];
      await metadata.noteCatalogUse(aUse(id, first), noAbort);
      for (const use of uses.toReversed()) await metadata.noteCatalogUse(use, noAbort);
      await metadata.noteCatalogUse(aUse(first, id), noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual(uses);
      expect(await metadata.catalogUses(id, 'npm', noAbort)).toEqual(uses.slice(0, 2));
      expect(await metadata.catalogUses(id, 'go', noAbort)).toEqual([]);
      expect(await metadata.catalogUses(ids.namespace(), null, noAbort)).toEqual([]);
    });

    test('name the volume as long as it exists', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const consumer = await created(metadata, ids, web);
      const { request, volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      const use = aUse(id, consumer, { volumeId });
      await metadata.noteCatalogUse(use, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([use]);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([{ ...use, volumeId: null }]);
      await metadata.noteCatalogUse(use, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([{ ...use, volumeId: null }]);
    });

    test('are removed with consumer or publisher, but not with a version', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const [first, second] = [await created(metadata, ids, web), await created(metadata, ids, other)];
      for (const use of [aUse(id, first), aUse(first, second), aUse(id, second), aUse(second, id)]) {
        await metadata.noteCatalogUse(use, noAbort);
      }
      for (const use of [aUse(id, ids.namespace()), aUse(ids.namespace(), id)]) {
        await metadata.noteCatalogUse(use, noAbort);
        expect(await metadata.catalogUses(use.namespaceId, null, noAbort)).not.toContainEqual(use);
      }
      await metadata.releaseNamespace(first, noAbort);
      expect(await metadata.catalogUses(first, null, noAbort)).toEqual([]);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([aUse(id, second)]);
      expect(await metadata.catalogUses(second, null, noAbort)).toEqual([aUse(second, id)]);
    });

    test('keep a consumer without volumes until it is released', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const { request, opened } = await openOne(metadata, openRequest(ids));
      const consumer = opened.volume.namespaceId;
      await metadata.noteCatalogUse(aUse(id, consumer), noAbort);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.namespace(consumer, noAbort)).toBeDefined();
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([aUse(id, consumer)]);
      await metadata.releaseNamespace(consumer, noAbort);
      expect(await metadata.namespace(consumer, noAbort)).toBeUndefined();
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([]);
    });

    test('expire, and then their consumers without other data are removed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const staying = await created(metadata, ids, other);
      const { request, opened } = await openOne(metadata, openRequest(ids));
      const consumer = opened.volume.namespaceId;
      for (const each of [consumer, staying]) await metadata.noteCatalogUse(aUse(id, each), noAbort);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await metadata.forgetLayers([], startMs + limits.catalogUsesMs, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toHaveLength(2);
      await metadata.forgetLayers([], startMs + limits.catalogUsesMs + 1, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([]);
      expect(await metadata.namespace(consumer, noAbort)).toBeUndefined();
      expect(await metadata.namespace(staying, noAbort)).toBeDefined();
    });

    test('are removed when the consumer loses its name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, acme);
      const consumer = await created(metadata, ids, other);
      await created(metadata, ids, web);
      await metadata.noteCatalogUse(aUse(id, consumer), noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      expect(await metadata.catalogUses(id, null, noAbort)).toEqual([]);
    });
  });
}
