import {
  type Policy,
  decodeManifest,
  defaultPolicy,
  encodeManifest,
  headKey,
  headPrefix,
  limits,
  parseRemoteKey,
} from '@cachelane/core';
import { type MemoryRemoteState, memoryRemote, noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { testContext, testEngine } from '../../testing/test-engine.fixture.ts';
import { collectionKey, decodeCollection, encodeCollection, useKey } from '../heads/remote-collection.ts';
import { installOn, machines, onlyHead } from '../machines.fixture.ts';
import { planEverywhere, revokeEverywhere } from '../revoke/revoke-everywhere.ts';
import { type RemoteGarbage, collectRemote } from './collect-remote.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Collecting {
  readonly policy?: Policy;
  readonly dryRun?: boolean;
  readonly onlyIfDue?: boolean;
}

async function collect(state: MemoryRemoteState, more: Collecting = {}): Promise<RemoteGarbage> {
  const { policy = defaultPolicy, dryRun = false, onlyIfDue = false } = more;
  const { deps } = testEngine({ seed: `collector ${state.nowMs}` });
  const clock = { ...deps.clock, nowMs: () => state.nowMs };
  const options = { policyOf: () => policy, dryRun, onlyIfDue };
  return await collectRemote({ remote: memoryRemote(state), clock, random: deps.random }, options, noAbort);
}

const keysOf = ({ objects }: MemoryRemoteState): readonly string[] =>
  [...objects.keys()].filter((key) => key.startsWith('data/') || key.startsWith('layers/')).toSorted();

const keys = (objects: RemoteGarbage['marked']): readonly string[] => objects.map(({ key }) => key);

const lanes = ({ heads }: RemoteGarbage): readonly string[] =>
  heads.map(({ name, policy }) => `${name.lane} ${policy}`);

describe('heads of a remote', () => {
  test("are deleted when no machine used them for their lane's lifetime, and their objects two collections later", async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a', { request: { context: testContext('t1:pr:12') } });
    await installOn(machine(), 'b', { request: { context: testContext('t1:ref:main') } });
    const before = keysOf(state);
    expect(before).toHaveLength(4);
    state.nowMs += 2 * dayMs;
    expect(lanes(await collect(state))).toEqual([]);
    state.nowMs += 3 * dayMs;
    const dry = await collect(state, { dryRun: true });
    expect(lanes(dry)).toEqual(['t1:pr:12 keep-pr']);
    expect(dry).toMatchObject({ deleted: [], marked: [{}, {}] });
    const first = await collect(state);
    expect(first).toMatchObject({ heads: dry.heads, deleted: [], marked: dry.marked });
    expect(keysOf(state)).toEqual(before);
    // Too early.
    state.nowMs += dayMs - 1;
    expect(await collect(state)).toMatchObject({ heads: [], deleted: [], marked: [] });
    state.nowMs += 1;
    expect((await collect(state, { dryRun: true })).deleted).toEqual(first.marked);
    expect((await collect(state)).deleted).toEqual(first.marked);
    expect(keysOf(state)).toHaveLength(2);
    expect(keysOf(state)).toEqual(before.filter((key) => keysOf(state).includes(key)));
  });

  test('stay while a machine reads them, which is noted there once a day', async () => {
    const { state, machine } = machines();
    const context = testContext('t1:pr:12');
    await installOn(machine(), 'a', { request: { context } });
    const reader = testEngine({
      seed: 'reader',
      remote: memoryRemote(state),
      wrap: (plain) => ({ ...plain, clock: { ...plain.clock, nowMs: () => state.nowMs } }),
    });
    const key = useKey(
      headKey({ namespace: context.namespace, volume: 'indexed' as never, compat: {}, lane: context.lane }),
    );
    const read = async () => await reader.run(() => undefined, { request: { context } });
    await read();
    expect(state.objects.has(key)).toBe(false);
    state.nowMs += 2 * dayMs;
    await read();
    expect(state.objects.get(key)?.storedAtMs).toBe(state.nowMs);
    const saidMs = state.nowMs;
    state.nowMs += dayMs / 2;
    await read();
    expect(state.objects.get(key)?.storedAtMs).toBe(saidMs);
    state.nowMs += 2 * dayMs;
    expect(lanes(await collect(state))).toEqual([]);
    state.nowMs += dayMs;
    expect(lanes(await collect(state))).toEqual(['t1:pr:12 keep-pr']);
    expect(state.objects.has(key)).toBe(false);
  });

  test('that a machine still uses come back with its next save', async () => {
    const { state, machine } = machines();
    const user = machine();
    const request = { context: testContext('t1:pr:12') };
    await installOn(user, 'a', { request });
    state.nowMs += 5 * dayMs;
    expect(lanes(await collect(state))).toEqual(['t1:pr:12 keep-pr']);
    await installOn(user, 'b', { request });
    const { report } = await machine().run(() => undefined, { request });
    expect(report.volumes).toMatchObject([{ hits: [{ lane: 't1:pr:12', layers: 2 }] }]);
  });

  test('of a release stay, and so do those with a longer policy', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a', { request: { context: testContext('t1:pr:12') } });
    state.nowMs += 90 * dayMs;
    const policy = { ...defaultPolicy, 'keep-pr': { value: 365 * dayMs, source: 'test' } };
    expect(lanes(await collect(state, { policy }))).toEqual([]);
  });
});

