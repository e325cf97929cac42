import { expect, test } from 'vitest';
import { defineCatalog } from './define-catalog.ts';
import { fakeEngine, info } from '../engine/fake-engine.fixture.ts';

test('a catalog compiles only with valid names', () => {
  const offered = {
    docs: 'Ours.',
    volumes: { npm: { docs: 'Packages.' }, 'pip-cache': { tool: 'pip', tier: 'catalog', sharing: 'LOCKED' } },
  } as const;
  expect(defineCatalog(offered)).toEqual(offered);
  expect(defineCatalog({ volumes: {} })).toEqual({ volumes: {} });
  const wrong = [
    // @ts-expect-error -- no tool of this name
    defineCatalog({ volumes: { npm: { tool: 'npn' } } }),
    // @ts-expect-error -- no tool has the name, so one has to be named
    defineCatalog({ volumes: { 'pip-cache': { docs: 'Wheels.' } } }),
    // @ts-expect-error -- no such tier
    defineCatalog({ volumes: { npm: { tier: 'team' } } }),
    // @ts-expect-error -- no such key of a definition
    defineCatalog({ volumes: { npm: { doc: 'Packages.' } } }),
    // @ts-expect-error -- no such key of a catalog
    defineCatalog({ volume: { npm: {} } }),
    // @ts-expect-error -- compat is text
    defineCatalog({ volumes: { npm: { compat: { node: 22 } } } }),
    // @ts-expect-error -- the wrong one of two is reported
    defineCatalog({ volumes: { npm: {}, wheels: { tool: 'pipp' } } }),
  ];
  expect(wrong).toHaveLength(7);
});

test("a volume of a catalog is requested by its name, in the locked version, in the session's place", async () => {
  const fake = fakeEngine(({ name }) =>
    name === 'catalog'
      ? { catalog: { namespace: 'github.com/acme', definitions: [] } }
      : { catalog: { cacheVolume: info('id-1') }, node: { sizeBytes: 7 } },
  );
  await using engine = await fake.connect();
  const pip = engine.scope('npm', '@acme/build').catalog('my-org').cacheVolume('pip-cache', { sharing: 'SHARED' });
  expect(fake.asked).toEqual([]);
  expect([await pip.id(), await pip.sizeBytes()]).toEqual(['id-1', 7]);
  const locked = { namespace: 'github.com/acme', version: 3, digest: 'ab' };
  await engine.withNamespace('teams/site').catalog('my-org', locked).cacheVolume('npm').in('teams/other').id();
  expect(await engine.catalog('my-org').info()).toMatchObject({ namespace: 'github.com/acme' });
  const plain = { compat: [], source: undefined, owner: undefined };
  expect(fake.asked.map(({ name, variables }) => [name, variables])).toEqual([
    [
      'offeredVolume',
      {
        ...plain,
        offerer: 'my-org',
        name: 'pip-cache',
        namespace: null,
        scope: ['npm', '@acme/build'],
        sharing: 'SHARED',
      },
    ],
    ['volumeSize', { id: 'id-1' }],
    [
      'offeredVolume',
      {
        ...plain,
        offerer: 'github.com/acme',
        version: 3,
        digest: 'ab',
        name: 'npm',
        namespace: 'teams/other',
        scope: [],
        sharing: undefined,
      },
    ],
    ['catalog', { offerer: 'my-org' }],
  ]);
});
