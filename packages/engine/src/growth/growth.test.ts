import { describe, expect, test } from 'vitest';
import type { LaneName, RunId, TrustLevel } from '@cachelane/core';
import { emptyRemoteState, memoryRemote, type MemoryVolume } from '@cachelane/testkit';
import { collectGarbage, findGarbage } from '../garbage/collect-garbage.ts';
import type { GarbageOptions } from '../garbage/find-removable.ts';
import { planRevocation, revokeHere } from '../provenance/revoke-runs.ts';
import { look } from '../sim/histories.fixture.ts';
import {
  everything,
  put,
  testContext,
  testEngine,
  testHome,
  type TestEngine,
  type TestEngineOptions,
  type TestRun,
} from '../testing/test-engine.fixture.ts';
import { add, budgeted, lenient, sizeBytes, use } from './growth.fixture.ts';

const { signal } = new AbortController();
const local = 't1:local' as LaneName;
/** A mounter that cannot observe reads. */
const blind: TestEngineOptions['wrap'] = (deps) => {
  const { clone } = deps.mounters;
  const attach: typeof clone.attach = async (request, abort) => await clone.attach({ ...request, looks: false }, abort);
  return { ...deps, mounters: { ...deps.mounters, clone: { ...clone, attach } } };
};

async function names(engine: TestEngine, options: TestRun = {}): Promise<readonly string[]> {
  const seen = await look(engine, { ...options, request: { ...lenient, ...options.request } });
  const contents = [...seen.keys()].flatMap((path) => /^content\/(.*)$/.exec(path)?.[1] ?? []);
  const lines = (seen.get('index/bucket') ?? '').split('\n').filter((line) => line !== '');
  expect(lines.toSorted(), 'a name for each content, and a content for each name').toEqual(contents.toSorted());
  return contents.toSorted();
}

/** Each run uses `std`, and adds a file that is not used again. */
async function builds(engine: TestEngine, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) {
    await engine.run(([volume]) => use(volume, 'std', `junk${number}`), { request: lenient });
  }
}

describe('a volume with a budget', () => {
  test('stays within it, and keeps the oldest file that every run uses', async () => {
    const engine = budgeted(6);
    let most = 0;
    for (let number = 1; number <= 30; number++) {
      await builds(engine, number, number);
      const left = await names(engine);
      expect(left).toContain('std');
      expect(left).toContain(`junk${number}`);
      most = Math.max(most, left.length);
    }
    expect(most).toBeLessThanOrEqual(6 * 1.5);
    const made = engine.events.filter(({ type }) => type === 'session-opened').length;
    expect(made).toBeGreaterThan(30);
    expect(await originsOf(engine, 'content/std')).toEqual([firstRun(engine)]);
  });

  test('is never over it after a run if all reads are observed', async () => {
    const engine = budgeted(6);
    for (let number = 1; number <= 20; number++) {
      const request = { ...lenient, mounter: 'clone' as const };
      await engine.run(([volume]) => use(volume, 'std', `junk${number}`), { request });
      const left = await names(engine);
      expect(left.length).toBeLessThanOrEqual(6);
      expect(left).toContain('std');
    }
  });

  test('is looked at near its budget in a directory of its own, and loses nothing before', async () => {
    const engine = budgeted(6);
    await builds(engine, 1, 6);
    const ways = engine.events.flatMap((event) => (event.type === 'attached' ? [event.mounter] : []));
    expect(ways).toEqual(['overlay', 'overlay', 'overlay', 'overlay', 'overlay', 'clone']);
    expect(engine.events.findLast(({ type }) => type === 'attached')).toMatchObject({
      mounterWhy: 'it is near its budget, so the reads of this run are observed',
    });
  });

  test('is looked at again after a run that used nothing', async () => {
    const engine = budgeted(6);
    await builds(engine, 1, 5);
    await engine.run(() => undefined);
    await engine.run(() => undefined);
    const ways = engine.events.flatMap((event) => (event.type === 'attached' ? [event.mounter] : []));
    expect(ways.slice(-2)).toEqual(['clone', 'clone']);
  });

  test('without observed reads loses the oldest files, but not those of the last two runs', async () => {
    const engine = budgeted(6, { wrap: blind });
    await builds(engine, 1, 6);
    const left = await names(engine);
    expect(left).not.toContain('std');
    expect(left).toEqual(expect.arrayContaining(['junk5', 'junk6']));
    // A file that is added again is young.
    await builds(engine, 7, 8);
    expect(await names(engine)).toContain('std');
  });

  test('reports removed files as its own move, and the files that came back', async () => {
    const engine = budgeted(6);
    await builds(engine, 1, 8);
    const shrunk = engine.events.flatMap((event) =>
      event.type === 'volume-done' && event.report.shrunk !== null ? [event.report.shrunk] : [],
    );
    expect(shrunk.length).toBeGreaterThan(0);
    const [head] = await engine.deps.metadata.listHeads(signal);
    const { volumeId } = head ?? expect.fail('no head');
    const history = await engine.deps.metadata.history(volumeId, local, signal);
    const collections = [];
    for (const move of history) {
      const run = await engine.deps.metadata.run(move.run, signal);
      if (run?.purpose === 'collection') collections.push(move);
    }
    expect(collections.map(({ counts }) => ({ files: counts.removed, sizeBytes: counts.sizeBytes }))).toEqual(
      shrunk.toReversed().map(({ files, sizeBytes }) => ({ files, sizeBytes })),
    );
    const left = await names(engine);
    const gone = ['junk1', 'junk2', 'junk3'].filter((name) => !left.includes(name));
    const { report } = await engine.run(([volume]) => use(volume, ...gone), { request: lenient });
    const atMs = collections.at(-1)?.atMs ?? 0;
    const [cameBack] = report.volumes.map((volume) => volume.cameBack);
    expect(cameBack?.files).toBeGreaterThan(0);
    expect(cameBack?.sizeBytes).toBe((cameBack?.files ?? 0) * sizeBytes);
    expect(cameBack?.atMs).toBeGreaterThanOrEqual(Math.floor(atMs / 60_000) * 60_000);
  });

  test('of a tool that needs all of its files, or with unknown files, is reported and left alone', async () => {
    const engine = budgeted(3);
    for (let number = 0; number < 9; number++) {
      await engine.run(([volume]) => put(volume, `unknown/${number}`, 'x'.repeat(sizeBytes)), { request: lenient });
    }
    const found = await findGarbage(engine.deps, { ...everything, policy: engine.deps.policy ?? {} }, signal);
    expect(found.growth).toMatchObject([{ plan: { goingBytes: 0, why: expect.any(String) } }]);
    expect(found.unmet).toMatchObject([{ policy: 'volume-budget', overBytes: 5500 }]);
  });
});

