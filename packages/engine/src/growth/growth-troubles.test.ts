import { describe, expect, test } from 'vitest';
import { CachelaneError, parseNamespace, type LaneName, type Space } from '@cachelane/core';
import type { MemoryVolume } from '@cachelane/testkit';
import { collectGarbage, findGarbage } from '../garbage/collect-garbage.ts';
import { look } from '../sim/histories.fixture.ts';
import {
  everything,
  indexedVolume,
  put,
  testContext,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { add, budgeted, lenient, sizeBytes, use } from './growth.fixture.ts';

const { signal } = new AbortController();
const local = 't1:local' as LaneName;
const dayMs = 86_400_000;

async function contents(engine: TestEngine): Promise<readonly string[]> {
  const seen = await look(engine, { request: lenient });
  return [...seen.keys()].flatMap((path) => /^content\/(.*)$/.exec(path)?.[1] ?? []).toSorted();
}

async function builds(engine: TestEngine, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) {
    await engine.run(([volume]) => use(volume, 'std', `junk${number}`), { request: lenient });
  }
}

function ways({ events }: TestEngine): readonly string[] {
  return events.flatMap((event) => (event.type === 'attached' ? [event.mounter] : []));
}

test('files that each run uses stay, even over the budget, and runs take less than a minute', async () => {
  const engine = budgeted(3);
  const request = { ...lenient, mounter: 'clone' as const };
  const all = ['a', 'b', 'c', 'd'];
  await engine.run(([volume]) => use(volume, ...all), { request });
  for (let number = 1; number <= 6; number++) {
    const { report } = await engine.run(
      ([volume]) => {
        use(volume, ...all);
        put(volume, `content/small${number}`, 'x');
      },
      { request },
    );
    expect(report.volumes).toMatchObject([{ cameBack: null }]);
  }
  expect(await contents(engine)).toEqual(expect.arrayContaining(all));
});

test("a repository's file does not lower the budget of another namespace", async () => {
  const engine = testEngine();
  const theirs = { ...indexedVolume, namespace: parseNamespace('github.com/acme/lib') };
  const lanePolicy = { texts: { 'volume-budget': '2kB' }, source: 'cachelane.yaml' };
  const saves = async (name: string, volume: typeof theirs | typeof indexedVolume): Promise<void> => {
    await engine.run(([each]) => add(each, name), { volumes: [volume], request: { ...lenient, lanePolicy } });
  };
  for (let number = 1; number <= 6; number++) await saves(`new${number}`, theirs);
  const seen = await look(engine, { volumes: [theirs], request: lenient });
  expect([...seen.keys()].filter((path) => path.startsWith('content/'))).toHaveLength(6);
  for (let number = 1; number <= 6; number++) await saves(`new${number}`, indexedVolume);
  expect((await contents(engine)).length).toBeLessThan(6);
});

test('without space for a look, a run uses its volume as usual', async () => {
  const engine = budgeted(6, {
    wrap: (deps) => ({
      ...deps,
      mounters: {
        ...deps.mounters,
        clone: {
          ...deps.mounters.clone,
          attach: () => Promise.reject(new CachelaneError('E_DISK_FULL', 'no space left on device')),
        },
      },
    }),
  });
  await builds(engine, 1, 7);
  expect(ways(engine)).toEqual(Array.from({ length: 7 }, () => 'overlay'));
  const warnings = engine.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings).toContain('reads of indexed are not observed: no space left on device');
  expect(await contents(engine)).toContain('junk7');
});

test.each([
  { times: 1, way: 'overlay' },
  { times: 3, way: 'clone' },
])('if $times times the volume is free, a run near its budget uses $way', async ({ times, way }) => {
  const freeBytes = 6 * sizeBytes * times;
  const space = (): Promise<Space> => Promise.resolve({ freeBytes, totalBytes: 1e9 });
  const user = { 'free-space': { value: 0, source: 'test' } };
  const engine = budgeted(6, {
    wrap: (deps) => ({ ...deps, policy: { ...deps.policy, ...user }, layers: { ...deps.layers, space } }),
  });
  await builds(engine, 1, 6);
  expect(ways(engine).at(-1)).toBe(way);
});

