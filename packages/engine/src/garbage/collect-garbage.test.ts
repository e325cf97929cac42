import {
  digestOf,
  formatLane,
  limits,
  parseLane,
  parseNamespace,
  parseVolumeName,
  statedPolicy,
  type BytePath,
  type Entry,
  type PolicyTexts,
} from '@cachelane/core';
import { countingIds, noAbort, openRequest, type MemoryVolume } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import type { RunCommandRequest } from '../model/run-request.ts';
import {
  everything,
  install,
  put,
  testContext,
  testEngine,
  testHome,
  type TestEngine,
  type TestHome,
} from '../testing/test-engine.fixture.ts';
import { admitSave } from '../evictions/admit-save.ts';
import { collectGarbage, findGarbage } from './collect-garbage.ts';
import { dayMs, later } from './garbage.fixture.ts';

test('a collection deletes abandoned downloads, a dry run does not', async () => {
  const { deps } = testEngine();
  const object = digestOf('half of it came');
  const haveBytes = async (): Promise<number> => {
    await using download = await deps.transfers.resume(object, noAbort);
    return download.haveBytes;
  };
  {
    await using download = await deps.transfers.resume(object, noAbort);
    await download.append(new Uint8Array(10));
  }
  expect(await collectGarbage(deps, everything, noAbort)).toMatchObject({ swept: [] });
  const nowMs = deps.clock.nowMs() + limits.partialDownloadMs;
  const muchLater = { ...deps, clock: { ...deps.clock, nowMs: () => nowMs } };
  expect(await findGarbage(muchLater, everything, noAbort)).toMatchObject({ swept: [] });
  expect(await haveBytes()).toBe(10);
  expect(await collectGarbage(muchLater, everything, noAbort)).toMatchObject({
    swept: [expect.stringContaining(object)],
  });
  expect(await haveBytes()).toBe(0);
});

const pullRequest = formatLane(parseLane('t1:pr:12'));
const pullRequest1 = formatLane(parseLane('t1:pr:1'));

function entryOf(content: Uint8Array): Entry {
  return {
    path: 'content/x' as BytePath,
    type: 'file',
    mode: 0o644,
    mtimeNs: 0n,
    sizeBytes: content.length,
    digest: digestOf(content),
    origins: [],
    mergeClass: 'D',
    group: null,
    form: 'whole',
    removed: null,
  };
}

function contextOf(lane: string): Partial<RunCommandRequest> {
  return { context: testContext(lane) };
}