async function grown(): Promise<TestEngine> {
  const engine = testEngine();
  await builds(engine, 1, 12);
  return engine;
}

function options(upTo: TrustLevel): GarbageOptions {
  return { ...everything, upTo, policy: { 'volume-budget': { value: 6 * sizeBytes, source: 'test' } } };
}

describe('a collection', () => {
  test('removes the files that its dry run lists, and nothing the second time', async () => {
    const engine = await grown();
    const found = await findGarbage(engine.deps, options('T3'), signal);
    const before = await names(engine);
    const done = await collectGarbage(engine.deps, options('T3'), signal);
    expect(done.growth.map(({ plan }) => [...plan.paths])).toEqual(found.growth.map(({ plan }) => [...plan.paths]));
    const gone = new Set(found.growth.flatMap(({ plan }) => [...plan.paths].map((path) => path.slice(8))));
    expect(gone.size).toBeGreaterThan(5);
    expect(await names(engine)).toEqual(before.filter((name) => !gone.has(name)));
    expect((await findGarbage(engine.deps, options('T3'), signal)).growth).toEqual([]);
  });

  test('removes nothing from lanes above the level of its caller', async () => {
    const engine = await grown();
    const before = await names(engine);
    expect((await collectGarbage(engine.deps, options('T0'), signal)).growth).toEqual([]);
    expect(await names(engine)).toEqual(before);
  });
});

function pair(volume: MemoryVolume | undefined, by: string): void {
  put(volume, 'pair-1.db', by.padEnd(sizeBytes));
  put(volume, 'pair-1.log', by);
}

test("removes a group as a whole, and a lower lane's group shows then", async () => {
  const engine = budgeted(4, { wrap: blind });
  const pull = { context: testContext('t1:pr:12', 'github.com/acme/web', ['t1:ref:main']), ...lenient };
  const main = { context: testContext('t1:ref:main'), ...lenient };
  await engine.run(([volume]) => pair(volume, 'pull'), { request: pull });
  await engine.run(([volume]) => pair(volume, 'main'), { request: main });
  const shown = async (): Promise<readonly (string | undefined)[]> => {
    const seen = await look(engine, { request: pull });
    return ['pair-1.db', 'pair-1.log'].map((path) => seen.get(path)?.trim());
  };
  expect(await shown()).toEqual(['pull', 'pull']);
  for (let number = 1; number <= 5; number++) {
    await engine.run(([volume]) => add(volume, `own${number}`), { request: pull });
  }
  expect(await shown()).toEqual(['main', 'main']);
});

