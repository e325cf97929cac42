import { beforeEach, describe, expect, test } from 'vitest';
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
  type TestIds,
} from '../metadata-builders.ts';

const acme = aNamespace('github.com/acme');
const team = aNamespace('teams/payments');
const chain = [
  { namespace: web, lane: local },
  { namespace: web, lane: main },
  { namespace: team, lane: local },
  { namespace: acme, lane: local },
];

export function tierConformance(create: MetadataFactory): void {
  let ids: TestIds;
  beforeEach(() => {
    ids = countingIds();
  });

  describe('a volume with tiers that are not merged', () => {
    test.each([
      { title: 'finds nothing in empty tiers', has: [], finds: [] },
      {
        title: 'finds the nearest tier',
        has: ['github.com/acme t1:local', 'teams/payments t1:local'],
        finds: ['teams/payments t1:local'],
      },
      {
        title: 'finds a farther tier if the nearer one is empty',
        has: ['github.com/acme t1:local'],
        finds: ['github.com/acme t1:local'],
      },
      {
        title: 'finds no tier if it has contents itself, on any lane',
        has: ['github.com/acme t1:local', 'github.com/acme/web t2:ref:main'],
        finds: ['github.com/acme/web t2:ref:main'],
      },
      {
        title: 'finds all of its own lanes',
        has: ['github.com/acme/web t1:local', 'github.com/acme/web t2:ref:main'],
        finds: ['github.com/acme/web t1:local', 'github.com/acme/web t2:ref:main'],
      },
    ])('$title', async ({ has, finds }) => {
      expect(await found({ create, ids }, has)).toEqual(finds);
    });
  });

  describe('a layer', () => {
    test('is held by exactly the volumes with a lane that names it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const own = await openOne(metadata, openRequest(ids));
      const tier = await openOne(metadata, openRequest(ids, { namespace: acme }));
      const layer = aLayer('a');
      expect(await metadata.volumesHolding(layer, noAbort)).toEqual([]);
      await pushLayer(metadata, { volumeId: own.volumeId, run: own.run, layer });
      expect(await metadata.volumesHolding(layer, noAbort)).toEqual([own.volumeId]);
      const fed = { ...pushRequest({ volumeId: tier.volumeId, onto: undefined, layer, run: own.run }), layer: null };
      await metadata.commit(fed, noAbort);
      const both = [own.volumeId, tier.volumeId].toSorted();
      expect(await metadata.volumesHolding(layer, noAbort)).toEqual(both);
      expect(await metadata.layer(layer, noAbort)).toMatchObject({ volumeId: own.volumeId });
      await metadata.removeVolume(own.volumeId, null, noAbort);
      expect(await metadata.volumesHolding(layer, noAbort)).toEqual([tier.volumeId]);
      expect(await metadata.forgetLayers([layer], startMs, noAbort)).toEqual([]);
    });
  });

  describe('a commit with layers of other runs', () => {
    test('is refused if one of the runs is revoked', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const own = await openOne(metadata, openRequest(ids));
      const tier = await openOne(metadata, openRequest(ids, { namespace: acme }));
      await pushLayer(metadata, { volumeId: own.volumeId, run: own.run, layer: aLayer('a') });
      const push = pushRequest({ volumeId: tier.volumeId, onto: undefined, layer: aLayer('a'), run: tier.run });
      const fed = { ...push, layer: null, origins: [tier.run, own.run] };
      const everywhere = { run: own.run, namespaceId: null, atMs: startMs, by: 'ann' };
      await metadata.revokeRuns([everywhere], noAbort);
      await expect(metadata.commit(fed, noAbort)).rejects.toMatchObject({
        code: 'E_LAYER_REFUSED',
        hint: expect.stringContaining(`cachelane revoke --run ${own.run} `),
      });
      expect(await metadata.head(tier.volumeId, local, noAbort)).toBeUndefined();
      expect(await metadata.commit({ ...fed, origins: [tier.run] }, noAbort)).toMatchObject({ kind: 'moved' });
    });
  });
}

/** Returns the lanes of the links that it finds, nearest first. */
async function found(
  { create, ids }: { readonly create: MetadataFactory; readonly ids: TestIds },
  names: readonly string[],
): Promise<readonly string[]> {
  await using store = await create();
  await using metadata = await store.open();
  for (const name of names) {
    const link = chain.find(({ namespace, lane }) => name === `${namespace} ${lane}`);
    if (link === undefined) throw new Error(`no such link: ${name}`);
    const { volumeId, run } = await openOne(metadata, openRequest(ids, { ...link, volumes: [{ chain: [link] }] }));
    await pushLayer(metadata, { volumeId, run, layer: aLayer(name), lane: link.lane });
  }
  const request = openRequest(ids);
  const volumes = request.volumes.map((volume) => ({ ...volume, chain, firstSnapshot: true }));
  const { opened } = await openOne(metadata, { ...request, volumes });
  const pins = new Set((await metadata.listSessions(noAbort)).find(({ id }) => id === request.sessionId)?.pins);
  expect(pins).toEqual(new Set(opened.pinned.flatMap(({ layers }) => layers)));
  const reads = await metadata.readsOf(request.run.id, opened.volume.id, noAbort);
  expect(new Set(reads?.layers ?? [])).toEqual(pins);
  return opened.pinned.map(({ namespace, lane }) => `${namespace} ${lane}`);
}
