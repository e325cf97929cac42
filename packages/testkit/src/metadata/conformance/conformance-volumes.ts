import { beforeEach, describe, expect, test } from 'vitest';
import type { Sync } from '@cachelane/core';
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
  type OpenedForTest,
} from '../metadata-builders.ts';

export function volumeConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('volumes', () => {
    test('differ by namespace, name and compat, not by tool', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const open = async (volume: object, namespace = web) =>
        (await openOne(metadata, openRequest(ids, { namespace, volumes: [volume] }))).opened.volume;
      const npm = await open({ compat: { os: 'linux', arch: 'x64' } });
      expect(npm).toMatchObject({
        name: 'npm',
        compat: { arch: 'x64', os: 'linux' },
        tool: 'npm',
        createdAtMs: startMs,
      });
      const other = await open({ compat: { arch: 'x64', os: 'linux' }, tool: 'other' });
      expect(other).toEqual({ ...npm, tool: 'other' });
      const others = [
        await open({ compat: {} }),
        await open({ compat: { os: 'linux', arch: 'arm64' } }),
        await open({ compat: { os: 'linux', arch: 'x64' }, name: 'npm-2' }),
        await open({ compat: { os: 'linux', arch: 'x64' } }, aNamespace('github.com/acme/api')),
      ];
      expect(new Set([npm, ...others].map(({ id }) => id)).size).toBe(5);
      expect(await metadata.listVolumes(noAbort)).toHaveLength(5);
      expect(await metadata.listVolumes(noAbort)).toContainEqual(other);
    });

    test('removing one lane leaves the others', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const kept = await pushLayer(metadata, { volumeId, run, layer: aLayer('b'), lane: main });
      await metadata.removeVolume(volumeId, local, noAbort);
      expect(await metadata.listHeads(noAbort)).toEqual([kept]);
      expect(await metadata.history(volumeId, local, noAbort)).toEqual([]);
      expect(await metadata.history(volumeId, main, noAbort)).toHaveLength(1);
      expect(await metadata.listVolumes(noAbort)).toHaveLength(1);
    });

    test.each([
      ['its last lane', local],
      ['all lanes', null],
    ])('removing %s removes the volume', async (_, lane) => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      if (lane === null) await pushLayer(metadata, { volumeId, run, layer: aLayer('b'), lane: main });
      await metadata.removeVolume(volumeId, lane, noAbort);
      expect(await metadata.listHeads(noAbort)).toEqual([]);
      expect(await metadata.listVolumes(noAbort)).toEqual([]);
      // Repeated, as after a lost answer.
      await metadata.removeVolume(volumeId, lane, noAbort);
      const { opened } = await openOne(metadata, openRequest(ids));
      expect(opened.volume.id).not.toBe(volumeId);
      expect(opened.own).toEqual({ generation: 0, layers: [] });
    });

    test('of one namespace are listed with their heads', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volumes = [{ name: 'pip' }, { name: 'npm' }, { compat: { os: 'linux' } }];
      const opened = await metadata.openSession(openRequest(ids, { volumes }), noAbort);
      const api = aNamespace('github.com/acme/api');
      const elsewhere = await openOne(metadata, openRequest(ids, { namespace: api }));
      const run = elsewhere.run;
      const all = [...opened.volumes.map(({ volume }) => volume.id), elsewhere.volumeId];
      for (const [index, volumeId] of all.entries()) {
        await pushLayer(metadata, { volumeId, run, layer: aLayer(`${index}`) });
        await pushLayer(metadata, { volumeId, run, layer: aLayer(`main ${index}`), lane: main });
      }
      const { id } = opened.namespace;
      const own = await metadata.volumesOf(id, noAbort);
      expect(own.map(({ name }) => name)).toEqual(['npm', 'npm', 'pip']);
      expect(own).toEqual((await metadata.listVolumes(noAbort)).filter(({ namespaceId }) => namespaceId === id));
      const asked = own.map((volume) => volume.id).toReversed();
      const heads = await metadata.headsOf([...asked, ids.volume()], noAbort);
      expect(heads).toHaveLength(6);
      expect(heads).toEqual((await metadata.listHeads(noAbort)).filter(({ volumeId }) => asked.includes(volumeId)));
      expect(await metadata.volume(elsewhere.volumeId, noAbort)).toEqual(elsewhere.opened.volume);
    });

    test('of an unknown namespace are an empty list', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await openOne(metadata, openRequest(ids));
      expect(await metadata.volumesOf(ids.namespace(), noAbort)).toEqual([]);
      expect(await metadata.headsOf([], noAbort)).toEqual([]);
      expect(await metadata.volume(ids.volume(), noAbort)).toBeUndefined();
    });

    test('a session that saw a removed head cannot move a later one', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('kept'), lane: main });
      const seen = await pushLayer(metadata, { volumeId, run, layer: aLayer('removed') });
      await metadata.removeVolume(volumeId, local, noAbort);
      const fresh = await pushLayer(metadata, { volumeId, run, layer: aLayer('b') });
      expect(fresh.layers).toEqual([aLayer('b')]);
      const late = pushRequest({ volumeId, run, onto: seen, layer: aLayer('c') });
      expect(await metadata.commit(late, noAbort)).toEqual({ kind: 'conflict', head: fresh });
    });

    test('a namespace is removed with its last volume, but not during a session', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, request } = await openOne(metadata, openRequest(ids));
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toHaveLength(1);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);

      const again = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId: again.volumeId, run: again.run, layer: aLayer('a') });
      await metadata.closeSession(again.request.sessionId, () => undefined, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toHaveLength(1);
      await metadata.removeVolume(again.volumeId, null, noAbort);
      expect(await metadata.listNamespaces(noAbort)).toEqual([]);
    });

    test('an unsaved volume is removed with its last session, in every namespace', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const shared = { name: 'pip', chain: [{ namespace: aNamespace('github.com/acme/api'), lane: local }] };
      const first = await openOne(metadata, openRequest(ids, { mayWrite: false, volumes: [{}, shared] }));
      const second = await openOne(metadata, openRequest(ids, { volumes: [shared, {}] }));
      await openOne(metadata, openRequest(ids, { namespace: aNamespace('github.com/acme/busy') }));
      const close = async ({ request }: OpenedForTest): Promise<void> =>
        metadata.closeSession(request.sessionId, () => undefined, noAbort);
      await close(first);
      expect(await metadata.listVolumes(noAbort)).toHaveLength(3);
      await pushLayer(metadata, { volumeId: first.volumeId, run: second.run, layer: aLayer('a') });
      await close(second);
      const left = await metadata.listVolumes(noAbort);
      expect(left.map(({ id }) => id)).toContain(first.volumeId);
      expect(left).toHaveLength(2);
      const names = (await metadata.listNamespaces(noAbort)).map(({ paths }) => paths[0]);
      expect(names).toEqual(['github.com/acme/busy', web]);
    });

    test('writing sessions decide the tool until there is a head', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const toolFor = async (tool: string, mayWrite: boolean): Promise<string> =>
        (await openOne(metadata, openRequest(ids, { mayWrite, volumes: [{ tool }] }))).opened.volume.tool;
      expect(await toolFor('evil', false)).toBe('evil');
      expect(await toolFor('npm', true)).toBe('npm');
      expect(await toolFor('evil', false)).toBe('npm');
      const { volumeId, run } = await openOne(metadata, openRequest(ids, { volumes: [{ tool: 'pnpm' }] }));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      expect(await toolFor('npm', true)).toBe('pnpm');
    });

    test('writing sessions decide whether a volume is synced, even after a save', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const open = async (sync: Sync | null, mayWrite: boolean): Promise<OpenedForTest> =>
        await openOne(metadata, openRequest(ids, { mayWrite, volumes: [{ sync }] }));
      const syncFor = async (sync: Sync | null, mayWrite: boolean): Promise<Sync | null> =>
        (await open(sync, mayWrite)).opened.volume.sync;
      expect(await syncFor('always', false)).toBe(null);
      expect(await syncFor('always', true)).toBe('always');
      expect(await syncFor('never', false)).toBe('always');
      const { volumeId, run } = await open(null, true);
      expect(await metadata.listVolumes(noAbort)).toMatchObject([{ id: volumeId, sync: null }]);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      expect(await syncFor('never', true)).toBe('never');
      expect(await syncFor('always', false)).toBe('never');
      expect(await syncFor('always', true)).toBe('always');
      expect(await metadata.listVolumes(noAbort)).toMatchObject([{ id: volumeId, sync: 'always' }]);
    });
  });
}
