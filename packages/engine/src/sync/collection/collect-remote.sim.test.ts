import {
  type Clock,
  type Remote,
  type RemoteKey,
  decodeManifest,
  defaultPolicy,
  headPrefix,
  indexKey,
  isCachelaneError,
  newAttempt,
  openIndex,
  parseRemoteKey,
} from '@cachelane/core';
import { type MemoryRemoteState, emptyRemoteState, memoryRemote, noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { namesRun } from '../../heads/without-run.ts';
import { type TestEngine, install, testEngine, testHome } from '../../testing/test-engine.fixture.ts';
import { type RemoteCollection, collectionKey, encodeCollection, objectsOf } from '../heads/remote-collection.ts';
import { findPending, pushPending } from '../push/push-pending.ts';
import { revokeThere } from '../revoke/revoke-there.ts';
import { type Turns, playAll } from '../turns.fixture.ts';
import { collectRemote } from './collect-remote.ts';

// A push or revocation that relies on an object, and a collection that deletes it, in every order of their calls: no head ever names a
// missing object.

const hourMs = 3_600_000;

/** A machine with unpushed layers, always the same. */
async function saver(remote: Remote, names: readonly string[]): Promise<TestEngine> {
  const engine = testEngine({ seed: 'saver', home: testHome(), remote });
  for (const name of names) await engine.run(([volume]) => install(volume, name), { request: { push: 'never' } });
  return engine;
}

async function pushAll({ deps }: TestEngine, remote: Remote, clock = deps.clock): Promise<void> {
  const own = { ...deps, clock, remote };
  for (const pending of await findPending(own, noAbort)) await pushPending(own, pending, noAbort);
}

/** Objects without a head that an interrupted push left three days ago. */
async function leftovers(names: readonly string[] = ['a']): Promise<MemoryRemoteState> {
  const state = emptyRemoteState();
  await pushAll(await saver(memoryRemote(state), names), memoryRemote(state));
  for (const key of state.heads.keys()) if (key.startsWith(headPrefix)) state.heads.delete(key);
  age(state);
  return state;
}

function age(state: MemoryRemoteState): void {
  for (const [key, object] of state.objects)
    state.objects.set(key, { ...object, storedAtMs: state.nowMs - 72 * hourMs });
}

function copyOf(state: MemoryRemoteState): MemoryRemoteState {
  return { objects: new Map(state.objects), heads: new Map(state.heads), nowMs: state.nowMs };
}

async function mark(state: MemoryRemoteState, collection: Partial<RemoteCollection>): Promise<void> {
  const markedAtMs = state.nowMs - 25 * hourMs;
  const bytes = encodeCollection({ phase: 'marked', markedAtMs, deletingAtMs: 0, keys: [], ...collection });
  const attempt = newAttempt(new Uint8Array(16).fill(9));
  await memoryRemote(state).heads.swap({ key: collectionKey, bytes, expected: null, attempt }, noAbort);
}

function dangling(state: MemoryRemoteState): readonly RemoteKey[] {
  return [...state.heads].flatMap(([key, { bytes }]) =>
    key.startsWith(headPrefix) && bytes !== null
      ? objectsOf(decodeManifest(bytes, null)).filter((object) => !state.objects.has(object))
      : [],
  );
}

/** The process beside a collection; its calls to `remote` wait for their turns. */
type Act = (state: MemoryRemoteState, remote: Remote, clock: (inner: Clock) => Clock) => Promise<void>;

const pushOf =
  (names: readonly string[]): Act =>
  async (state, remote, clock) => {
    const engine = await saver(memoryRemote(state), names);
    await pushAll(engine, remote, clock(engine.deps.clock));
  };

interface Variant {
  readonly prepare: (state: MemoryRemoteState) => Promise<void>;
  readonly act?: Act;
  /** Replaces its remote. The first order that breaks is the last one played. */
  readonly spoil?: (remote: Remote) => Remote;
}

interface Explored {
  readonly orders: number;
  /** Orders in which a head named a missing object at some moment. */
  readonly broken: number;
  readonly sent: number;
  readonly deleted: number;
}

async function explore(left: MemoryRemoteState, { prepare, act = pushOf(['a']), spoil }: Variant): Promise<Explored> {
  let state = copyOf(left);
  let isBroken = false;
  const found = { broken: 0, sent: 0, deleted: 0 };
  const endOrder = (): void => {
    if (isBroken) found.broken += 1;
    isBroken = false;
  };
  const start = (turns: Turns): Readonly<Record<string, () => Promise<void>>> => {
    endOrder();
    state = copyOf(left);
    const own = state;
    return {
      push: async () => {
        await prepare(own);
        const plain = turns.remote('push', memoryRemote(own));
        const remote = spoil?.(plain) ?? plain;
        try {
          await act(own, remote, (inner) => turns.clock('push', inner));
          found.sent += 1;
        } catch (error) {
          if (!isCachelaneError(error, 'E_REMOTE_BUSY')) throw error;
        }
      },
      collect: async () => {
        const { deps } = testEngine({ seed: 'collector' });
        const remote = turns.remote('collect', memoryRemote(own));
        const clock = turns.clock('collect', { ...deps.clock, monotonicMs: () => 0 });
        const options = { policyOf: () => defaultPolicy, dryRun: false, onlyIfDue: false };
        const { deleted } = await collectRemote({ remote, clock, random: deps.random }, options, noAbort);
        found.deleted += deleted.length > 0 ? 1 : 0;
      },
    };
  };
  const orders = await playAll(start, () => {
    isBroken ||= dangling(state).length > 0;
    return isBroken && spoil !== undefined ? 'enough' : undefined;
  });
  endOrder();
  return { orders, ...found };
}

async function due(state: MemoryRemoteState): Promise<void> {
  await mark(state, { keys: [...state.objects.keys()] });
}

/** A remote on which a push stores no object again. */
function renewingNothing(remote: Remote): Remote {
  return {
    ...remote,
    objects: { ...remote.objects, renew: async () => await Promise.resolve() },
  };
}

/** A remote on which a push does not check the collection state again. */
function lookingOnce(remote: Remote): Remote {
  let first: Promise<Awaited<ReturnType<typeof remote.heads.read>>> | undefined;
  const read: typeof remote.heads.read = async (key, signal) =>
    await (key === collectionKey ? (first ??= remote.heads.read(key, signal)) : remote.heads.read(key, signal));
  return { ...remote, heads: { ...remote.heads, read } };
}

describe('a push and a collection of a remote, in every order', () => {
  test.each<readonly [string, (state: MemoryRemoteState) => Promise<void>]>([
    ['objects that are due for deletion', async (state) => await mark(state, { keys: [...state.objects.keys()] })],
    ['objects that are not marked yet', async () => await Promise.resolve()],
    ['one of two objects is due', async (state) => await mark(state, { keys: [...state.objects.keys()].slice(0, 1) })],
    [
      'other objects are due',
      async (state) => {
        const key = parseRemoteKey('data/00/other');
        const [object] = state.objects.values();
        if (object !== undefined) state.objects.set(key, { ...object, key });
        await mark(state, { keys: [key] });
      },
    ],
  ])('%s', async (_, prepare) => {
    const left = await leftovers();
    const { orders, broken, sent } = await explore(left, { prepare });
    expect(orders).toBeGreaterThan(20);
    expect({ broken, sent }).toEqual({ broken: 0, sent: orders });
  });

  test('of two layers, one due and one new', async () => {
    const act = pushOf(['a', 'b']);
    const { orders, broken, sent, deleted } = await explore(await leftovers(), { prepare: due, act });
    expect({ broken, sent }).toEqual({ broken: 0, sent: orders });
    expect(deleted).toBeGreaterThan(0);
    const spoilt = { prepare: due, act, spoil: renewingNothing };
    expect((await explore(await leftovers(), spoilt)).broken).toBeGreaterThan(0);
  });

  test('of a head that was squashed since, so that its old layers are due', async () => {
    const act = pushOf(['a', 'b', 'c', 'd']);
    const { orders, broken, sent } = await explore(await leftovers(), { prepare: due, act });
    expect({ broken, sent }).toEqual({ broken: 0, sent: orders });
    const spoilt = { prepare: due, act, spoil: renewingNothing };
    expect((await explore(await leftovers(), spoilt)).broken).toBeGreaterThan(0);
  });

  test('fails if a push stores no object again', async () => {
    expect((await explore(await leftovers(), { prepare: due, spoil: renewingNothing })).broken).toBeGreaterThan(0);
  });

  test('fails if a push does not check again', async () => {
    expect((await explore(await leftovers(), { prepare: due, spoil: lookingOnce })).broken).toBeGreaterThan(0);
  });
});

/** A head with a run's changes in another run's layer, and the leftovers of an interrupted revocation three days ago. */
async function revoked(): Promise<{ readonly state: MemoryRemoteState; readonly act: Act }> {
  const state = emptyRemoteState();
  const engine = await saver(memoryRemote(state), []);
  for (const name of ['a', 'b']) await engine.run(([volume]) => install(volume, name));
  // A clean-up rewrites the index, and so names the runs of its lines.
  await engine.run(
    ([volume]) => {
      volume?.remove('content/b');
      volume?.write('index/bucket', 'a\n');
    },
    { request: { purpose: 'prune' } },
  );
  const opened = engine.events.find(({ type }) => type === 'session-opened');
  const run = opened?.type === 'session-opened' ? opened.run : expect.fail('no run');
  const [head] = [...state.heads].flatMap(([key, { bytes }]) =>
    key.startsWith(headPrefix) && bytes !== null ? [decodeManifest(bytes, null)] : [],
  );
  const { namespace, volume, compat, lane } = head ?? expect.fail('no head');
  const revoke = async ({ deps }: TestEngine, remote: Remote, clock = deps.clock): Promise<void> => {
    const revocations = [{ run, atMs: 1, by: 'ann' }];
    await revokeThere({ ...deps, remote, clock }, { namespace, volume, compat, lane }, revocations, noAbort);
  };
  const before = new Map(state.heads);
  await revoke(testEngine({ seed: 'first' }), memoryRemote(state));
  state.heads.clear();
  for (const [key, each] of before) state.heads.set(key, each);
  age(state);
  return {
    state,
    act: async (own, remote, clock) => {
      const other = testEngine({ seed: 'second' });
      await revoke(other, remote, clock(other.deps.clock));
      for (const [key, { bytes }] of own.heads) {
        if (!key.startsWith(headPrefix) || bytes === null) continue;
        for (const { id } of decodeManifest(bytes, null).layers) {
          const index = own.objects.get(indexKey(id));
          if (index !== undefined) expect(namesRun(openIndex(index.bytes), new Set([run]))).toBe(false);
        }
      }
    },
  };
}

async function dueUnnamed(state: MemoryRemoteState): Promise<void> {
  const named = new Set(
    [...state.heads].flatMap(([key, { bytes }]) =>
      key.startsWith(headPrefix) && bytes !== null ? objectsOf(decodeManifest(bytes, null)) : [],
    ),
  );
  await mark(state, { keys: [...state.objects.keys()].filter((key) => !named.has(key) && !key.startsWith('uses/')) });
}

describe('a revocation and a collection of a remote, in every order', () => {
  test('objects that a head lost are gone, and those that it names exist', async () => {
    const { state, act } = await revoked();
    const { orders, broken, sent, deleted } = await explore(state, { prepare: dueUnnamed, act });
    expect(orders).toBeGreaterThan(20);
    expect({ broken, sent }).toEqual({ broken: 0, sent: orders });
    expect(deleted).toBeGreaterThan(0);
  });

  test('fails if a revocation stores no object again', async () => {
    const { state, act } = await revoked();
    const { broken } = await explore(state, { prepare: dueUnnamed, act, spoil: renewingNothing });
    expect(broken).toBeGreaterThan(0);
  });
});
