import { beforeEach, describe, expect, test } from 'vitest';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLane,
  aLayer,
  aNamespace,
  countingIds,
  local,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  startMs,
  web,
} from '../metadata-builders.ts';

const team = aNamespace('teams/payments');
const nobody = (): undefined => undefined;

export function sessionConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('opening a session', () => {
    test('of a new volume finds nothing and creates it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids, { volumes: [{ compat: { os: 'linux' } }] });
      const { opened } = await openOne(metadata, request);
      expect(opened).toEqual({
        volume: {
          id: request.volumes[0]?.freshId,
          namespaceId: request.freshNamespaceId,
          name: 'npm',
          compat: { os: 'linux' },
          tool: 'npm',
          sync: null,
          createdAtMs: startMs,
        },
        own: { generation: 0, layers: [] },
        pinned: [],
        evicted: null,
      });
    });

    test('pins the heads of the whole chain, nearest first', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('own 1') });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('own 2') });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('main'), lane: main });
      const shared = await openOne(metadata, openRequest(ids, { namespace: team, lane: main }));
      await pushLayer(metadata, { volumeId: shared.volumeId, run: shared.run, layer: aLayer('team'), lane: main });

      const chain = [
        { namespace: web, lane: local },
        { namespace: web, lane: main },
        { namespace: team, lane: main },
      ];
      const { opened, request } = await openOne(metadata, openRequest(ids, { volumes: [{ chain }] }));
      expect(opened.volume.id).toBe(volumeId);
      expect(opened.own).toEqual({ generation: 2, layers: [aLayer('own 2'), aLayer('own 1')] });
      expect(opened.pinned).toEqual([
        { namespace: web, lane: local, generation: 2, layers: [aLayer('own 2'), aLayer('own 1')] },
        { namespace: web, lane: main, generation: 1, layers: [aLayer('main')] },
        { namespace: team, lane: main, generation: 1, layers: [aLayer('team')] },
      ]);
      const session = (await metadata.listSessions(noAbort)).find(({ id }) => id === request.sessionId);
      expect(session?.pins.toSorted()).toEqual(['own 1', 'own 2', 'main', 'team'].map(aLayer).toSorted());
    });

    test('skips links without a namespace, volume or lane, and creates none', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await metadata.openSession(openRequest(ids, { namespace: team, volumes: [{ name: 'pip' }] }), noAbort);
      const base = await openOne(metadata, openRequest(ids, { lane: main }));
      await pushLayer(metadata, { volumeId: base.volumeId, run: base.run, layer: aLayer('main'), lane: main });
      const chain = [
        { namespace: web, lane: local },
        { namespace: aNamespace('github.com/nobody'), lane: main },
        { namespace: team, lane: main },
        { namespace: web, lane: aLane('t1:pr:7') },
        { namespace: web, lane: main },
      ];
      const { opened } = await openOne(metadata, openRequest(ids, { volumes: [{ chain }] }));
      expect(opened.own).toEqual({ generation: 0, layers: [] });
      expect(opened.pinned).toEqual([{ namespace: web, lane: main, generation: 1, layers: [aLayer('main')] }]);
      expect(await metadata.listNamespaces(noAbort)).toHaveLength(2);
      expect(await metadata.listVolumes(noAbort)).toHaveLength(2);
    });

    test('an own head without layers keeps its generation and is not pinned', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const counts = { added: 0, changed: 0, removed: 0, sizeBytes: 0 };
      const move = {
        volumeId,
        lane: local,
        expectedGeneration: 1,
        layers: [],
        layer: null,
        run,
        counts,
        atMs: startMs,
      };
      await metadata.commit(move, noAbort);
      const { opened } = await openOne(metadata, openRequest(ids));
      expect(opened.own).toEqual({ generation: 2, layers: [] });
      expect(opened.pinned).toEqual([]);
    });

    test('the chain reads only the volume of the same name and compat', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const arm = await openOne(metadata, openRequest(ids, { volumes: [{ compat: { arch: 'arm64' } }] }));
      await pushLayer(metadata, { volumeId: arm.volumeId, run: arm.run, layer: aLayer('arm') });
      const { opened } = await openOne(metadata, openRequest(ids, { volumes: [{ compat: { arch: 'x64' } }] }));
      expect(opened.pinned).toEqual([]);
    });

    test('a volume of another namespace is created there', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const chain = [{ namespace: team, lane: local }];
      const request = openRequest(ids, { volumes: [{}, { chain }, { chain, name: 'pip' }] });
      const { namespace, volumes } = await metadata.openSession(request, noAbort);
      const made = request.volumes[1]?.freshNamespaceId;
      expect(volumes.map(({ volume }) => volume.namespaceId)).toEqual([namespace.id, made, made]);
      expect((await metadata.findNamespace(team, noAbort))?.id).toBe(made);
    });

    test('an id serves one session', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const request = openRequest(ids);
      await metadata.openSession(request, noAbort);
      await expect(metadata.openSession(request, noAbort)).rejects.toMatchObject({ code: 'E_INTERNAL' });
      expect(await metadata.listSessions(noAbort)).toHaveLength(1);
    });
  });

  describe('a lock', () => {
    const locked = { lock: true };

    test('makes other sessions that ask for it fail until its own is closed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = openRequest(ids, { volumes: [locked] });
      const { run } = await openOne(metadata, first);
      const second = openRequest(ids, { volumes: [{ name: 'other' }, locked] });
      await expect(metadata.openSession(second, noAbort)).rejects.toEqual(
        expect.objectContaining({
          code: 'E_LOCKED',
          retryable: true,
          message: expect.stringMatching(new RegExp(`^npm is locked on t1:local by ${run}, since 2026-`)) as string,
        }),
      );
      // The refused session left no trace.
      expect((await metadata.listSessions(noAbort)).map(({ id }) => id)).toEqual([first.sessionId]);
      expect((await metadata.listVolumes(noAbort)).map(({ name }) => name)).toEqual(['npm']);
      await metadata.closeSession(first.sessionId, nobody, noAbort);
      await openOne(metadata, second);
    });

    test('is seen by all handles of the store', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await using another = await store.open();
      await openOne(metadata, openRequest(ids, { volumes: [locked] }));
      await expect(openOne(another, openRequest(ids, { volumes: [locked] }))).rejects.toThrow('is locked');
    });

    test('holds after its volume was removed, until the session closes', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = openRequest(ids, { volumes: [locked] });
      const { volumeId, run } = await openOne(metadata, first);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.listHeads(noAbort)).toEqual([]);
      const second = openRequest(ids, { volumes: [locked] });
      await expect(metadata.openSession(second, noAbort)).rejects.toMatchObject({ code: 'E_LOCKED' });
      await metadata.closeSession(first.sessionId, nobody, noAbort);
      expect(await metadata.listVolumes(noAbort)).toEqual([]);
      const { opened } = await openOne(metadata, second);
      expect(opened.volume.id).not.toBe(volumeId);
    });

    test('does not affect its own session, which may ask twice', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const both = openRequest(ids, { volumes: [locked, locked] });
      await openOne(metadata, both);
      const second = openRequest(ids, { volumes: [locked] });
      await expect(metadata.openSession(second, noAbort)).rejects.toMatchObject({ code: 'E_LOCKED' });
      await metadata.closeSession(both.sessionId, nobody, noAbort);
      await openOne(metadata, second);
    });

    test('covers one lane of one volume, and only sessions that ask for it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await openOne(metadata, openRequest(ids, { volumes: [locked] }));
      await openOne(metadata, openRequest(ids));
      await openOne(metadata, openRequest(ids, { volumes: [{ ...locked, name: 'other' }] }));
      await openOne(metadata, openRequest(ids, { volumes: [{ ...locked, compat: { os: 'linux' } }] }));
      await openOne(metadata, openRequest(ids, { volumes: [{ ...locked, chain: [{ namespace: web, lane: main }] }] }));
    });

    test('shows the next session what the last one saved', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = openRequest(ids, { volumes: [locked] });
      const { volumeId, run } = await openOne(metadata, first);
      await pushLayer(metadata, { volumeId, run, layer: aLayer('of the first') });
      await metadata.closeSession(first.sessionId, nobody, noAbort);
      const { opened } = await openOne(metadata, openRequest(ids, { volumes: [locked] }));
      expect(opened.own.layers).toEqual([aLayer('of the first')]);
    });
  });

  describe('sessions', () => {
    test('are listed with all their records, oldest first', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const later = openRequest(ids, { atMs: startMs + 1, volumes: [] });
      const targets = ['/home/ann/.npm', '/home/ann/.cache/pip'];
      const first = openRequest(ids, { targets, bootId: 'boot-7' });
      await metadata.openSession(later, noAbort);
      await metadata.openSession(first, noAbort);
      const sessions = await metadata.listSessions(noAbort);
      expect(sessions.map(({ id }) => id)).toEqual([first.sessionId, later.sessionId]);
      expect(sessions[0]).toEqual({
        id: first.sessionId,
        run: first.run.id,
        namespaceId: later.freshNamespaceId,
        lane: local,
        bootId: 'boot-7',
        openedAtMs: startMs,
        place: null,
        targets,
        pins: [],
      });
    });

    test('updates add to earlier ones', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { request } = await openOne(metadata, openRequest(ids));
      const { sessionId } = request;
      await metadata.updateSession(sessionId, { pins: [aLayer('b'), aLayer('a')] }, noAbort);
      await metadata.updateSession(sessionId, { place: 'mnt:4026531841' }, noAbort);
      await metadata.updateSession(sessionId, { pins: [aLayer('a'), aLayer('c')], madeDirs: ['/x'] }, noAbort);
      const [session] = await metadata.listSessions(noAbort);
      expect(session).toMatchObject({ place: 'mnt:4026531841' });
      expect(session?.pins.toSorted()).toEqual(['a', 'b', 'c'].map(aLayer).toSorted());
    });

    test('an unknown session cannot be updated', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const update = metadata.updateSession(ids.session(), { place: 'mnt:1' }, noAbort);
      await expect(update).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });

    test('a closed session is forgotten, and closing it again is no error', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { request } = await openOne(metadata, openRequest(ids));
      await metadata.closeSession(request.sessionId, nobody, noAbort);
      await metadata.closeSession(request.sessionId, nobody, noAbort);
      expect(await metadata.listSessions(noAbort)).toEqual([]);
      expect(await metadata.run(request.run.id, noAbort)).toBeDefined();
    });

    test('are seen by other handles, and outlive the handle that opened them', async () => {
      await using store = await create();
      const opener = await store.open();
      await using other = await store.open();
      const { request } = await openOne(opener, openRequest(ids));
      expect(await other.listSessions(noAbort)).toHaveLength(1);
      await opener[Symbol.asyncDispose]();
      await using late = await store.open();
      expect((await late.listSessions(noAbort)).map(({ id }) => id)).toEqual([request.sessionId]);
    });

    test('keep their volumes and locked lanes until they are closed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const volumes = [{ name: 'npm', lock: true }, { name: 'pip' }, { name: 'pip' }];
      const request = openRequest(ids, { volumes });
      const opened = await metadata.openSession(request, noAbort);
      const second = await openOne(metadata, openRequest(ids, { volumes: [{ name: 'pip' }] }));
      const [npm, pip] = opened.volumes.map(({ volume }) => volume.id);
      expect(await metadata.listSessionVolumes(noAbort)).toEqual([
        { session: request.sessionId, volumeId: npm, lockedLane: local },
        { session: request.sessionId, volumeId: pip, lockedLane: null },
        { session: second.request.sessionId, volumeId: pip, lockedLane: null },
      ]);
      await metadata.closeSession(request.sessionId, nobody, noAbort);
      expect(await metadata.listSessionVolumes(noAbort)).toMatchObject([{ session: second.request.sessionId }]);
    });
  });
}
