import { expect, test } from 'vitest';
import { LostAnswerError } from '../errors/lost-answer-error.ts';
import { fakeEngine, info, type Answering } from './fake-engine.fixture.ts';

const forked = (key: string, environment: readonly object[] = []): object => ({
  key,
  namespace: 'n',
  directory: `/forks/${key}`,
  environment,
  sharing: 'PRIVATE',
  lane: 't1:local',
});
/** The names that the client gives its forks. */
const ownKey: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);
const leading = (key: string): object => forked(key, [{ name: 'CACHE', value: `/forks/${key}` }]);

const attaching =
  (...of: readonly object[]): Answering =>
  ({ name, variables }) => {
    if (name === 'volumeByKey') return { cacheVolume: info(`id-${String(variables['key'])}`) };
    if (name === 'attach') return { attach: { id: 'fork-1', run: 'run_1', volumes: of } };
    return name === 'commit' ? { commit: [{ key: 'npm', added: 1 }] } : { discard: true };
  };

test('a fork is discarded unless it was committed', async () => {
  const fake = fakeEngine(attaching(forked('npm', [{ name: 'npm_config_cache', value: '/forks/npm' }])));
  await using engine = await fake.connect();
  const asked = { volume: engine.cacheVolume('npm', { sharing: 'SHARED' }), variable: 'NPM_DIR' };
  {
    await using fork = await engine.attach([asked], { lockTimeoutSeconds: 3 });
    expect(fork.directory).toBe('/forks/npm');
    expect(fork.environment).toEqual({ npm_config_cache: '/forks/npm', NPM_DIR: '/forks/npm' });
  }
  {
    await using fork = await engine.attach([{ ...asked, sharing: 'LOCKED', mode: 'READ' }]);
    expect(await fork.commit()).toEqual([{ key: 'npm', added: 1 }]);
  }
  expect(fake.asked.slice(1).map(({ name, variables }) => [name, variables])).toEqual([
    ['attach', { volumes: [{ volume: 'id-npm', sharing: 'SHARED' }], lockTimeoutSeconds: 3, key: ownKey }],
    ['discard', { fork: 'fork-1' }],
    ['attach', { volumes: [{ volume: 'id-npm', sharing: 'LOCKED', mode: 'READ' }], key: ownKey }],
    ['commit', { fork: 'fork-1', exitCode: 0 }],
  ]);
});

test("a fork is requested with its volumes' sources, unless the request sets others", async () => {
  const fake = fakeEngine(attaching(forked('npm'), forked('go')));
  await using engine = await fake.connect();
  const source = { directory: '/seed' };
  const npm = engine.cacheVolume('npm', { source });
  await using _ = await engine.attach([npm, { volume: npm, source: { volume: engine.cacheVolume('go') } }]);
  const asked = fake.asked.find(({ name }) => name === 'attach');
  expect(asked?.variables).toMatchObject({
    volumes: [
      { volume: 'id-npm', source },
      { volume: 'id-npm', source: { volume: 'id-go' } },
    ],
  });
});

test('a fork of several volumes has no single directory, and no variable with two', async () => {
  await using engine = await fakeEngine(attaching(leading('a'), leading('b'))).connect();
  await using fork = await engine.attach([engine.cacheVolume('a'), engine.cacheVolume('b')]);
  expect(fork.volumes.map(({ directory }) => directory)).toEqual(['/forks/a', '/forks/b']);
  expect(() => fork.directory).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  expect(() => fork.environment).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
});

test.each([
  ['both', { directory: '/seed', volume: { id: async () => await Promise.resolve('id-go') } }],
  ['nothing', {}],
  ['not a text', { directory: 7 }],
  ['an id instead of a volume', { volume: 'id-go' }],
])('a source that is %s is refused with a message', async (_, source) => {
  await using engine = await fakeEngine(attaching(forked('npm'))).connect();
  const npm = engine.cacheVolume('npm');
  await expect(engine.attach([{ volume: npm, source: source as never }])).rejects.toMatchObject({ code: 'E_USAGE' });
  await expect(engine.cacheVolume('npm', { source: source as never }).info()).rejects.toMatchObject({
    code: 'E_USAGE',
  });
});

test('a commit with a lost answer stays in doubt until the engine answers', async () => {
  let isThere = true;
  const fake = fakeEngine((asked) => {
    if (asked.name !== 'commit') return attaching(forked('npm'))(asked);
    const code = isThere ? 'ECONNRESET' : 'ECONNREFUSED';
    isThere = false;
    throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  });
  await using engine = await fake.connect();
  const fork = await engine.attach([engine.cacheVolume('npm')]);
  for (let times = 0; times < 2; times++) await expect(fork.commit()).rejects.toBeInstanceOf(LostAnswerError);
});

test("a dead engine does not hide the program's error", async () => {
  const fake = fakeEngine((asked) => {
    if (asked.name === 'discard') throw new TypeError('fetch failed');
    return attaching(forked('npm'))(asked);
  });
  await using engine = await fake.connect();
  const work = async (): Promise<void> => {
    await using fork = await engine.attach([engine.cacheVolume('npm')]);
    throw new Error(`mine in ${fork.id}`);
  };
  await expect(work()).rejects.toThrow('mine in fork-1');
});

test.each([
  [
    'ECONNREFUSED',
    { name: 'CachelaneError', retryable: false, message: expect.stringContaining('none of it was saved') },
  ],
  [
    'ECONNRESET',
    { name: 'CachelaneError', retryable: true, message: expect.stringContaining('may or may not have been made') },
  ],
])('a commit that finds no engine reports the state of the fork: %s', async (code, expected) => {
  const fake = fakeEngine((asked) => {
    if (asked.name === 'commit')
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
    return attaching(forked('npm'))(asked);
  });
  await using engine = await fake.connect();
  await using fork = await engine.attach([engine.cacheVolume('npm')]);
  await expect(fork.commit()).rejects.toMatchObject({ ...expected, code: 'E_ENGINE_GONE' });
});
