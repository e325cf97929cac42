import { beforeEach, describe, expect, test } from 'vitest';
import {
  parseGrantee,
  scopeNamespace,
  type FeedRecord,
  type GrantRecord,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type VolumeName,
} from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLayer,
  aNamespace,
  countingIds,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  startMs,
  web,
  type TestIds,
} from '../metadata-builders.ts';

const acme = aNamespace('github.com/acme');
const api = aNamespace('github.com/acme/api');
const other = aNamespace('github.com/acme/other');
const [npm, pip] = ['npm', 'pip'] as unknown as [VolumeName, VolumeName];

/** A grant of `web`'s volume npm to `api` by default. */
function aGrant(
  ownerId: NamespaceId,
  { to = api, ...options }: { to?: string } & Partial<Omit<GrantRecord, 'to'>> = {},
) {
  const grant = { ownerId, volume: npm, to: parseGrantee(to, 'test'), access: 'read', trust: 'T1' } as const;
  return { ...grant, atMs: startMs, by: 'ann', ...options } satisfies GrantRecord;
}

/** A feed rule for npm from everything below `acme` by default. */
function aFeed(
  tierId: NamespaceId,
  { from = `${acme}/**`, ...options }: { from?: string } & Partial<Omit<FeedRecord, 'from'>> = {},
) {
  const feed = { tierId, from: parseGrantee(from, 'test'), volume: npm, lanes: 'default' } as const;
  return { ...feed, atMs: startMs, by: 'ann', ...options } satisfies FeedRecord;
}

async function created(metadata: Metadata, ids: TestIds, path: Namespace): Promise<NamespaceId> {
  const request = { path, freshId: ids.namespace(), atMs: startMs };
  return (await metadata.createNamespace(request, noAbort)).namespace.id;
}

