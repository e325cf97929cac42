import { describe, expect, test } from 'vitest';
import type { Engine } from '../engine/engine.ts';
import { isCachelaneError } from '../errors/errors.ts';
import { extendEngine, notOffered } from '../engine/extend-engine.ts';
import { fakeEngine, info, refusal, type Answering } from '../engine/fake-engine.fixture.ts';

const offering: Answering = ({ name, variables }) => {
  if (name === 'offeredVolume') return { catalog: { cacheVolume: info(`id-${String(variables['name'])}`) } };
  if (name === 'attach') return { attach: { id: 'fork', run: 'run', volumes: [] } };
  return { node: { sizeBytes: 7 }, discard: true };
};

const locked = { namespace: 'github.com/acme', version: 4, digest: 'd'.repeat(64) };

describe('a volume of a catalog', () => {
  test('is requested by its name when it is first used, and once', async () => {
    const fake = fakeEngine(offering);
    await using engine = await fake.connect();
    const pip = engine.catalog('my-org').cacheVolume('pip-cache', { sharing: 'LOCKED', compat: { image: 'alpine' } });
    expect(fake.asked).toEqual([]);
    expect([await pip.id(), await pip.sizeBytes()]).toEqual(['id-pip-cache', 7]);
    expect(fake.asked.map(({ name }) => name)).toEqual(['offeredVolume', 'volumeSize']);
    expect(fake.asked[0]?.variables).toEqual({
      offerer: 'my-org',
      name: 'pip-cache',
      namespace: null,
      scope: [],
      compat: [{ name: 'image', value: 'alpine' }],
      sharing: 'LOCKED',
    });
  });

  test('has the locked version, and the given namespace', async () => {
    const fake = fakeEngine(offering);
    await using engine = await fake.connect();
    await engine.withNamespace('a/b').scope('c').catalog('my-org', locked).cacheVolume('npm').scope('d').id();
    expect(fake.asked[0]?.variables).toMatchObject({
      offerer: 'github.com/acme',
      version: 4,
      digest: locked.digest,
      namespace: 'a/b',
      scope: ['c', 'd'],
    });
  });

  test('can be passed on with its options', async () => {
    const fake = fakeEngine(offering);
    await using engine = await fake.connect();
    const offered = engine.catalog('my-org', locked);
    const source = { volume: offered.cacheVolume('stock') };
    await using _ = await engine.attach([offered.cacheVolume('npm', { sharing: 'SHARED', source })]);
    expect(fake.asked.find(({ name }) => name === 'attach')?.variables['volumes']).toEqual([
      { volume: 'id-npm', sharing: 'SHARED', source: { volume: 'id-stock' } },
    ]);
  });

  test('is an error if the engine does not have the name', async () => {
    const fake = fakeEngine(() => refusal('E_CATALOG'));
    await using engine = await fake.connect();
    await expect(engine.catalog('my-org').cacheVolume('x').id()).rejects.toMatchObject({ code: 'E_CATALOG' });
  });
});

const withPip = <E extends Engine>(engine: E) =>
  extendEngine(engine, (each) => ({ pip: () => each.catalog('my-org').cacheVolume('pip') }));

describe('an engine with more methods', () => {
  test('has them in all of its namespaces and scopes', async () => {
    const fake = fakeEngine(offering);
    await using engine = withPip(await fake.connect());
    await engine.pip().id();
    await engine.withNamespace('a/b').pip().id();
    await engine.scope('c').scope('d').pip().id();
    expect(fake.asked.map(({ variables: { namespace, scope } }) => [namespace, scope])).toEqual([
      [null, []],
      ['a/b', []],
      [null, ['c', 'd']],
    ]);
  });

  test('has the methods of several catalogs, and is closed as one', async () => {
    const fake = fakeEngine(offering);
    const engine = extendEngine(withPip(await fake.connect()), () => ({ seven: () => 7 }));
    expect([engine.scope('c').seven(), await engine.scope('c').pip().id()]).toEqual([7, 'id-pip']);
    await engine.close();
    expect(fake.asked.at(-1)?.name).toBe('closeSession');
  });
});

test('a removed definition throws with the reason', () => {
  let thrown: unknown;
  try {
    notOffered('old-cache was removed in version 4: use uv-cache');
  } catch (error) {
    thrown = error;
  }
  expect(isCachelaneError(thrown, 'E_CATALOG')).toBe(true);
  expect((thrown as Error).message).toBe('old-cache was removed in version 4: use uv-cache');
});