describe('evictions by policies', () => {
  test('happen as in the dry run, in order, and the next run gets a message', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => put(volume, 'content/a', 'a'), { request: contextOf('t1:pr:12') });
    await engine.run(([volume]) => put(volume, 'content/b', 'b'), { request: contextOf('t1:ref:feat') });
    await engine.run(([volume]) => put(volume, 'content/c', 'c'), { request: contextOf('t1:ref:main') });
    const deps = later(engine, 15 * dayMs);
    const found = await findGarbage(deps, everything, noAbort);
    expect(found.evictions.map(({ held, policy }) => [held.head.lane, policy])).toEqual([
      ['t1:pr:12', 'keep-pr'],
      ['t1:ref:feat', 'keep-branch'],
    ]);
    expect(await findGarbage(deps, everything, noAbort)).toEqual(found);
    const done = await collectGarbage(deps, everything, noAbort);
    expect(done).toEqual(found);
    expect((await deps.metadata.listHeads(noAbort)).map(({ lane }) => lane)).toEqual(['t1:ref:main']);
    expect((await deps.layers.list(noAbort)).map(({ id }) => id)).not.toContain(found.layers[0]?.id);
    expect(done.layers).toHaveLength(2);

    const { report } = await engine.run(() => undefined, { request: contextOf('t1:pr:12') });
    expect(report.volumes).toMatchObject([
      { hits: [], evicted: { lane: 't1:pr:12', policy: 'keep-pr', why: 'not used for 3d' } },
    ]);
    const warm = await engine.run(() => undefined, { request: contextOf('t1:ref:main') });
    expect(warm.report.volumes).toMatchObject([{ evicted: null }]);
  });

  test('reads count as uses, even if nothing is saved', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => put(volume, 'content/a', 'a'), { request: contextOf('t1:pr:12') });
    const nowMs = engine.deps.clock.nowMs() + 2 * dayMs;
    const reader = testEngine({
      wrap: () => ({ ...engine.deps, clock: { ...engine.deps.clock, nowMs: () => nowMs } }),
    });
    await reader.deps.metadata.openSession(
      openRequest(countingIds(900), {
        lane: pullRequest,
        atMs: nowMs,
        mayWrite: false,
        volumes: [{ name: 'indexed' }],
      }),
      noAbort,
    );
    for (const { id } of await reader.deps.metadata.listSessions(noAbort)) {
      await reader.deps.metadata.closeSession(id, () => undefined, noAbort);
    }
    expect((await findGarbage(later(engine, 4 * dayMs), everything, noAbort)).evictions).toEqual([]);
    expect((await findGarbage(later(engine, 6 * dayMs), everything, noAbort)).evictions).toHaveLength(1);
  });

  test('a head that a run opens after the decision stays', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => put(volume, 'content/a', 'a'), { request: contextOf('t1:pr:12') });
    const plain = later(engine, 15 * dayMs);
    const deps = {
      ...plain,
      metadata: {
        ...plain.metadata,
        evict: async (...request: Parameters<typeof plain.metadata.evict>) => {
          const open = openRequest(countingIds(900), { lane: pullRequest, volumes: [{ name: 'indexed' }] });
          await plain.metadata.openSession({ ...open, atMs: plain.clock.nowMs() }, noAbort);
          return await plain.metadata.evict(...request);
        },
      },
    };
    const done = await collectGarbage(deps, everything, noAbort);
    expect(done).toMatchObject({ evictions: [], layers: [] });
    expect(await deps.metadata.listHeads(noAbort)).toHaveLength(1);
    expect(await deps.layers.list(noAbort)).toHaveLength(1);
  });

  test('a directory counts as missing from the first collection that saw it, not from a dry run', async () => {
    const engine = testEngine();
    const own = parseNamespace('local/web-0123456789ab');
    const context = { ...testContext('t1:local', own), localNamespace: own };
    const directory = { path: '/home/u/web', identity: '1:1:1' };
    await engine.run(([volume]) => put(volume, 'content/a', 'a'), { request: { context, directory } });
    const gone = { ...everything, isThere: (path: string) => path !== '/home/u/web' };
    const at = (days: number) => later(engine, days * dayMs);
    expect((await findGarbage(at(8), gone, noAbort)).evictions).toEqual([]);
    const since = async () => (await engine.deps.metadata.ownDirectories(noAbort))[0]?.goneSinceMs;
    expect(await since()).toBeNull();
    await collectGarbage(at(8), gone, noAbort);
    expect(await since()).not.toBeNull();
    await collectGarbage(at(9), everything, noAbort);
    expect(await since()).toBeNull();
    await collectGarbage(at(9), gone, noAbort);
    expect((await collectGarbage(at(15), gone, noAbort)).evictions).toEqual([]);
    expect((await collectGarbage(at(17), gone, noAbort)).evictions).toMatchObject([{ policy: 'keep-gone' }]);
    expect(await engine.deps.metadata.listNamespaces(noAbort)).toEqual([]);
  });
});

test('a layer that another run makes again during the collection stays', async () => {
  const engine = testEngine();
  await engine.run(([volume]) => install(volume, 'a'));
  const [head] = await engine.deps.metadata.listHeads(noAbort);
  const { volumeId, lane, layers } = head ?? expect.fail('there is no head');
  await engine.deps.metadata.removeVolume(volumeId, lane, noAbort);
  const deps = later(engine, dayMs);
  const request = openRequest(countingIds());
  const again = async (): Promise<void> => {
    // Like a run that saves the same: it pins the layer, and finds it.
    await deps.metadata.openSession(request, noAbort);
    await deps.metadata.updateSession(request.sessionId, { pins: layers }, noAbort);
  };
  const metadata: typeof deps.metadata = {
    ...deps.metadata,
    forgetLayers: async (candidates, nowMs, signal) => {
      const forgotten = await deps.metadata.forgetLayers(candidates, nowMs, signal);
      await again();
      return forgotten;
    },
  };
  const isThere = async (): Promise<boolean> => await deps.layers.has(layers[0] ?? expect.fail('no layer'), noAbort);
  expect(await collectGarbage({ ...deps, metadata }, everything, noAbort)).toMatchObject({ layers: [] });
  expect(await isThere()).toBe(true);
  await deps.metadata.closeSession(request.sessionId, () => {}, noAbort);
  expect(await collectGarbage(deps, everything, noAbort)).toMatchObject({ layers: [{ id: layers[0] }] });
  expect(await isThere()).toBe(false);
});