export function sharingConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('grants', () => {
    test('are listed for their owner, in order, until they are removed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const [mine, others] = [await created(metadata, ids, web), await created(metadata, ids, other)];
      const grants = [
        aGrant(mine, { volume: null }),
        aGrant(mine, { volume: npm }),
        aGrant(mine, { volume: npm, to: `${api}/**`, access: 'write', trust: 'T2', by: 'ben' }),
        aGrant(mine, { volume: pip, atMs: startMs + 1 }),
      ];
      for (const grant of grants.toReversed()) await metadata.putGrant(grant, noAbort);
      await metadata.putGrant(aGrant(others), noAbort);
      expect(await metadata.grantsOf(mine, noAbort)).toEqual(grants);
      const [all, one, ...rest] = grants;
      const { ownerId, volume, to } = one ?? expect.fail('there is none');
      expect(await metadata.removeGrant({ ownerId, volume, to }, noAbort)).toBe(true);
      expect(await metadata.removeGrant({ ownerId, volume, to }, noAbort)).toBe(false);
      expect(await metadata.removeGrant({ ownerId, volume, to: parseGrantee(acme, 'test') }, noAbort)).toBe(false);
      expect(await metadata.grantsOf(mine, noAbort)).toEqual([all, ...rest]);
      expect(await metadata.grantsOf(others, noAbort)).toEqual([aGrant(others)]);
      expect(await metadata.grantsOf(ids.namespace(), noAbort)).toEqual([]);
    });

    test('replace another grant of the same volume to the same grantee', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const ownerId = await created(metadata, ids, web);
      await metadata.putGrant(aGrant(ownerId, { access: 'write', trust: 'T2' }), noAbort);
      const second = aGrant(ownerId, { by: 'ben', atMs: startMs - 1 });
      await metadata.putGrant(second, noAbort);
      expect(await metadata.grantsOf(ownerId, noAbort)).toEqual([second]);
      expect(await metadata.grantsTo([api], noAbort)).toEqual([second]);
    });

    test('need an existing owner', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const put = metadata.putGrant(aGrant(ids.namespace()), noAbort);
      await expect(put).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      expect(await metadata.grantsTo([api], noAbort)).toEqual([]);
    });

    test('are found by the covered namespace: by any name, in a scope, and below', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const mine = await created(metadata, ids, web);
      const others = await created(metadata, ids, other);
      const toApi = aGrant(mine);
      const toInner = aGrant(mine, { to: `${api}/inner` });
      const belowApi = aGrant(others, { to: `${api}/**`, volume: null });
      const belowAcme = aGrant(others, { to: `${acme}/**` });
      const toAcme = aGrant(others, { to: acme, volume: pip });
      for (const grant of [toAcme, belowAcme, belowApi, toInner, toApi]) await metadata.putGrant(grant, noAbort);
      const found = async (...names: readonly Namespace[]) => await metadata.grantsTo(names, noAbort);
      expect(await found(api)).toEqual([toApi, belowApi, belowAcme]);
      expect(await found(scopeNamespace(api, ['npm', '@acme/build']))).toEqual([toApi, belowApi, belowAcme]);
      expect(await found(aNamespace(`${api}/inner`))).toEqual([toInner, belowApi, belowAcme]);
      expect(await found(aNamespace('gitlab.com/old/name'), api)).toEqual([toApi, belowApi, belowAcme]);
      expect(await found(api, aNamespace(`${api}/inner`))).toEqual([toApi, toInner, belowApi, belowAcme]);
      expect(await found(acme)).toEqual([belowAcme, toAcme]);
      expect(await found(aNamespace('github.com/acmeapi'), aNamespace('github.com'))).toEqual([]);
      expect(await found()).toEqual([]);
    });

    test('cover names of any allowed depth', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const grant = aGrant(await created(metadata, ids, web), { to: 'a/**' });
      await metadata.putGrant(grant, noAbort);
      const deep = aNamespace(`a/${Array.from({ length: 23 }, () => 'b').join('/')}`);
      expect(await metadata.grantsTo([deep], noAbort)).toEqual([grant]);
    });
  });

  describe('feed rules', () => {
    test('are listed for their tier, in order, until they are removed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const tier = await created(metadata, ids, acme);
      const feeds = [
        aFeed(tier, { volume: null }),
        aFeed(tier),
        aFeed(tier, { lanes: main }),
        aFeed(tier, { from: web }),
        aFeed(tier, { volume: pip }),
      ];
      for (const feed of feeds.toReversed()) await metadata.putFeed(feed, noAbort);
      const again = aFeed(tier, { from: web, by: 'ben', atMs: startMs + 1 });
      await metadata.putFeed(again, noAbort);
      const [all, one, ofMain, , last] = feeds;
      expect(await metadata.feedsOf(tier, noAbort)).toEqual([all, one, ofMain, again, last]);
      expect(await metadata.removeFeed(one ?? again, noAbort)).toBe(true);
      expect(await metadata.removeFeed(one ?? again, noAbort)).toBe(false);
      expect(await metadata.feedsOf(tier, noAbort)).toEqual([all, ofMain, again, last]);
      expect(await metadata.feedsOf(ids.namespace(), noAbort)).toEqual([]);
    });

    test('need an existing tier', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const put = metadata.putFeed(aFeed(ids.namespace()), noAbort);
      await expect(put).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });
  });

  describe('grants and feed rules', () => {
    test('are removed with their namespace, and a later one of that name has none', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, web);
      await metadata.putGrant(aGrant(id), noAbort);
      await metadata.putFeed(aFeed(id), noAbort);
      await metadata.releaseNamespace(id, noAbort);
      const later = await created(metadata, ids, web);
      expect(later).not.toBe(id);
      for (const each of [id, later]) {
        expect(await metadata.grantsOf(each, noAbort)).toEqual([]);
        expect(await metadata.feedsOf(each, noAbort)).toEqual([]);
      }
      expect(await metadata.grantsTo([api], noAbort)).toEqual([]);
    });

    test('are removed with the last volume of a namespace that is not permanent', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { request, opened, volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await metadata.putGrant(aGrant(opened.volume.namespaceId), noAbort);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await metadata.grantsTo([api], noAbort)).toHaveLength(1);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await metadata.grantsTo([api], noAbort)).toEqual([]);
    });

    test('are removed at the release, even if a run keeps the namespace', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, web);
      await openOne(metadata, openRequest(ids));
      await metadata.putGrant(aGrant(id), noAbort);
      await metadata.putFeed(aFeed(id), noAbort);
      await metadata.releaseNamespace(id, noAbort);
      expect(await metadata.namespace(id, noAbort)).toBeDefined();
      expect(await metadata.grantsTo([api], noAbort)).toEqual([]);
      expect(await metadata.feedsOf(id, noAbort)).toEqual([]);
    });

    test('stay with a renamed namespace', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const id = await created(metadata, ids, web);
      await metadata.putGrant(aGrant(id), noAbort);
      await metadata.putFeed(aFeed(id), noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      expect(await metadata.grantsOf(id, noAbort)).toEqual([aGrant(id)]);
      expect(await metadata.feedsOf(id, noAbort)).toEqual([aFeed(id)]);
    });

    test.each([
      ['grant', async (metadata: Metadata, id: NamespaceId) => await metadata.putGrant(aGrant(id), noAbort)],
      ['feed rule', async (metadata: Metadata, id: NamespaceId) => await metadata.putFeed(aFeed(id), noAbort)],
    ])('a namespace with a %s does not lose its only name', async (_, put) => {
      await using store = await create();
      await using metadata = await store.open();
      const mine = await created(metadata, ids, web);
      const others = await created(metadata, ids, other);
      await put(metadata, others);
      const before = await metadata.listNamespaces(noAbort);
      const taken = metadata.aliasNamespace(web, other, noAbort);
      await expect(taken).rejects.toMatchObject({ code: 'E_NAMESPACE' });
      expect(await metadata.listNamespaces(noAbort)).toEqual(before);
      // It has another name, so it keeps them and may lose this one.
      await metadata.aliasNamespace(other, api, noAbort);
      await metadata.aliasNamespace(web, other, noAbort);
      const counts = async (id: NamespaceId): Promise<number> =>
        (await metadata.grantsOf(id, noAbort)).length + (await metadata.feedsOf(id, noAbort)).length;
      expect([await counts(mine), await counts(others)]).toEqual([0, 1]);
    });
  });
}
