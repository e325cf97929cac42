import { beforeEach, describe, expect, test } from 'vitest';
import type { Metadata, OthersMount, SessionId } from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import { countingIds, noAbort, openRequest } from '../metadata-builders.ts';

const close = async (metadata: Metadata, id: SessionId): Promise<readonly string[]> => {
  const removed: string[] = [];
  await metadata.closeSession(id, (dirs) => removed.push(...dirs), noAbort);
  return removed;
};

const seen = async (metadata: Metadata, id: SessionId): Promise<readonly OthersMount[]> => {
  const found: OthersMount[] = [];
  await metadata.amongMounts(id, (mounts) => found.push(...mounts), noAbort);
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

export function mountDirConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  /** Opens a session with this target that created these directories for it. */
  const mounted = async (metadata: Metadata, target: string, madeDirs: readonly string[]): Promise<SessionId> => {
    const request = openRequest(ids, { targets: [target] });
    await metadata.openSession(request, noAbort);
    await metadata.updateSession(request.sessionId, { madeDirs }, noAbort);
    return request.sessionId;
  };

  describe('directories created for mounts', () => {
    test('are removed with their session, deepest first', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const session = await mounted(metadata, '/a/b/c', ['/a', '/a/b', '/a/b/c', '/a/z']);
      expect(await close(metadata, session)).toEqual(['/a/b/c', '/a/b', '/a/z', '/a']);
    });

    test.each([
      ['at it', '/home/.npm'],
      ['below it', '/home/.npm/_cacache'],
      ['above it', '/home'],
      ['at the root', '/'],
    ])('stay while another session has a target %s; the last one removes them', async (_, target) => {
      await using store = await create();
      await using metadata = await store.open();
      const maker = await mounted(metadata, '/home/.npm', ['/home/.npm']);
      const other = await mounted(metadata, target, []);
      expect(await close(metadata, maker)).toEqual([]);
      expect(await close(metadata, other)).toEqual(['/home/.npm']);
      expect(await close(metadata, other)).toEqual([]);
    });

    test.each(['/home/.npm-global', '/home/.np', '/home/other/.npm', '/var'])(
      'a target at %s does not affect /home/.npm',
      async (target) => {
        await using store = await create();
        await using metadata = await store.open();
        const maker = await mounted(metadata, '/home/.npm', ['/home/.npm']);
        await mounted(metadata, target, []);
        expect(await close(metadata, maker)).toEqual(['/home/.npm']);
      },
    );

    test('of a living session are not removed by another one', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await mounted(metadata, '/a/b', ['/a', '/a/b', '/unused']);
      const other = await mounted(metadata, '/c', ['/c']);
      expect(await close(metadata, other)).toEqual(['/c']);
    });

    test('are each removed with their last user', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = await mounted(metadata, '/h/x/one', ['/h', '/h/x', '/h/x/one']);
      const second = await mounted(metadata, '/h/x/two', ['/h/x/two']);
      const third = await mounted(metadata, '/h/y', ['/h/y']);
      expect(await close(metadata, first)).toEqual(['/h/x/one']);
      expect(await close(metadata, second)).toEqual(['/h/x/two', '/h/x']);
      expect(await close(metadata, third)).toEqual(['/h/y', '/h']);
    });

    test('of a dead session are removed when its successor closes, whichever process closes the dead one', async () => {
      await using store = await create();
      const victim = await store.open();
      const dead = await mounted(victim, '/a/b', ['/a', '/a/b']);
      await victim[Symbol.asyncDispose]();
      await using metadata = await store.open();
      const living = await mounted(metadata, '/a/b', []);
      expect(await close(metadata, dead)).toEqual([]);
      expect(await close(metadata, living)).toEqual(['/a/b', '/a']);
    });

    test('belong to the session that creates them again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const first = await mounted(metadata, '/a', ['/a']);
      const second = await mounted(metadata, '/a', ['/a']);
      expect(await close(metadata, first)).toEqual([]);
      expect(await close(metadata, second)).toEqual(['/a']);
    });

    test('if removing fails, the session stays open, and the next attempt tries again', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const session = await mounted(metadata, '/a', ['/a']);
      const failing = metadata.closeSession(
        session,
        () => {
          throw new Error('the disk is gone');
        },
        noAbort,
      );
      await expect(failing).rejects.toThrow('the disk is gone');
      expect(await metadata.listSessions(noAbort)).toHaveLength(1);
      expect(await close(metadata, session)).toEqual(['/a']);
    });
  });

  describe('mounts of other sessions', () => {
    test('are all their targets, until they report which', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const own = await mounted(metadata, '/own', []);
      const one = await mounted(metadata, '/one', []);
      const two = await mounted(metadata, '/two', []);
      await metadata.updateSession(two, { place: 'mnt:2' }, noAbort);
      expect(await seen(metadata, own)).toEqual([
        { path: '/one', isStarted: false },
        { path: '/two', isStarted: true },
      ]);
      await metadata.updateSession(one, { mounts: [] }, noAbort);
      await metadata.updateSession(one, { madeDirs: ['/one'] }, noAbort);
      expect(await seen(metadata, own)).toEqual([{ path: '/two', isStarted: true }]);
      await close(metadata, two);
      expect(await seen(metadata, own)).toEqual([]);
      expect(await seen(metadata, one)).toEqual([{ path: '/own', isStarted: false }]);
    });

    test('are forgotten with their session', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const own = await mounted(metadata, '/own', []);
      const other = await mounted(metadata, '/other', []);
      await metadata.updateSession(other, { mounts: ['/other'] }, noAbort);
      expect(await seen(metadata, own)).toEqual([{ path: '/other', isStarted: false }]);
      await close(metadata, other);
      expect(await seen(metadata, own)).toEqual([]);
    });
  });
}