describe('layers that a squash replaced', () => {
  test('stay as long as the head lists them, and are deleted by the push that ends the window', async () => {
    const { state } = machines();
    let ageMs = 0;
    const ann = testEngine({
      seed: 'ann',
      remote: memoryRemote(state),
      wrap: (plain) => ({ ...plain, clock: { ...plain.clock, nowMs: () => plain.clock.nowMs() + ageMs } }),
    });
    const request = { context: testContext('t1:ref:main') };
    for (const name of ['a', 'b', 'c', 'd']) await installOn(ann, name, { request });
    const all = keysOf(state);
    expect(all.length).toBeGreaterThan(2 * (await onlyHead(ann)).length);
    const twice = async (): Promise<readonly string[]> => {
      for (let days = 0; days < 3; days++) {
        state.nowMs += 3 * dayMs;
        await collect(state);
      }
      return keysOf(state);
    };
    expect(await twice()).toEqual(all);
    ageMs = limits.revocationMs + dayMs;
    await installOn(ann, 'e', { request });
    const left = await twice();
    expect(left).toHaveLength(2 * (await onlyHead(ann)).length);
    const { report } = await testEngine({ seed: 'ben', remote: memoryRemote(state) }).run(() => undefined, { request });
    expect(report.volumes).toMatchObject([{ hits: [{ lane: 't1:ref:main' }] }]);
  });

  test('a head with revocations becomes empty and stays, as long as machines may have the run', async () => {
    const { state, machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const request = { context: testContext('t1:pr:12') };
    await installOn(ann, 'bad', { request });
    await installOn(ben, 'good', { request });
    await installOn(ann, 'more', { request });
    const [bad] = ann.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
    const plans = await planEverywhere(ann.deps, { run: bad ?? expect.fail('no run'), cascade: false }, noAbort);
    await revokeEverywhere(ann.deps, plans, 'ann', noAbort);
    state.nowMs += 5 * dayMs;
    expect(lanes(await collect(state))).toEqual(['t1:pr:12 keep-pr']);
    expect(lanes(await collect(state))).toEqual([]);
    await installOn(ben, 'late', { request });
    const seen: string[] = [];
    await machine().run(([volume]) => void seen.push(...(volume?.exists('content/bad') === true ? ['bad'] : [])), {
      request,
    });
    await machine().run(([volume]) => void seen.push(volume?.exists('content/late') === true ? 'late' : ''), {
      request,
    });
    expect(seen).toEqual(['late']);
  });
});

test('a revocation of a remote does not rely on objects that are due for deletion', async () => {
  const { state, machine } = machines();
  const ann = machine();
  for (const name of ['bad', 'b', 'c', 'd']) await installOn(ann, name);
  // As after the window: what the squash replaced is unknown.
  for (const [key, head] of state.heads) {
    if (!key.startsWith(headPrefix) || head.bytes === null) continue;
    const bytes = encodeManifest({ ...decodeManifest(head.bytes, null), squashes: [] });
    state.heads.set(key, { ...head, bytes });
  }
  const [bad] = ann.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
  const takeOut = async (there: MemoryRemoteState): Promise<void> => {
    const { deps } = testEngine({ seed: 'stranger', remote: memoryRemote(there) });
    const plans = await planEverywhere(deps, { run: bad ?? expect.fail('no run'), cascade: false }, noAbort);
    expect(plans.there).toHaveLength(1);
    await revokeEverywhere(deps, plans, 'ann', noAbort);
  };
  const copy = { ...state, objects: new Map(state.objects), heads: new Map(state.heads) };
  await takeOut(copy);
  // Left by an interrupted process long ago, and due for deletion.
  const rest = [...copy.objects.values()].filter(({ key }) => !state.objects.has(key));
  expect(rest).not.toEqual([]);
  for (const object of rest) state.objects.set(object.key, { ...object, storedAtMs: 0 });
  expect((await collect(state)).marked.map(({ key }) => key).toSorted()).toEqual(rest.map(({ key }) => key).toSorted());
  state.nowMs += dayMs;
  await takeOut(state);
  for (const { key } of rest) expect([key, state.objects.get(key)?.storedAtMs]).toEqual([key, state.nowMs]);
});

describe('objects of a remote', () => {
  test('that are young or named are never marked; leftovers of uploads are removed', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a');
    const stray = parseRemoteKey('data/00/stray');
    const [object] = state.objects.values();
    if (object === undefined) return expect.fail('nothing was sent');
    state.objects.set(stray, { ...object, key: stray, storedAtMs: state.nowMs - 2 * dayMs + 1 });
    expect((await collect(state)).marked).toEqual([]);
    state.nowMs += dayMs;
    expect((await collect(state)).marked).toMatchObject([{ key: stray }]);
    state.nowMs += dayMs;
    expect((await collect(state)).deleted).toMatchObject([{ key: stray }]);
    return undefined;
  });

  test('nothing is deleted if a head cannot be read', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a');
    const key = parseRemoteKey('heads/other');
    state.heads.set(key, { attempt: 'x', version: 'x' as never, bytes: new TextEncoder().encode('?') });
    await expect(collect(state)).rejects.toMatchObject({
      code: 'E_OBJECT_CORRUPT',
      hint: expect.stringContaining('verify remote') as string,
    });
  });

  test('a collection that died during its deletions delays pushes for a while only', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a');
    const stray = parseRemoteKey('data/00/stray');
    const [object] = state.objects.values();
    if (object === undefined) return expect.fail('nothing was sent');
    state.objects.set(stray, { ...object, key: stray, storedAtMs: 0 });
    await collect(state);
    state.nowMs += dayMs;
    const dying = memoryRemote(state);
    const { deps } = testEngine({ seed: 'dying' });
    const remote = {
      ...dying,
      objects: {
        ...dying.objects,
        stat: async (key: typeof stray, signal: AbortSignal) => {
          if (key === stray) throw new Error('killed');
          return await dying.objects.stat(key, signal);
        },
      },
    };
    const options = { policyOf: () => defaultPolicy, dryRun: false, onlyIfDue: false };
    await expect(collectRemote({ ...deps, remote }, options, noAbort)).rejects.toThrow('killed');
    const phase = () => decodeCollection(state.heads.get(collectionKey)?.bytes ?? new Uint8Array()).phase;
    expect(phase()).toBe('deleting');
    expect(await collect(state)).toMatchObject({ isBusy: true });

    const waiting = await installOn(machine(), 'b', { request: { strict: false } });
    expect(waiting.report.volumes[0]?.sync).toMatchObject({
      pushed: 'later',
      why: expect.stringContaining('is deleting') as string,
    });
    state.nowMs += hourMs;
    const later = await installOn(machine(), 'c');
    expect(later.report.volumes[0]?.sync).toMatchObject({ pushed: 'sent' });
    expect(phase()).toBe('marked');
    return undefined;
  });

  test.each([
    ['slept', 'stat', 'wall'],
    ['was slow to see what is named', 'read', 'monotonic'],
  ] as const)(
    'a collection that %s during its deletions stops before others consider it dead',
    async (_, when, which) => {
      const { state, machine } = machines();
      await installOn(machine(), 'a');
      const stray = parseRemoteKey('data/00/stray');
      const [object] = state.objects.values();
      if (object === undefined) return expect.fail('nothing was sent');
      state.objects.set(stray, { ...object, key: stray, storedAtMs: 0 });
      await collect(state);
      state.nowMs += dayMs;
      const lateMs = { wall: 0, monotonic: 0 };
      const late = (): void => void (lateMs[which] += hourMs);
      const plain = memoryRemote(state);
      const { deps } = testEngine({ seed: 'sleeper' });
      const remote = {
        ...plain,
        heads: {
          ...plain.heads,
          read: async (...[key, signal]: Parameters<typeof plain.heads.read>) => {
            if (when === 'read' && key.startsWith(headPrefix)) late();
            return await plain.heads.read(key, signal);
          },
        },
        objects: {
          ...plain.objects,
          stat: async (...[key, signal]: Parameters<typeof plain.objects.stat>) => {
            if (when === 'stat' && key === stray) late();
            return await plain.objects.stat(key, signal);
          },
        },
      };
      const clock = {
        ...deps.clock,
        nowMs: () => state.nowMs + lateMs.wall,
        monotonicMs: () => deps.clock.monotonicMs() + lateMs.monotonic,
      };
      const options = { policyOf: () => defaultPolicy, dryRun: false, onlyIfDue: false };
      expect(await collectRemote({ ...deps, clock, remote }, options, noAbort)).toMatchObject({ deleted: [] });
      expect(state.objects.has(stray)).toBe(true);
      return undefined;
    },
  );

  test('a clock of the remote that was wrong for a while does not block pushes or collections for ever', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a');
    const stray = parseRemoteKey('data/00/stray');
    const [object] = state.objects.values();
    if (object === undefined) return expect.fail('nothing was sent');
    state.objects.set(stray, { ...object, key: stray, storedAtMs: 0 });
    const rightMs = state.nowMs;
    state.nowMs += 365 * dayMs;
    await collect(state);
    const { version, bytes, attempt } = state.heads.get(collectionKey) ?? expect.fail('nothing was marked');
    const marked = decodeCollection(bytes ?? new Uint8Array());
    state.nowMs = rightMs + 5 * dayMs;
    const dead = encodeCollection({ ...marked, phase: 'deleting', deletingAtMs: marked.markedAtMs });
    state.heads.set(collectionKey, { version, bytes: dead, attempt });
    const { report } = await installOn(machine(), 'b');
    expect(report.volumes[0]?.sync).toMatchObject({ pushed: 'sent' });
    state.heads.set(collectionKey, { version, bytes, attempt });
    expect(keys((await collect(state)).marked)).toContain(stray);
    state.nowMs += dayMs;
    expect(keys((await collect(state)).deleted)).toContain(stray);
    state.heads.set(collectionKey, { version, bytes, attempt });
    state.objects.set(stray, { ...object, key: stray, storedAtMs: 0 });
    expect(keys((await collect(state, { onlyIfDue: true })).marked)).toContain(stray);
    return undefined;
  });

  test('an automatic collection does nothing if another one ran in the last day', async () => {
    const { state, machine } = machines();
    await installOn(machine(), 'a', { request: { context: testContext('t1:pr:12') } });
    state.nowMs += 9 * dayMs;
    await collect(state, { onlyIfDue: true });
    expect(keysOf(state)).toHaveLength(2);
    await installOn(machine(), 'b', { request: { context: testContext('t1:pr:13') } });
    state.nowMs += dayMs - 1;
    expect(await collect(state, { onlyIfDue: true })).toMatchObject({ heads: [], deleted: [] });
    state.nowMs += 1;
    expect((await collect(state, { onlyIfDue: true })).deleted).toHaveLength(2);
  });
});