test('drops names that a run saves of files removed during the run', async () => {
  const engine = budgeted(6);
  await engine.run(([volume]) => use(volume, 'old'), { request: lenient });
  const { report } = await engine.run(
    async ([volume]) => {
      expect(volume?.exists('content/old')).toBe(true);
      await builds(engine, 1, 12);
      // A line in another list for a file that it found.
      put(volume, 'index/other', 'old\n');
    },
    { request: lenient },
  );
  expect(report.volumes).toMatchObject([{ skipped: null, shrunk: null }]);
  const seen = await look(engine, { request: lenient });
  expect(seen.get('content/old')).toBe(undefined);
  expect(seen.get('index/other') ?? '').toBe('');
});

test('a run can be revoked from a shrunk volume exactly', async () => {
  const engine = budgeted(9);
  await builds(engine, 1, 14);
  const before = await names(engine);
  const runs = engine.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
  const by = { run: firstRun(engine), cascade: false };
  // Later runs made no layer.
  const last = runs.findLast((run) => run !== runs.at(-1)) ?? expect.fail('no run');
  const [head] = await engine.deps.metadata.listHeads(signal);
  const { volumeId } = head ?? expect.fail('no head');
  expect((await engine.deps.metadata.squashes(volumeId, local, signal)).length).toBeGreaterThan(0);
  const plan = await planRevocation(engine.deps, { ...by, run: last }, signal);
  await revokeHere(
    engine.deps,
    { plan, revocations: [{ run: last, atMs: 1, by: 'ann' }], by: by.run, fetchReplaced: null },
    signal,
  );
  expect(await names(engine)).toEqual(before.filter((name) => name !== 'junk14'));
});

describe('contents of other lanes and machines', () => {
  const onPull = { context: testContext('t1:pr:12', 'github.com/acme/web', ['t1:ref:main']), ...lenient };

  test('lower lanes do not count, and show where the own file was removed', async () => {
    const engine = budgeted(4, { wrap: blind });
    const onMain = { context: testContext('t1:ref:main'), mode: 'write' as const, ...lenient };
    // Its own content at a path that the lane below gets later.
    await engine.run(([volume]) => put(volume, 'content/main1', 'other'.padEnd(sizeBytes)), { request: onPull });
    for (let number = 1; number <= 3; number++) {
      await engine.run(([volume]) => add(volume, `main${number}`), { request: onMain });
    }
    for (let number = 1; number <= 2; number++) {
      await engine.run(([volume]) => add(volume, `own${number}`), { request: onPull });
    }
    const seen = async (): Promise<string> =>
      (await look(engine, { request: onPull })).get('content/main1') ?? expect.fail('it is gone');
    expect(await seen()).toMatch(/^other/);
    const before = await names(engine, { request: onPull });
    expect(before).toEqual(['main1', 'main2', 'main3', 'own1', 'own2']);
    for (let number = 3; number <= 6; number++) {
      await engine.run(([volume]) => add(volume, `own${number}`), { request: onPull });
    }
    expect(await seen()).toMatch(/^main1/);
    expect(await names(engine, { request: onMain })).toEqual(['main1', 'main2', 'main3']);
  });

  test('removals merge: files removed on either machine are gone on both, and additions stay', async () => {
    const state = emptyRemoteState();
    const machines = [0, 1].map((number) =>
      budgeted(6, { seed: `m${number} `, home: testHome(), remote: memoryRemote(state), wrap: blind }),
    );
    const [one, two] = machines as [TestEngine, TestEngine];
    await builds(one, 1, 6);
    expect(await names(two)).toContain('junk2');
    // Both continue without syncing, one of them over its budget.
    const alone = { ...lenient, push: 'never' as const };
    for (const number of [7, 8, 9, 10]) await one.run(([volume]) => add(volume, `one${number}`), { request: alone });
    expect(await names(one)).not.toContain('junk2');
    await two.run(([volume]) => add(volume, 'two'), { request: alone });
    for (let round = 0; round < 2; round++) {
      for (const engine of machines) await engine.run(() => undefined, { request: lenient });
    }
    const [left, right] = [await names(one), await names(two)];
    expect(left).toEqual(right);
    expect(left).toEqual(expect.arrayContaining(['two', 'one9', 'one10']));
    expect(left).not.toContain('junk2');
  });
});

async function originsOf({ deps }: TestEngine, path: string): Promise<readonly RunId[]> {
  const origins = new Set<RunId>();
  for (const { layers } of await deps.metadata.listHeads(signal)) {
    for (const id of layers) {
      for (const entry of (await deps.layers.open(id, signal)).index.entries()) {
        if (entry.path === path) for (const run of entry.origins) origins.add(run);
      }
    }
  }
  return [...origins];
}

function firstRun({ events }: TestEngine): RunId {
  const opened = events.find(({ type }) => type === 'session-opened');
  return opened?.type === 'session-opened' ? opened.run : expect.fail('no run');
}