test('runs that never save do not look at uses', async () => {
  const engine = budgeted(6);
  await builds(engine, 1, 5);
  await engine.run(() => undefined, { volumes: [{ ...indexedVolume, commit: 'never' }], request: lenient });
  expect(ways(engine).at(-1)).toBe('overlay');
  await builds(engine, 6, 6);
  expect(ways(engine).at(-1)).toBe('clone');
});

describe('notes from the future, of a wrong clock,', () => {
  for (const note of ['used', 'evicted'] as const) {
    test(`that something was ${note}, are ignored, and dropped with the next ones`, async () => {
      const engine = budgeted(6);
      const { metadata, clock } = engine.deps;
      await builds(engine, 1, 5);
      const [head] = await metadata.listHeads(signal);
      const { volumeId } = head ?? expect.fail('no head');
      const place = { volumeId, lane: local, note, paths: [] };
      const futureMs = clock.nowMs() + 400 * dayMs;
      await metadata.notePaths({ ...place, atMs: clock.nowMs(), moves: true }, signal);
      await metadata.notePaths({ ...place, atMs: futureMs, moves: true }, signal);
      await builds(engine, 6, 20);
      expect(ways(engine)).toContain('clone');
      expect(ways(engine).filter((way) => way === 'clone').length).toBeLessThan(12);
      expect((await metadata.notedPaths(volumeId, local, note, signal)).atMs).toBeLessThan(futureMs);
      expect(await contents(engine)).toContain('std');
    });
  }
});

test('names of removed files are dropped even if a run had just begun', async () => {
  const meanwhile: (() => Promise<void>)[] = [];
  const engine = budgeted(6, {
    wrap: (deps) => ({
      ...deps,
      mounters: {
        ...deps.mounters,
        overlay: {
          ...deps.mounters.overlay,
          attach: async (request, abort) => {
            await meanwhile.pop()?.();
            return await deps.mounters.overlay.attach(request, abort);
          },
        },
      },
    }),
  });
  await engine.run(([volume]) => use(volume, 'old'), { request: lenient });
  meanwhile.push(async () => await builds(engine, 1, 12));
  await engine.run(
    ([volume]: readonly MemoryVolume[]) => {
      expect(volume?.exists('content/old')).toBe(true);
      put(volume, 'index/other', 'old\n');
    },
    { request: lenient },
  );
  const seen = await look(engine, { request: lenient });
  expect(seen.get('content/old')).toBe(undefined);
  expect(seen.get('index/other') ?? '').toBe('');
});

/** A volume with remaining files in each layer, so that each is rewritten. */
async function grown(): Promise<TestEngine> {
  const engine = testEngine();
  for (let number = 1; number <= 12; number++) {
    await engine.run(
      ([volume]) => {
        put(volume, `unknown/${number}`, `${number}`);
        add(volume, `new${number}`);
      },
      { request: lenient },
    );
  }
  return engine;
}

const options = { ...everything, policy: { 'volume-budget': { value: 6 * sizeBytes, source: 'test' } } };

/** The same home, which cannot write layers. */
function unwritable({ deps }: TestEngine, error: CachelaneError): TestEngine['deps'] {
  const nowMs = deps.clock.nowMs() + 4 * dayMs;
  const clock = { ...deps.clock, nowMs: () => nowMs };
  return { ...deps, clock, layers: { ...deps.layers, stage: () => Promise.reject(error) } };
}

describe('a collection', () => {
  test('frees as much space as possible on a full disk before it rewrites a volume', async () => {
    const engine = await grown();
    const pullRequest = { ...lenient, context: testContext('t1:pr:12') };
    await engine.run(([volume]) => add(volume, 'theirs'), { request: pullRequest });
    const full = unwritable(engine, new CachelaneError('E_DISK_FULL', 'no space left on device'));
    expect((await findGarbage(full, options, signal)).layers.length).toBeGreaterThan(0);
    await expect(collectGarbage(full, options, signal)).rejects.toThrow('no space left');
    expect((await findGarbage(full, options, signal)).layers).toEqual([]);
  });

  test('leaves a damaged volume to the next run', async () => {
    const engine = await grown();
    const damaged = unwritable(engine, new CachelaneError('E_LAYER_CORRUPT', 'not what was stored'));
    expect((await findGarbage(damaged, options, signal)).growth).toHaveLength(1);
    expect((await collectGarbage(damaged, options, signal)).growth).toEqual([]);
  });
});
