import { beforeEach, describe, expect, test } from 'vitest';
import type { DirectoryIdentity } from '@cachelane/core';
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
} from '../metadata-builders.ts';

const home: DirectoryIdentity = { path: '/home/ann/web', identity: '8:1:4711:1' };
const clonedAnew: DirectoryIdentity = { path: '/home/ann/web', identity: '8:1:4712:9' };
const localWeb = aNamespace('local/web-0123');
const other = aNamespace('github.com/acme/other');

export function namespaceConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  const creating = (path = web) => ({ path, freshId: ids.namespace(), atMs: startMs });

  describe('namespaces', () => {
    test('an unknown path has no namespace', async () => {
      await using store = await create();
      await using metadata = await store.open();
      expect(await metadata.findNamespace(web, noAbort)).toBeUndefined();
      expect(await metadata.namespace(ids.namespace(), noAbort)).toBeUndefined();
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
    });

    test('the first session gives a path its id, later ones find it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids);
      const first = await metadata.openSession(request, noAbort);
      const second = await metadata.openSession(openRequest(ids), noAbort);
      const record = { id: request.freshNamespaceId, paths: [web], createdAtMs: request.atMs };
      expect(first.namespace).toEqual(record);
      expect(second.namespace).toEqual(record);
      expect(first.adopted).toBe(false);
      expect(await metadata.findNamespace(web, noAbort)).toEqual(record);
    });

    test('are listed by their current path', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids), noAbort);
      await metadata.openSession(openRequest(ids, { namespace: other }), noAbort);
      const listed = await metadata.listNamespaces(noAbort);
      expect(listed.map(({ paths }) => paths)).toEqual([[other], [web]]);
    });
  });

  describe('a created namespace', () => {
    test('exists without volumes and sessions, is found by a session, and outlives it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = creating();
      const record = { id: request.freshId, paths: [web], createdAtMs: startMs };
      expect(await metadata.createNamespace(request, noAbort)).toEqual({ namespace: record, isNew: true });
      expect(await metadata.listNamespaces(noAbort)).toEqual([record]);
      const { request: open, opened } = await openOne(metadata, openRequest(ids));
      expect(opened.volume.namespaceId).toBe(record.id);
      await metadata.closeSession(open.sessionId, () => undefined, noAbort);
      expect(await metadata.listVolumes(noAbort)).toEqual([]);
      expect(await metadata.listNamespaces(noAbort)).toEqual([record]);
    });

    test('is the same one when it is created again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { namespace } = await metadata.createNamespace(creating(), noAbort);
      expect(await metadata.createNamespace(creating(), noAbort)).toEqual({ namespace, isNew: false });
      expect(await metadata.listNamespaces(noAbort)).toEqual([namespace]);
    });

    test('becomes permanent even if a run made it, under any name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { request, volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.aliasNamespace(web, other, noAbort);
      const created = await metadata.createNamespace(creating(), noAbort);
      expect(created).toMatchObject({ isNew: false, namespace: { paths: [other, web] } });
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([created.namespace]);
    });

    test('is removed at its release, or later with its last volume or session', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const empty = await metadata.createNamespace(creating(other), noAbort);
      await metadata.releaseNamespace(empty.namespace.id, noAbort);
      await metadata.releaseNamespace(empty.namespace.id, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);

      const { namespace } = await metadata.createNamespace(creating(), noAbort);
      const { request, volumeId, run } = await openOne(metadata, openRequest(ids));
      await metadata.releaseNamespace(namespace.id, noAbort);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([namespace]);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
    });

    test('passes its permanence on with its only name', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.createNamespace(creating(), noAbort);
      const { request } = await openOne(metadata, openRequest(ids, { namespace: other }));
      const taken = await metadata.aliasNamespace(other, web, noAbort);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([taken]);
    });
  });

  describe('aliases', () => {
    test('both paths name one id, the new one is current', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { namespace } = await metadata.openSession(openRequest(ids), noAbort);
      const aliased = await metadata.aliasNamespace(web, other, noAbort);
      expect(aliased).toEqual({ ...namespace, paths: [other, web] });
      expect(await metadata.findNamespace(web, noAbort)).toEqual(aliased);
      expect(await metadata.namespace(namespace.id, noAbort)).toEqual(aliased);
      expect(await metadata.findNamespace(other, noAbort)).toEqual(aliased);
      expect(await metadata.listNamespaces(noAbort)).toEqual([aliased]);
    });

    test('an alias can be made current again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids), noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      expect((await metadata.aliasNamespace(other, web, noAbort)).paths).toEqual([web, other]);
    });

    test('an unknown path cannot be aliased', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await expect(metadata.aliasNamespace(web, other, noAbort)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
    });

    test('a namespace with heads keeps its path', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids), noAbort);
      const { volumeId, run } = await openOne(metadata, openRequest(ids, { namespace: other }));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const before = await metadata.listNamespaces(noAbort);
      await expect(metadata.aliasNamespace(web, other, noAbort)).rejects.toMatchObject({ code: 'E_NAMESPACE' });
      expect(await metadata.listNamespaces(noAbort)).toEqual(before);
    });

    test.each([
      ['without volumes', []],
      ['whose volumes have no heads', [{}]],
    ])('a namespace %s loses its path and is removed', async (_, volumes) => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, request } = await openOne(metadata, openRequest(ids));
      await metadata.openSession(openRequest(ids, { namespace: other, volumes }), noAbort);
      const aliased = await metadata.aliasNamespace(web, other, noAbort);
      expect(aliased).toMatchObject({ id: request.freshNamespaceId, paths: [other, web] });
      expect(await metadata.listNamespaces(noAbort)).toEqual([aliased]);
      expect(await metadata.listVolumes(noAbort)).toMatchObject([{ id: volumeId }]);
    });

    test('a namespace that lost one of its names keeps the others', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids), noAbort);
      await metadata.openSession(openRequest(ids, { namespace: other, volumes: [] }), noAbort);
      await metadata.aliasNamespace(other, localWeb, noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      expect((await metadata.findNamespace(localWeb, noAbort))?.paths).toEqual([localWeb]);
    });

    test('a session that opens by an alias gets the volumes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.aliasNamespace(web, other, noAbort);
      const { opened } = await openOne(metadata, openRequest(ids, { namespace: other }));
      expect(opened.volume.id).toBe(volumeId);
      expect(opened.own.layers).toEqual([aLayer('a')]);
    });
  });

  describe('adoption', () => {
    test('a project that gains a remote keeps the volumes of its directory', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const before = await openOne(metadata, openRequest(ids, { namespace: localWeb, directory: home }));
      await pushLayer(metadata, { volumeId: before.volumeId, run: before.run, layer: aLayer('a') });

      const request = openRequest(ids, { directory: home, adoptFrom: localWeb });
      const { adopted, namespace, volumes } = await metadata.openSession(request, noAbort);
      expect(adopted).toBe(true);
      expect(namespace.paths).toEqual([web, localWeb]);
      expect(namespace.id).not.toBe(request.freshNamespaceId);
      expect(volumes[0]?.own.layers).toEqual([aLayer('a')]);
      expect(await metadata.findNamespace(localWeb, noAbort)).toEqual(namespace);
    });

    test('a later directory at the path does not belong to the project, unless it is the same one', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const before = await openOne(metadata, openRequest(ids, { namespace: localWeb, directory: home }));
      await pushLayer(metadata, { volumeId: before.volumeId, run: before.run, layer: aLayer('a') });
      await metadata.openSession(openRequest(ids, { directory: home, adoptFrom: localWeb }), noAbort);
      const same = await openOne(metadata, openRequest(ids, { namespace: localWeb, directory: home }));
      expect(same.opened.own.layers).toEqual([aLayer('a')]);
      const another = await openOne(metadata, openRequest(ids, { namespace: localWeb, directory: clonedAnew }));
      expect(another.opened.own.layers).toEqual([]);
      expect((await metadata.findNamespace(web, noAbort))?.paths).toEqual([web]);
    });

    test('happens once', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      const request = { directory: home, adoptFrom: localWeb };
      expect((await metadata.openSession(openRequest(ids, request), noAbort)).adopted).toBe(true);
      expect((await metadata.openSession(openRequest(ids, request), noAbort)).adopted).toBe(false);
      expect(await metadata.listNamespaces(noAbort)).toHaveLength(1);
    });

    test('a clone that replaced the directory at the same path adopts nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      const request = openRequest(ids, { directory: clonedAnew, adoptFrom: localWeb });
      const { adopted, namespace } = await metadata.openSession(request, noAbort);
      expect(adopted).toBe(false);
      expect(namespace).toMatchObject({ id: request.freshNamespaceId, paths: [web] });
      expect((await metadata.findNamespace(localWeb, noAbort))?.paths).toEqual([localWeb]);
    });

    test('the last directory that used the local name counts', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: clonedAnew }), noAbort);
      const first = openRequest(ids, { directory: home, adoptFrom: localWeb });
      expect((await metadata.openSession(first, noAbort)).adopted).toBe(false);
      const second = openRequest(ids, { namespace: other, directory: clonedAnew, adoptFrom: localWeb });
      expect((await metadata.openSession(second, noAbort)).adopted).toBe(true);
    });

    test.each([
      ['the directory is unknown', { directory: null, adoptFrom: localWeb }],
      ['there is no local name', { directory: home, adoptFrom: null }],
      ['the local name was never used', { directory: home, adoptFrom: aNamespace('local/never-4567') }],
    ])('nothing is adopted if %s', async (_, options) => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      expect((await metadata.openSession(openRequest(ids, options), noAbort)).adopted).toBe(false);
      expect(await metadata.listNamespaces(noAbort)).toHaveLength(2);
    });

    test('a read-only session adopts nothing, and does not prevent a later adoption', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      const options = { directory: home, adoptFrom: localWeb };
      const reader = openRequest(ids, { ...options, mayWrite: false });
      expect(await metadata.openSession(reader, noAbort)).toMatchObject({
        adopted: false,
        namespace: { paths: [web] },
      });
      expect((await metadata.findNamespace(localWeb, noAbort))?.paths).toEqual([localWeb]);
      await metadata.closeSession(reader.sessionId, () => undefined, noAbort);
      expect((await metadata.openSession(openRequest(ids, options), noAbort)).adopted).toBe(true);
    });

    test('a namespace that has an id adopts nothing', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      await metadata.openSession(openRequest(ids), noAbort);
      const request = openRequest(ids, { directory: home, adoptFrom: localWeb });
      expect((await metadata.openSession(request, noAbort)).adopted).toBe(false);
    });

    test('a directory becomes one project only: its next remote starts empty', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: localWeb, directory: home }), noAbort);
      await metadata.openSession(openRequest(ids, { directory: home, adoptFrom: localWeb }), noAbort);
      const request = openRequest(ids, { namespace: other, directory: home, adoptFrom: localWeb });
      const { adopted, namespace } = await metadata.openSession(request, noAbort);
      expect(adopted).toBe(false);
      expect(namespace.paths).toEqual([other]);
    });
  });
}
