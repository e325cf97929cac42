import { beforeEach, describe, expect, test } from 'vitest';
import { parseNamespace, type DirectoryIdentity, type Metadata, type NamespaceRecord } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aNamespace,
  countingIds,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  type TestIds,
} from '../metadata-builders.ts';

const home: DirectoryIdentity = { path: '/home/ann/web', identity: '8:1:4711:1' };
const clonedAnew: DirectoryIdentity = { path: '/home/ann/web', identity: '8:1:4712:9' };
const localWeb = aNamespace('local/web-0123');

/** Saves in `home` under its own name. */
async function saved(metadata: Metadata, ids: TestIds): Promise<NamespaceRecord> {
  const request = openRequest(ids, { namespace: localWeb, directory: home });
  const { volumeId, run } = await openOne(metadata, request);
  await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
  await metadata.closeSession(request.sessionId, () => undefined, noAbort);
  return (await metadata.findNamespace(localWeb, noAbort)) ?? expect.fail('the namespace is gone');
}

async function layersAt(metadata: Metadata, ids: TestIds, options: object): Promise<readonly string[]> {
  return (await openOne(metadata, openRequest(ids, { namespace: localWeb, ...options }))).opened.own.layers;
}

export function ownNameConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('own names of directories', () => {
    test('another directory at the same path starts empty, and the volumes of the first can be adopted', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { id } = await saved(metadata, ids);
      expect(await layersAt(metadata, ids, { directory: home })).toEqual([aLayer('a')]);
      expect(await layersAt(metadata, ids, { directory: clonedAnew })).toEqual([]);
      const apart = aNamespace(`${localWeb}~${id.slice(-8)}`);
      expect(parseNamespace(apart)).toBe(apart);
      expect(await metadata.findNamespace(apart, noAbort)).toMatchObject({ id, paths: [apart] });
      expect((await metadata.aliasNamespace(apart, localWeb, noAbort)).id).toBe(id);
      expect(await layersAt(metadata, ids, { directory: clonedAnew })).toEqual([aLayer('a')]);
      expect(await layersAt(metadata, ids, { directory: home })).toEqual([]);
      expect((await metadata.findNamespace(apart, noAbort))?.paths).toEqual([apart]);
    });

    test('a first directory that saved nothing leaves nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = openRequest(ids, { namespace: localWeb, directory: home, volumes: [] });
      await metadata.openSession(first, noAbort);
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: clonedAnew }), noAbort);
      await metadata.closeSession(first.sessionId, () => undefined, noAbort);
      expect((await metadata.listNamespaces(noAbort)).map(({ paths }) => paths)).toEqual([[localWeb]]);
    });

    test('an unknown directory does not take the name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const before = await saved(metadata, ids);
      expect(await layersAt(metadata, ids, { directory: null })).toEqual([aLayer('a')]);
      expect(await metadata.listNamespaces(noAbort)).toEqual([before]);
      expect(await layersAt(metadata, ids, { directory: home })).toEqual([aLayer('a')]);
    });

    test('adopted volumes stay with their new directory, whatever uses the first path', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await saved(metadata, ids);
      const moved = aNamespace('local/moved-4567');
      await metadata.aliasNamespace(localWeb, moved, noAbort);
      const there = { namespace: moved, directory: { path: '/home/ann/moved', identity: '8:1:4713:1' } };
      expect(await layersAt(metadata, ids, there)).toEqual([aLayer('a')]);
      expect(await layersAt(metadata, ids, { directory: clonedAnew })).toEqual([]);
      expect(await layersAt(metadata, ids, there)).toEqual([aLayer('a')]);
    });

    test('a read-only session of another directory sees nothing and does not take the name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const before = await saved(metadata, ids);
      const reader = openRequest(ids, { namespace: localWeb, directory: clonedAnew, mayWrite: false });
      const { namespace, volumes } = await metadata.openSession(reader, noAbort);
      expect(namespace.id).toBe(reader.freshNamespaceId);
      expect(volumes).toMatchObject([{ own: { generation: 0, layers: [] }, pinned: [] }]);
      expect(await metadata.findNamespace(localWeb, noAbort)).toEqual(before);
      await metadata.closeSession(reader.sessionId, () => undefined, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([before]);
      expect(await layersAt(metadata, ids, { directory: home })).toEqual([aLayer('a')]);
    });

    test('a read-only session does not decide which directory owns a name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await saved(metadata, ids);
      const moved = aNamespace('local/moved-4567');
      await metadata.aliasNamespace(localWeb, moved, noAbort);
      await layersAt(metadata, ids, { namespace: moved, directory: clonedAnew, mayWrite: false });
      expect(await layersAt(metadata, ids, { namespace: moved, directory: home })).toEqual([aLayer('a')]);
    });
  });
}