test('replaced layers stay for the revocation window, whatever history holds, and are deleted after it', async () => {
  const engine = testEngine();
  const main = contextOf('t1:ref:main');
  for (const name of ['a', 'b', 'c', 'd']) await engine.run(([volume]) => install(volume, name), { request: main });
  const [head] = await engine.deps.metadata.listHeads(noAbort);
  const { volumeId, lane, layers } = head ?? expect.fail('nothing was saved');
  const squashes = await engine.deps.metadata.squashes(volumeId, lane, noAbort);
  const replaced = squashes.flatMap((squash) => squash.layers).filter((id) => !layers.includes(id));
  expect(replaced.length).toBeGreaterThan(1);
  const short = { ...everything, policy: statedPolicy({ 'history-generations': '1' }, 'own file') };
  const inside = later(engine, limits.revocationMs - dayMs);
  const found = await findGarbage(inside, short, noAbort);
  expect(found).toMatchObject({ evictions: [{ kind: 'history', policy: 'history-generations' }], layers: [] });
  expect(await collectGarbage(inside, short, noAbort)).toEqual(found);

  const beyond = later(engine, limits.revocationMs + dayMs);
  const gone = await findGarbage(beyond, short, noAbort);
  expect(gone.layers.map(({ id }) => id).toSorted()).toEqual(replaced.toSorted());
  expect(await collectGarbage(beyond, short, noAbort)).toEqual(gone);
  expect((await engine.deps.layers.list(noAbort)).map(({ id }) => id).toSorted()).toEqual(layers.toSorted());
});

/** A home with many namespaces of a few layers each, after a full check. */
async function crowded(namespaces: number) {
  const engine = testEngine();
  for (let number = 0; number < namespaces; number++) {
    const request = { context: testContext('t1:local', `github.com/crowd/n${number}`) };
    for (const name of ['a', 'b']) await engine.run(([volume]) => install(volume, `${name}-${number}`), { request });
  }
  await collectGarbage(engine.deps, everything, noAbort);
  return engine;
}

describe('the work of a collection', () => {
  /** Heads and layers that it examines, and whether it lists all layers. */
  interface Looks {
    heads: number;
    layers: number;
    listed: number;
  }

  function counting({ deps }: TestEngine) {
    const looks: Looks = { heads: 0, layers: 0, listed: 0 };
    const counted: TestEngine['deps'] = {
      ...deps,
      metadata: {
        ...deps.metadata,
        collectionFacts: async (question, signal) => {
          const facts = await deps.metadata.collectionFacts(question, signal);
          looks.heads += facts.heads.length;
          looks.layers += facts.loose.size;
          return facts;
        },
      },
      layers: {
        ...deps.layers,
        list: async (signal) => {
          looks.listed++;
          return await deps.layers.list(signal);
        },
        describe: async (ids, signal) => {
          looks.layers += ids.length;
          return await deps.layers.describe(ids, signal);
        },
      },
    };
    return { looks, counted };
  }

  test.each([1, 30])('does not depend on what stays, in a home of %i namespaces', async (namespaces) => {
    const engine = await crowded(namespaces);
    const { looks, counted } = counting(engine);
    await collectGarbage(counted, everything, noAbort);
    expect(looks).toEqual({ heads: 0, layers: 0, listed: 0 });
    // The same with a limit that is not exceeded, and for a save.
    const policy = statedPolicy({ 'namespace-size': '1MB', 'store-size': '1GB' }, 'own file');
    await collectGarbage(counted, { ...everything, policy }, noAbort);
    const save = { ...contextOf('t1:local').context, namespace: parseNamespace('github.com/crowd/n0'), sizeBytes: 1 };
    const volume = parseVolumeName('indexed');
    const lane = formatLane(parseLane('t1:local'));
    await admitSave({ ...counted, policy }, { ...save, lane, lanePolicy: null, volume }, noAbort);
    expect(looks).toEqual({ heads: 0, layers: 0, listed: 0 });
  });

  test.each([1, 30])('covers what one run left, in a home of %i namespaces', async (namespaces) => {
    const engine = await crowded(namespaces);
    const { looks, counted } = counting(engine);
    const request = { context: testContext('t1:pr:1', 'github.com/crowd/n0') };
    await engine.run(([volume]) => install(volume, 'c'), { request });
    const [head] = (await engine.deps.metadata.listHeads(noAbort)).filter(({ lane }) => lane === 't1:pr:1');
    await engine.deps.metadata.removeVolume(head?.volumeId ?? expect.fail('nothing'), pullRequest1, noAbort);
    const report = await collectGarbage(counted, everything, noAbort);
    expect(report.layers.length + report.young.length).toBe(1);
    expect(looks).toEqual({ heads: 0, layers: 2, listed: 0 });
  });

  test('covers every layer on disk once a day or on request, because some are unrecorded', async () => {
    const engine = await crowded(1);
    const { looks, counted } = counting(engine);
    const content = Buffer.from('left by a crash');
    const staged = await engine.deps.layers.stage(
      { changes: null, entries: [{ from: 'content', entry: entryOf(content), content }], sealedAtMs: 0 },
      noAbort,
    );
    await engine.deps.layers.publish(staged, noAbort);
    expect((await findGarbage(counted, everything, noAbort)).layers).toEqual([]);
    expect((await findGarbage(counted, { ...everything, all: true }, noAbort)).layers).toMatchObject([
      { id: staged.id },
    ]);
    expect(looks.listed).toBe(1);
    const nextDay = { ...counted, clock: later(engine, limits.lookAtAllMs).clock };
    expect((await collectGarbage(nextDay, everything, noAbort)).layers).toMatchObject([{ id: staged.id }]);
    expect(looks.listed).toBe(2);
    await collectGarbage(nextDay, everything, noAbort);
    expect(looks.listed).toBe(2);
  });
});

