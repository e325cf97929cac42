import { describe, expect, test } from 'vitest';
import { isCachelaneError } from '../errors/errors.ts';
import { fakeEngine, info, json, type Answering } from './fake-engine.fixture.ts';

const volumes: Answering = ({ name }) => {
  if (name === 'volumeByKey') return { cacheVolume: info('id-1') };
  if (name === 'volumeSize') return { node: { sizeBytes: 7 } };
  return { node: null };
};

const newer = async (): Promise<Response> =>
  await Promise.resolve(json({ data: { engine: { version: '9.0.0', protocolVersion: 9 } } }));

describe('a volume', () => {
  test('sends no request before it is used, and asks for its id once', async () => {
    const fake = fakeEngine(volumes);
    await using engine = await fake.connect();
    const source = { directory: '/seed' };
    const npm = engine.cacheVolume('npm', { sharing: 'LOCKED', compat: { image: 'alpine' }, source, owner: '1000' });
    expect(fake.asked).toEqual([]);
    expect([await npm.id(), await npm.sizeBytes(), await npm.sizeBytes()]).toEqual(['id-1', 7, 7]);
    expect(fake.asked.map(({ name }) => name)).toEqual(['volumeByKey', 'volumeSize', 'volumeSize']);
    expect(fake.asked[0]?.variables).toEqual({
      key: 'npm',
      namespace: null,
      scope: [],
      compat: [{ name: 'image', value: 'alpine' }],
      sharing: 'LOCKED',
      source,
      owner: '1000',
    });
    expect(fake.asked[1]?.variables).toEqual({ id: 'id-1' });
  });

  test('sends its source with each request that depends on it, by id for a volume', async () => {
    const fake = fakeEngine(({ name, variables }) => {
      if (name === 'volumeByKey') return { cacheVolume: info(`id-${String(variables['key'])}`) };
      return { node: name === 'volumeExplanation' ? { explain: null } : { blame: [] } };
    });
    await using engine = await fake.connect();
    const stock = engine.cacheVolume('stock');
    const npm = engine.cacheVolume('npm', { source: { volume: stock } });
    await npm.explain();
    await npm.blame('a');
    await engine.volume('id-npm').explain();
    const source = { volume: 'id-stock' };
    expect(fake.asked.map(({ name, variables }) => [name, variables['id'], variables['source']])).toEqual([
      ['volumeByKey', undefined, undefined],
      ['volumeByKey', undefined, source],
      ['volumeExplanation', 'id-npm', source],
      ['volumeBlame', 'id-npm', source],
      ['volumeExplanation', 'id-npm', undefined],
    ]);
  });

  test('is sent with the token and the session, and values are variables', async () => {
    const fake = fakeEngine(volumes);
    await using engine = await fake.connect();
    await engine.cacheVolume('"){ evil }').id();
    const [first] = fake.asked;
    expect(first?.headers.get('authorization')).toBe('Bearer secret');
    expect(first?.headers.get('cachelane-session')).toBe('session-1');
    expect(first?.variables['key']).toBe('"){ evil }');
  });

  test('differs in another namespace, and in a scope', async () => {
    const fake = fakeEngine(volumes);
    await using engine = await fake.connect();
    const npm = engine.cacheVolume('npm');
    await npm.in('github.com/acme').id();
    await npm.scope('npm', '@acme/build').id();
    await engine.scope('go', 'acme.dev/x').scope('inner').cacheVolume('npm').id();
    await engine.withNamespace('teams/site').scope('inner').cacheVolume('npm').id();
    expect(fake.asked.map(({ variables: { namespace, scope } }) => [namespace, scope])).toEqual([
      ['github.com/acme', []],
      [null, ['npm', '@acme/build']],
      [null, ['go', 'acme.dev/x', 'inner']],
      ['teams/site', ['inner']],
    ]);
  });

  test('by its id has a fixed namespace, and may not exist', async () => {
    await using engine = await fakeEngine(volumes).connect();
    const volume = engine.volume('id-9');
    expect(await volume.id()).toBe('id-9');
    expect(() => volume.in('github.com/acme')).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
    await expect(volume.heads()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    // An id of another kind of object.
    await using other = await fakeEngine(() => ({ node: {} })).connect();
    await expect(other.volume('id-9').sizeBytes()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('lists its entries page by page, and fails after a change', async () => {
    const pages = [
      [['a', 'b'], 1],
      [['c'], 1],
    ] as const;
    let generations = [1, 1];
    const fake = fakeEngine(({ name, variables }) => {
      if (name === 'volumeByKey') return { cacheVolume: info('id-1') };
      const at = variables['after'] === null ? 0 : 1;
      const nodes = pages[at]?.[0].map((path) => ({ path }));
      const pageInfo = { hasNextPage: at === 0, endCursor: `after-${at}` };
      return { node: { head: { generation: generations[at], entries: { nodes, pageInfo } } } };
    });
    await using engine = await fake.connect();
    const npm = engine.cacheVolume('npm');
    const paths = async (): Promise<string[]> => {
      const found = [];
      for await (const { path } of npm.entries({ under: 'x', pageSize: 2 })) found.push(path);
      return found;
    };
    expect(await paths()).toEqual(['a', 'b', 'c']);
    expect(fake.asked.slice(1).map(({ variables }) => variables)).toEqual([
      { id: 'id-1', under: 'x', first: 2, after: null },
      { id: 'id-1', under: 'x', first: 2, after: 'after-0' },
    ]);
    generations = [1, 2];
    await expect(paths()).rejects.toMatchObject({ code: 'E_HEAD_MOVED', retryable: true });
  });
});

describe('errors', () => {
  test('have the code, hint and path of the engine', async () => {
    const errors = [
      { message: 'no', path: ['rollback'], extensions: { code: 'E_LAYER_MISSING', hint: 'pull', retryable: true } },
    ];
    const fake = fakeEngine(({ name }) =>
      name === 'rollback' ? json({ data: { rollback: null }, errors }) : { cacheVolume: info('id-1') },
    );
    await using engine = await fake.connect();
    const failed = engine.cacheVolume('npm').rollback({ key: 'once' });
    await expect(failed).rejects.toMatchObject({
      name: 'CachelaneError',
      code: 'E_LAYER_MISSING',
      message: 'no',
      hint: 'pull',
      retryable: true,
      path: ['rollback'],
    });
    expect(await failed.catch((error: unknown) => isCachelaneError(error, 'E_LAYER_MISSING'))).toBe(true);
    expect(await failed.catch((error: unknown) => isCachelaneError(error, 'E_NOT_FOUND'))).toBe(false);
    expect(fake.asked.at(-1)?.variables).toEqual({ volume: 'id-1', dryRun: false, key: 'once' });
  });

  test('of the network, and of other servers, have codes too', async () => {
    const down = fakeEngine(() => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
    });
    await using engine = await down.connect();
    await expect(engine.context()).rejects.toMatchObject({
      code: 'E_ENGINE_GONE',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await using other = await fakeEngine(() => new Response('<html>', { status: 404 })).connect();
    await expect(other.context()).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(fakeEngine(volumes).connect({ address: 'unix:/run/x.sock' })).rejects.toMatchObject({
      code: 'E_USAGE',
      hint: expect.stringContaining('@cachelane/sdk/node'),
    });
  });

  test('of another protocol are reported at the connection', async () => {
    await expect(fakeEngine(volumes).connect({ fetch: newer })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: expect.stringContaining('cachelane 9.0.0'),
    });
  });

  test('of an aborted call are E_ABORTED with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const fake = fakeEngine(async ({ signal }) => {
      controller.abort(reason);
      await Promise.reject(signal?.reason);
      return {};
    });
    await using engine = await fake.connect();
    const { signal } = controller;
    await expect(engine.context({ signal })).rejects.toMatchObject({ code: 'E_ABORTED', cause: reason });
    await expect(engine.cacheVolume('npm').id({ signal })).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(fake.asked.map(({ name }) => name)).toEqual(['context']);
  });
});

describe('an engine', () => {
  test('creates namespaces and lists leases', async () => {
    const lease = { kind: 'PIN', namespace: 'teams/site', key: 'npm', session: 'ses_1', isAlive: true };
    const fake = fakeEngine(({ name, variables: { dryRun } }) => {
      if (name === 'leases') return { leases: [lease] };
      return { createNamespace: { namespace: 'teams/site', isNew: dryRun } };
    });
    await using engine = await fake.connect();
    expect(await engine.leases()).toEqual([lease]);
    expect(await engine.createNamespace('teams/site', { dryRun: true })).toEqual({
      namespace: 'teams/site',
      isNew: true,
    });
    expect((await engine.createNamespace('teams/site')).isNew).toBe(false);
    expect(fake.asked.slice(1).map(({ variables }) => variables)).toEqual([
      { path: 'teams/site', dryRun: true },
      { path: 'teams/site', dryRun: false },
    ]);
  });
});
