import { CachelaneError, limits, newId } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { openApi } from '../execute/api.ts';
import { EndedForks } from '../request/ended-forks.ts';
import { formatForkId, parseForkId, type ForkId } from '../values/fork-id.ts';
import { attachQuery, forkOf, idOf, type ForkFacts } from './mutations-killed.fixture.ts';
import { testHome, testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

const commitQuery = 'mutation ($fork: ID!) { commit(fork: $fork) { key added skipped } }';
const secret = 'github.com/acme/secret';

const commit = async (on: TestWorld, fork: string, session: string | null = null): ReturnType<TestWorld['ask']> =>
  await on.ask(commitQuery, { variables: { fork }, session });

async function sessionOf(on: TestWorld, isConfined: boolean): Promise<string> {
  const place = 'directory: "/web", namespace: "github.com/acme/web"';
  const query = `mutation ($confine: Boolean!) { openSession(${place}, confine: $confine) { token } }`;
  const { openSession } = await on.data(query, { variables: { confine: isConfined } });
  return (openSession as { readonly token: string }).token;
}

function known(fork: ForkFacts): ForkId {
  const id = parseForkId(fork.id);
  if (id === undefined) throw new Error('it is the id of a fork');
  return id;
}

const saved = { data: { commit: [{ key: 'npm', added: 1, skipped: null }] } };
const notOver = { code: 'E_LOCKED', hint: expect.any(String) as unknown, retryable: true };

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `volume ${index}`);

const busy = async (): Promise<never> =>
  await Promise.reject(new CachelaneError('E_STORE_BUSY', 'the store is busy', { retryable: true }));

const readingAll = async (): Promise<never> => await Promise.reject(new Error('all runs were read'));

/** The error of a fork's commit. */
async function refusalOf(on: TestWorld, fork: string, session: string | null = null): Promise<unknown> {
  return (await commit(on, fork, session)).errors?.[0]?.extensions;
}