interface Saving {
  readonly lane?: string;
  readonly home?: TestHome;
}

/** Runs strictly with this policy of the person's own file. */
async function saves(policy: PolicyTexts, { lane = 't1:local', home = testHome() }: Saving = {}) {
  const stated = statedPolicy(policy, 'own file');
  const engine = testEngine({ home, seed: lane, wrap: (plain) => ({ ...plain, policy: stated }) });
  const fill = ([volume]: readonly (MemoryVolume | undefined)[]) => put(volume, `content/${lane}`, 'x'.repeat(1000));
  const { report, outcome } = await engine.run(fill, { request: { context: testContext(lane), strict: true } });
  const [volume] = report.volumes;
  return { volume, outcome, home, events: engine.events };
}

describe('a save without space', () => {
  test.each([
    ['volume-size', 'the changes are larger than one run may add to a volume'],
    ['namespace-size', 'github.com/acme/web takes more than 100B'],
    ['store-size', 'the store takes more than 100B'],
  ])('is skipped with the limit %s, and the run succeeds', async (key, why) => {
    const { volume, outcome, home, events } = await saves({ [key]: '100B' });
    expect(outcome.exitCode).toBe(0);
    expect(volume).toMatchObject({ layer: null, skipped: expect.stringContaining(why) as string });
    expect(volume?.skipped).toContain(`(policy ${key}, own file)`);
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'E_QUOTA' }));
    expect([home.metadata.heads.size, home.disk.layers.size]).toEqual([0, 0]);
  });

  test('is skipped for missing free space too', async () => {
    const home = testHome();
    home.disk.space = { freeBytes: 10, totalBytes: 1e12 };
    expect((await saves({}, { home })).volume?.skipped).toContain('(policy free-space, default)');
  });

  test('succeeds if lanes of the same or lower trust can make space', async () => {
    const home = testHome();
    const first = await saves({}, { home, lane: 't1:ref:a' });
    expect(first.volume?.layer).not.toBeNull();
    const key = [...home.metadata.heads.keys()][0] ?? expect.fail('nothing was saved');
    const head = home.metadata.heads.get(key) ?? expect.fail('nothing was saved');
    const policy = { 'store-size': '1500B' };
    // Used a moment ago, so nothing can be evicted.
    expect((await saves(policy, { home, lane: 't1:ref:b' })).volume?.layer).toBeNull();
    home.metadata.heads.set(key, { ...head, updatedAtMs: 0 });
    home.metadata.uses.clear();
    expect((await saves(policy, { home, lane: 't1:ref:b' })).volume?.layer).not.toBeNull();
  });
});
