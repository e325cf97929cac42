import { CachelaneError, newId } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { Client } from '../request/clients.ts';
import { ForkRoom } from '../request/fork-room.ts';
import { formatForkId, parseForkId } from '../values/fork-id.ts';
import { attachQuery, forkOf, idOf, type ForkFacts } from './mutations-killed.fixture.ts';
import { testHome, testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

const commitQuery = 'mutation ($fork: ID!) { commit(fork: $fork) { key added layer skipped } }';
const anyLayer: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);

const commit = async (on: TestWorld, fork: string, session: string | null = null): ReturnType<TestWorld['ask']> =>
  await on.ask(commitQuery, { variables: { fork }, session });

const idsOf = async (on: TestWorld, ...keys: readonly string[]): Promise<string[]> =>
  await Promise.all(keys.map(async (key) => await idOf(on, key)));

describe('a commit with a lost answer', () => {
  test('is repeated by the same engine, and by the next one as far as history goes', async () => {
    const home = testHome();
    const engine = testWorld({ home });
    const fork = await forkOf(engine, await idsOf(engine, 'npm', 'data', 'other'), null);
    for (const index of [0, 2]) engine.directory(fork.volumes[index]?.directory ?? '').write('mine', '1');
    const line = { added: 1, layer: anyLayer, skipped: null };
    const none: Record<string, unknown> = { key: 'data', added: 0, layer: null, skipped: null };
    const expected = [{ ...line, key: 'npm' }, none, { ...line, key: 'other' }];
    for (let times = 0; times < 2; times++) {
      expect(await commit(engine, fork.id)).toEqual({ data: { commit: expected } });
    }
    await using next = testWorld({ home });
    // The commit continued after the volume without history.
    none['skipped'] = expect.stringContaining('history has no entry');
    expect(await commit(next, fork.id)).toEqual({ data: { commit: expected } });
  });

  test('of a fork that saves nothing is repeated', async () => {
    const home = testHome();
    const engine = testWorld({ home });
    const volumes = [{ volume: await idOf(engine, 'npm'), mode: 'READ' }];
    const { attach } = (await engine.data(attachQuery, { variables: { volumes } })) as unknown as { attach: ForkFacts };
    const first = await commit(engine, attach.id);
    expect(first).toEqual({ data: { commit: [{ key: 'npm', added: 0, layer: null, skipped: 'mode read' }] } });
    await using next = testWorld({ home });
    expect(await commit(next, attach.id)).toEqual(first);
  });

  test('after failed work saves what tools leave complete, and is repeated', async () => {
    const home = testHome();
    const engine = testWorld({ home });
    const fork = await forkOf(engine, await idsOf(engine, 'npm', 'careful'), null);
    for (const { directory } of fork.volumes) engine.directory(directory).write('mine', '1');
    const query = commitQuery.replace('fork: $fork', 'fork: $fork, exitCode: 3');
    const first = await engine.ask(query, { variables: { fork: fork.id } });
    const skipped = 'the command failed with exit code 3';
    const [npm, careful] = [
      { added: 1, layer: anyLayer, skipped: null },
      { added: 0, layer: null, skipped },
    ];
    expect(first).toEqual({
      data: {
        commit: [
          { key: 'npm', ...npm },
          { key: 'careful', ...careful },
        ],
      },
    });
    await using next = testWorld({ home });
    expect(await next.ask(query, { variables: { fork: fork.id } })).toEqual(first);
    const beyond = await next.ask(query.replace('3', '256'), { variables: { fork: fork.id } });
    expect(beyond.errors?.[0]?.extensions.code).toBe('E_USAGE');
  });

  test('with one unsaved volume names what was saved and what was not, each time', async () => {
    const home = testHome();
    const engine = testWorld({ home });
    for (const key of ['npm', 'data', 'other']) await engine.save('/web', key, { a: '1' });
    const ids = await idsOf(engine, 'npm', 'data', 'other');
    const fork = await forkOf(engine, ids, 'mine');
    await engine.data('mutation ($volume: ID!) { remove(volume: $volume) { lane } }', {
      variables: { volume: ids[1] },
    });
    const message: unknown = expect.stringMatching(
      /^data was not saved: .* was removed while .*; npm was saved before it, and not saved: other$/,
    );
    for (let times = 0; times < 2; times++) {
      expect((await commit(engine, fork.id)).errors?.[0]).toMatchObject({
        message,
        extensions: { code: 'E_NOT_FOUND' },
      });
    }
    await using next = testWorld({ home });
    expect((await commit(next, fork.id)).errors?.[0]).toMatchObject({
      message: 'the fork has ended, and of the fork npm was saved; not saved, or unchanged: data, other',
      extensions: { code: 'E_NOT_SAVED' },
    });
  });

  test('of a session that ended before says that nothing was saved', async () => {
    await using on = testWorld();
    const { openSession } = await on.data('mutation { openSession(directory: "/web") { token } }');
    const { token: session } = openSession as { readonly token: string };
    const variables = { volumes: [{ volume: await idOf(on, 'npm') }] };
    const { attach } = (await on.data(attachQuery, { variables, session })) as unknown as { attach: ForkFacts };
    await on.data('mutation { closeSession }', { session });
    expect((await commit(on, attach.id)).errors?.[0]).toMatchObject({
      message: 'the fork has ended, and nothing of the fork was saved; not saved, or unchanged: npm',
      extensions: { code: 'E_NOT_SAVED', retryable: false, hint: expect.stringContaining(attach.run) },
    });
  });

  test('is hidden from callers that may not see its volumes, and a made-up id has none', async () => {
    await using on = testWorld();
    const fork = await forkOf(on, [await idOf(on, 'npm', 'github.com/acme/secret')], 'mine');
    await on.data(commitQuery, { variables: { fork: fork.id } });
    const { openSession } = await on.data(
      'mutation { openSession(directory: "/web", namespace: "github.com/acme/web", confine: true) { token } }',
    );
    const { token: session } = openSession as { readonly token: string };
    expect((await commit(on, fork.id, session)).errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
    const known = parseForkId(fork.id);
    if (known === undefined) throw new Error('it is the id of a fork');
    expect(formatForkId(known)).toBe(fork.id);
    const made = [
      ['f'],
      ['f', known.session, known.run, 'no lane', 'WRITE', known.volumes],
      ['v', 'a', 'b', []],
      7,
      'ses_1',
    ];
    for (const each of made) {
      const id = Buffer.from(JSON.stringify(each)).toString('base64url');
      expect([parseForkId(id), (await commit(on, id)).errors?.[0]?.extensions.code]).toEqual([
        undefined,
        'E_NOT_FOUND',
      ]);
    }
  });
});

const attach = async (on: TestWorld, variables: Readonly<Record<string, unknown>>): ReturnType<TestWorld['ask']> =>
  await on.ask(attachQuery, { variables });

describe('an attach with a key', () => {
  test('opens a new fork after the first one ended, and in another session', async () => {
    await using on = testWorld();
    const asked = { volumes: [{ volume: await idOf(on, 'npm'), sharing: 'LOCKED' }], key: 'mine' };
    const first = await attach(on, asked);
    expect(await attach(on, asked)).toEqual(first);
    const { id } = (first.data as { readonly attach: ForkFacts }).attach;
    await on.data('mutation ($fork: ID!) { discard(fork: $fork) }', { variables: { fork: id } });
    const second = await attach(on, asked);
    expect(second.errors).toBeUndefined();
    expect(second).not.toEqual(first);
    const { openSession } = await on.data('mutation { openSession(directory: "/web") { token } }');
    const { token: session } = openSession as { readonly token: string };
    const other = await on.ask(attachQuery, { variables: { ...asked, key: 'mine' }, session });
    // The first session's fork holds the lock.
    expect(other.errors?.[0]?.extensions.code).toBe('E_LOCKED');
  });

  test('is refused for other volumes, and for an invalid key', async () => {
    await using on = testWorld();
    const [npm, data] = await idsOf(on, 'npm', 'data');
    await attach(on, { volumes: [{ volume: npm }], key: 'mine' });
    for (const asked of [
      { volumes: [{ volume: data }], key: 'mine' },
      { volumes: [{ volume: npm }], key: '' },
    ]) {
      expect((await attach(on, asked)).errors?.[0]?.extensions.code).toBe('E_USAGE');
    }
  });

  test('that failed is retried', async () => {
    await using on = testWorld();
    const npm = await idOf(on, 'npm');
    const holder = await attach(on, { volumes: [{ volume: npm, sharing: 'LOCKED' }] });
    const asked = { volumes: [{ volume: npm, sharing: 'LOCKED' }], key: 'mine' };
    expect((await attach(on, asked)).errors?.[0]?.extensions).toEqual({
      code: 'E_LOCKED',
      hint: 'lockTimeoutSeconds sets how long attach waits',
      retryable: true,
    });
    const { id } = (holder.data as { readonly attach: ForkFacts }).attach;
    await commit(on, id);
    expect((await attach(on, asked)).errors).toBeUndefined();
  });
});

const full = async (): Promise<never> =>
  await Promise.reject(new CachelaneError('E_DISK_FULL', 'no space left', { hint: 'free some space' }));

describe('a commit that fails', () => {
  test('leaves the fork open for another commit or a discard', async () => {
    await using on = testWorld();
    const { layers } = on.world.deps;
    let isFull = true;
    const failing = new Proxy(layers, {
      get: (target, name) => (name === 'stage' && isFull ? full : (Reflect.get(target, name) as unknown)),
    });
    Object.assign(on.world.deps, { layers: failing });
    const attach = async (key: string): Promise<ForkFacts> => {
      const variables = { key, volumes: [{ volume: await idOf(on, 'npm') }] };
      return ((await on.data(attachQuery, { variables })) as unknown as { attach: ForkFacts }).attach;
    };
    const [first, second] = [await attach('first'), await attach('second')];
    for (const { volumes } of [first, second]) on.directory(volumes[0]?.directory ?? '').write('mine', '1');
    for (const { id } of [first, first, second]) {
      expect((await commit(on, id)).errors?.[0]).toMatchObject({
        message: 'no space left',
        extensions: { code: 'E_DISK_FULL', hint: expect.stringContaining('commit it again, or discard it') },
      });
    }
    isFull = false;
    // The same request still returns the same fork.
    expect((await attach('first')).id).toBe(first.id);
    for (let times = 0; times < 2; times++) {
      expect(await commit(on, first.id)).toMatchObject({ data: { commit: [{ added: 1 }] } });
    }
    const discard = 'mutation ($fork: ID!) { discard(fork: $fork) }';
    expect(await on.data(discard, { variables: { fork: second.id } })).toEqual({ discard: true });
    expect(await on.data(discard, { variables: { fork: second.id } })).toEqual({ discard: false });
    expect((await commit(on, second.id)).errors?.[0]).toMatchObject({ extensions: { code: 'E_NOT_SAVED' } });
  });

  test('discards the fork if its session has ended', async () => {
    let isOpen = true;
    const failing = Promise.withResolvers<never>();
    const fork = {
      sessionId: newId('session', new Uint8Array(16)),
      run: newId('run', new Uint8Array(16)),
      volumes: [],
      get isOpen() {
        return isOpen;
      },
      commit: async () => await failing.promise,
      discard: async () => {
        isOpen = false;
        await Promise.resolve();
      },
    };
    const clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => await Promise.resolve() };
    const place = { directory: null, namespace: null, isConfined: false, environment: null };
    const client = new Client({ place, project: null, clock, room: new ForkRoom(1, null) });
    const attached = { id: 'mine', fork };
    await client.keep(async () => await Promise.resolve(attached), new AbortController().signal);
    const committed = client.commit(attached);
    await client.leave();
    isOpen = true;
    failing.reject(new Error('the disk is full'));
    await expect(committed).rejects.toThrow('the disk is full');
    expect([isOpen, client.fork('mine')]).toEqual([false, undefined]);
  });
});