describe('a made-up id of a fork', () => {
  test.each([true, false])('does not reveal what the fork saved, ended (%s) or live', async (ended) => {
    await using on = testWorld();
    const fork = await forkOf(on, [await idOf(on, 'npm', secret)], 'mine');
    if (ended) await commit(on, fork.id);
    const session = await sessionOf(on, true);
    const mine = await idOf(on, 'npm');
    expect(await refusalOf(on, formatForkId({ ...known(fork), volumes: [] }), session)).toMatchObject({
      code: 'E_NOT_FOUND',
    });
    // For a visible volume it gets the truth about that volume, but not that the session exists.
    const answer = await commit(on, formatForkId({ ...known(fork), volumes: [mine] }), session);
    expect(answer.errors?.[0]).toMatchObject({
      message: 'the fork has ended, and nothing of the fork was saved; not saved, or unchanged: npm',
      extensions: { code: 'E_NOT_SAVED' },
    });
    const never = formatForkId({ ...known(fork), session: newId('session', new Uint8Array(16)), volumes: [mine] });
    expect(await commit(on, never, session)).toEqual(answer);
  });

  test('commits and discards nothing, even if it nearly matches an own fork', async () => {
    await using on = testWorld();
    const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
    const forged = formatForkId({ ...known(fork), volumes: [await idOf(on, 'data')] });
    expect(await refusalOf(on, forged)).toMatchObject({ code: 'E_NOT_SAVED' });
    const discard = 'mutation ($fork: ID!) { discard(fork: $fork) }';
    expect(await on.data(discard, { variables: { fork: forged } })).toEqual({ discard: false });
    expect(await commit(on, fork.id)).toEqual(saved);
  });

  test('is invalid with too many volumes, or the same one twice', async () => {
    await using on = testWorld();
    const fork = known(await forkOf(on, [await idOf(on, 'npm')], null));
    const isParsed = (volumes: readonly string[]): boolean =>
      parseForkId(formatForkId({ ...fork, volumes })) !== undefined;
    const most = limits.volumesPerRun;
    expect([named(0), named(1), named(most), named(most + 1), ['a', 'b', 'a']].map(isParsed)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('a live fork is not reported as ended', () => {
  test('to another session of the same engine, which gets the result after the commit', async () => {
    await using on = testWorld();
    const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
    const session = await sessionOf(on, false);
    expect(await refusalOf(on, fork.id, session)).toEqual(notOver);
    expect(await commit(on, fork.id)).toEqual(saved);
    expect(await commit(on, fork.id, session)).toEqual(saved);
  });

  test('to another engine of the same home', async () => {
    const home = testHome();
    await using on = testWorld({ home });
    await using other = testWorld({ home });
    const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
    expect(await refusalOf(other, fork.id)).toEqual(notOver);
    await commit(on, fork.id);
    expect(await commit(other, fork.id)).toEqual(saved);
  });

  test('during its commit, however many others were committed since', async () => {
    const ended = new EndedForks();
    const { promise, resolve } = Promise.withResolvers<never[]>();
    const slow = { by: Symbol('client'), commit: promise };
    ended.keep('slow', slow);
    for (let n = 0; n < 1000; n += 1) ended.keep(`fork ${n}`, { ...slow, commit: Promise.resolve([]) });
    await Promise.resolve();
    expect([ended.of('slow'), ended.of('fork 0'), ended.of('fork 999')]).toEqual([
      slow,
      undefined,
      expect.objectContaining({ commit: expect.any(Promise) }),
    ]);
    resolve([]);
    await promise;
    expect(ended.of('slow')).toBe(slow);
  });
});

describe('an error after a fork has ended', () => {
  const isOver = {
    message: expect.stringContaining('the store is busy') as unknown,
    extensions: {
      code: 'E_STORE_BUSY',
      hint: expect.stringContaining('the fork has ended') as unknown,
      retryable: false,
    },
  };

  test.each([[['npm']], [['npm', 'data']]])(
    'is reported once as not retryable, and then the saved volumes: %j',
    async (keys) => {
      await using on = testWorld();
      Object.assign(on.world, { afterSaving: busy });
      const fork = await forkOf(on, await Promise.all(keys.map(async (key) => await idOf(on, key))), 'mine');
      expect((await commit(on, fork.id)).errors?.[0]).toMatchObject(isOver);
      for (let times = 0; times < 2; times++) {
        expect(await commit(on, fork.id)).toEqual({
          data: { commit: keys.map((key) => ({ key, added: 1, skipped: null })) },
        });
      }
    },
  );

  test.each([[['npm']], [['npm', 'data']]])(
    'because its session was closed does not say that it is still open: %j',
    async (keys) => {
      await using on = testWorld();
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const { promise: closed, resolve: goOn } = Promise.withResolvers<void>();
      const stage = async (): Promise<never> => {
        begin();
        await closed;
        return await busy();
      };
      const { layers } = on.world.deps;
      const failing = new Proxy(layers, {
        get: (target, name) => (name === 'stage' ? stage : (Reflect.get(target, name) as unknown)),
      });
      const session = await sessionOf(on, false);
      const ids = await Promise.all(keys.map(async (key) => await idOf(on, key)));
      Object.assign(on.world.deps, { layers: failing });
      const variables = { volumes: ids.map((volume) => ({ volume })) };
      const { attach } = (await on.data(attachQuery, { variables, session })) as unknown as { attach: ForkFacts };
      for (const { directory } of attach.volumes) on.directory(directory).write('mine', '1');
      const failed = commit(on, attach.id, session);
      await begun;
      await on.data('mutation { closeSession }', { session });
      goOn();
      expect((await failed).errors?.[0]).toMatchObject(isOver);
      expect(await refusalOf(on, attach.id)).toMatchObject({ code: 'E_NOT_SAVED', retryable: false });
    },
  );
});

test('a commit without a waiting client ends before the engine does', async () => {
  await using on = testWorld();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: after, resolve: goOn } = Promise.withResolvers<void>();
  const log: string[] = [];
  const afterSaving = async (): Promise<void> => {
    begin();
    await after;
    log.push('saved');
  };
  const api = openApi(
    { ...on.world, afterSaving },
    { directory: '/web', namespace: null, environment: null, isConfined: false },
  );
  const gone = new AbortController();
  const ask = async (query: string, variables: object): Promise<unknown> => {
    const operation = { query, variables: variables as Readonly<Record<string, unknown>>, operationName: null };
    return (await api.execute(operation, null, gone.signal)).data;
  };
  const { attach } = (await ask(attachQuery, { volumes: [{ volume: await idOf(on, 'npm') }] })) as {
    attach: ForkFacts;
  };
  on.directory(attach.volumes[0]?.directory ?? '').write('mine', '1');
  const committed = ask(commitQuery, { fork: attach.id });
  await begun;
  gone.abort();
  const ended = api[Symbol.asyncDispose]().then(() => log.push('ended'));
  // Work without a waiting client has ended by then.
  for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
  goOn();
  await Promise.all([committed, ended]);
  expect(log).toEqual(['saved', 'ended']);
});

describe('what a repeated commit costs', () => {
  test('does not depend on the number of runs', async () => {
    const home = testHome();
    const before = testWorld({ home });
    const fork = await forkOf(before, [await idOf(before, 'npm')], 'mine');
    await commit(before, fork.id);
    await using on = testWorld({ home });
    const metadata = new Proxy(on.world.deps.metadata, {
      get: (target, name) => (name === 'listReads' ? readingAll : (Reflect.get(target, name) as unknown)),
    });
    Object.assign(on.world.deps, { metadata });
    expect(await commit(on, fork.id)).toEqual(saved);
  });

  test('is limited: at most a hundred in one request', async () => {
    await using on = testWorld();
    const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
    const many = Array.from({ length: 100 }, (_, n) => `c${n}: commit(fork: $fork) { key }`).join(' ');
    const answer = await on.ask(`mutation ($fork: ID!) { ${many} }`, { variables: { fork: fork.id } });
    expect(answer.errors?.[0]?.extensions.code).toBe('E_LIMIT');
  });
});
