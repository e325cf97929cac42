import {
  limits,
  Squashes,
  type BytePath,
  type Entry,
  type HeadRecord,
  type LayerId,
  type RunId,
  type SessionId,
  type SquashRequest,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { look } from '../sim/histories.fixture.ts';
import { rollBack } from '../removal/roll-back.ts';
import { squashHead } from './squash-head.ts';
import {
  indexedTool,
  indexedVolume,
  install,
  plainVolume,
  put,
  testContext,
  testEngine,
  testHome,
  text,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';

const { signal } = new AbortController();
const names = (count: number, prefix = 'n'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

async function installAll(engine: TestEngine, wanted: readonly string[]): Promise<readonly RunId[]> {
  for (const name of wanted) await engine.run(([volume]) => install(volume, name));
  return engine.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
}

async function headOf({ deps }: TestEngine): Promise<HeadRecord> {
  const [head] = await deps.metadata.listHeads(signal);
  return head ?? expect.fail('there is no head');
}

async function squashesOf(engine: TestEngine): Promise<Squashes> {
  const { volumeId, lane } = await headOf(engine);
  return new Squashes(await engine.deps.metadata.squashes(volumeId, lane, signal));
}

async function linesOf(engine: TestEngine): Promise<readonly string[]> {
  const seen = await look(engine);
  for (const line of (seen.get('index/bucket') ?? '').split('\n').filter((each) => each !== ''))
    expect(seen.get(`content/${line}`)).toBe(`bytes of ${line}`);
  return (seen.get('index/bucket') ?? '').split('\n').filter((line) => line !== '');
}

/** Acts each time before a squash is committed. */
function beforeSquash(
  act: (request: SquashRequest) => Promise<void>,
): (deps: EngineDependencies) => EngineDependencies {
  return (deps) => ({
    ...deps,
    metadata: {
      ...deps.metadata,
      squash: async (request, stop) => {
        await act(request);
        return await deps.metadata.squash(request, stop);
      },
    },
  });
}

describe('the layers of a head', () => {
  test('stay few for any number of saves, and show all of them', async () => {
    const engine = testEngine();
    const wanted = names(150);
    let longest = 0;
    for (const name of wanted) {
      await engine.run(([volume]) => install(volume, name));
      longest = Math.max(longest, (await headOf(engine)).layers.length);
    }
    expect(longest).toBeLessThan(limits.viewLayers);
    expect(await linesOf(engine)).toEqual(wanted.toSorted());
    const { generation, layers } = await headOf(engine);
    expect(generation).toBe(wanted.length);
    expect((await squashesOf(engine)).expand(layers)).toHaveLength(wanted.length);
  });

  test('grow with the additions: an entry is rewritten only a few times', async () => {
    let written = 0;
    const wrap = (deps: EngineDependencies): EngineDependencies => ({
      ...deps,
      layers: {
        ...deps.layers,
        stage: async (request, stop) => {
          written += request.entries.length;
          return await deps.layers.stage(request, stop);
        },
      },
    });
    const engine = testEngine({ wrap });
    const saves = 128;
    for (const name of names(saves)) await engine.run(([volume]) => put(volume, `content/${name}`, 'x'));
    // An entry and its directory each, times a logarithm.
    expect(written / saves).toBeLessThan(2 * Math.log2(saves));
  });

  test('are not opened if nothing is squashed, since one may have 100,000 entries', async () => {
    const engine = testEngine();
    await installAll(engine, names(3));
    const [head, { deps }] = [await headOf(engine), engine];
    let looked = 0;
    const open: typeof deps.layers.open = async (id, stop) => {
      const layer = await deps.layers.open(id, stop);
      return Object.create(layer, { index: { get: () => ((looked += 1), layer.index) } }) as typeof layer;
    };
    const request = { head, tool: indexedTool, sessionId: 'session_0' as SessionId };
    expect(await squashHead({ ...deps, layers: { ...deps.layers, open } }, request, signal)).toEqual(head);
    expect(looked).toBe(0);
  });

  test('keep the origins of entries', async () => {
    const engine = testEngine();
    const runs = await installAll(engine, names(9));
    const head = await headOf(engine);
    expect(head.layers.length).toBeLessThan(9);
    const origins = new Map<BytePath, readonly RunId[]>();
    for (const id of head.layers.toReversed()) {
      for (const { path, origins: those } of (await engine.deps.layers.open(id, signal)).index.entries())
        origins.set(path, those);
    }
    for (const [index, run] of runs.entries()) expect(origins.get(`content/n${index}` as BytePath)).toEqual([run]);
  });

  test('are squashed too if each run rewrites the same file', async () => {
    const engine = testEngine();
    const volumes = [plainVolume];
    for (const name of names(30)) await engine.run(([volume]) => put(volume, 'file', name), { volumes });
    const { layers } = await headOf(engine);
    expect(layers.length).toBeLessThan(limits.viewLayers);
    // Squashes stay separate, though the topmost layer hides the rest.
    expect((await squashesOf(engine)).expand(layers)).toHaveLength(30);
    expect((await look(engine, { volumes })).get('file')).toBe('n29');
  });

  test("keep removals of lower lanes' files in a squash", async () => {
    const engine = testEngine();
    const volumes = [plainVolume];
    const main = { context: testContext('t1:ref:main') };
    const branch = { context: testContext('t1:ref:dev', undefined, ['t1:ref:main']) };
    await engine.run(([volume]) => ['a', 'b'].forEach((name) => put(volume, name, 'main')), { volumes, request: main });
    await engine.run(([volume]) => volume?.run([{ do: 'remove', path: 'a' }]), { volumes, request: branch });
    for (const name of names(8)) await engine.run(([volume]) => put(volume, name, 'x'), { volumes, request: branch });
    const heads = await engine.deps.metadata.listHeads(signal);
    expect(heads.find(({ lane }) => lane === branch.context.lane)?.layers.length).toBeLessThan(9);
    const seen = await look(engine, { volumes, request: branch });
    expect([seen.has('a'), seen.has('b')]).toEqual([false, true]);
  });

  test('keep hints in a squash, since lower lanes may have the file', async () => {
    const engine = testEngine();
    const main = { context: testContext('t1:ref:main') };
    const branch = { context: testContext('t1:ref:dev', undefined, ['t1:ref:main']) };
    await engine.run(([volume]) => put(volume, 'content/old', 'x'), { request: main });
    const remove = [{ do: 'remove', path: 'content/old' } as const];
    await engine.run(([volume]) => (volume?.run(remove), put(volume, 'content/new', 'x')), { request: branch });
    for (const name of names(8)) await engine.run(([volume]) => install(volume, name), { request: branch });
    const heads = await engine.deps.metadata.listHeads(signal);
    const layers = heads.find(({ lane }) => lane === branch.context.lane)?.layers ?? [];
    expect(layers.length).toBeLessThan(9);
    const hints = await Promise.all(
      layers.map(async (id) => (await engine.deps.layers.open(id, signal)).index.find('content/old' as BytePath)),
    );
    expect(hints.filter((entry) => entry !== undefined)).toMatchObject([{ removed: 'hint' }]);
    expect((await look(engine, { request: branch })).has('content/old')).toBe(true);
  });
});

async function prune(engine: TestEngine, gone: string): Promise<void> {
  await engine.run(
    ([volume]) => {
      put(volume, 'index/bucket', text(volume, 'index/bucket').replace(`${gone}\n`, ''));
      volume?.remove(`content/${gone}`);
    },
    { request: { purpose: 'prune' } },
  );
}

async function takenAwayIn({ deps }: TestEngine, layers: readonly LayerId[]): Promise<readonly Entry[]> {
  const opened = await Promise.all(layers.map(async (id) => await deps.layers.open(id, signal)));
  return opened.flatMap(({ index }) =>
    [...index.special()].filter(({ removed }) => removed !== 'hint' && removed !== null),
  );
}

describe('a clean-up in a head', () => {
  test('does not make it long, however much is below', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      for (const name of names(400, 'base')) install(volume, name);
    });
    const lengths: number[] = [];
    for (let number = 0; number < 40; number++) {
      await prune(engine, `base${number}`);
      await installAll(engine, [`n${number}`]);
      lengths.push((await headOf(engine)).layers.length);
    }
    expect(Math.max(...lengths)).toBeLessThanOrEqual(limits.headLayers);
    const left = names(400, 'base').slice(40);
    expect(await linesOf(engine)).toEqual([...left, ...names(40)].toSorted());
  });

  test('is squashed with everything that it saw, and then removes nothing from other lanes', async () => {
    const engine = testEngine();
    await installAll(engine, ['a', 'b']);
    await prune(engine, 'a');
    expect(await takenAwayIn(engine, (await headOf(engine)).layers)).toHaveLength(2);
    await installAll(engine, names(4));
    const { layers } = await headOf(engine);
    expect(layers.length).toBeLessThan(5);
    expect(await takenAwayIn(engine, layers)).toEqual([]);
    expect((await look(engine)).has('content/a')).toBe(false);
    expect(await linesOf(engine)).toEqual(['b', ...names(4)]);
  });

  test('is not squashed with a part of that; layers above it are squashed separately', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => names(800, 'base').forEach((name) => install(volume, name)));
    await prune(engine, 'base0');
    const [cleanUp, base] = (await headOf(engine)).layers;
    await installAll(engine, names(40));
    const { layers } = await headOf(engine);
    expect(layers.slice(-2)).toEqual([cleanUp, base]);
    expect(layers.length).toBeLessThan(limits.viewLayers);
    expect(await linesOf(engine)).toEqual([...names(800, 'base').slice(1), ...names(40)].toSorted());
  });
});

describe('during a squash', () => {
  test("another run's commit ends up on top of the head", async () => {
    const home = testHome();
    const other = testEngine({ seed: 'other ', home });
    let count = 0;
    const act = async (): Promise<void> => {
      await other.run(([volume]) => install(volume, `other${count++}`));
    };
    const engine = testEngine({ home, wrap: beforeSquash(act) });
    await installAll(engine, names(12));
    expect(count).toBeGreaterThan(0);
    expect(await linesOf(engine)).toEqual([...names(12), ...names(count, 'other')].toSorted());
    expect((await headOf(engine)).layers.length).toBeLessThan(limits.viewLayers);
  });

  test('layers removed by another process do not come back', async () => {
    const home = testHome();
    const plain = testEngine({ seed: 'other ', home });
    await installAll(plain, names(3));
    const { volumeId, lane } = await headOf(plain);
    let asked: readonly LayerId[] = [];
    const context = testContext();
    const act = async ({ layers }: SquashRequest): Promise<void> => {
      asked = layers;
      const by = 'run_0' as RunId;
      await rollBack(plain.deps, { volumeId, tool: indexedTool, context, to: 1, by }, signal);
    };
    const engine = testEngine({ home, wrap: beforeSquash(act) });
    await installAll(engine, ['last']);
    expect(asked).toHaveLength(4);
    expect(await linesOf(engine)).toEqual(['n0']);
    expect(await plain.deps.metadata.squashes(volumeId, lane, signal)).toEqual([]);
  });

  test('a failure does not affect the save', async () => {
    const wrap = beforeSquash(() => Promise.reject(new Error('no')));
    const engine = testEngine({ wrap });
    await installAll(engine, names(6));
    expect(await linesOf(engine)).toEqual(names(6));
    expect(engine.events).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        message: expect.stringMatching(/^layers of lane .* not squashed: no$/),
      }),
    );
  });

  test('a clean-up that began before stays right above the layers that it saw', async () => {
    const home = testHome();
    const engine = testEngine({ home });
    await installAll(engine, names(3));
    const other = testEngine({ seed: 'other ', home });
    const options = { request: { purpose: 'prune' } } as const;
    await engine.run(async ([volume]) => {
      await installAll(other, names(6, 'other'));
      put(volume, 'index/bucket', 'n2\n');
      for (const name of ['n0', 'n1']) volume?.remove(`content/${name}`);
    }, options);
    expect(await linesOf(engine)).toEqual(['n2', ...names(6, 'other')].toSorted());
  });

  test('a run that began before has no conflict with the layers that it saw', async () => {
    const home = testHome();
    const engine = testEngine({ home });
    const volumes = [indexedVolume];
    await engine.run(([volume]) => put(volume, 'unknown/f', 'old'), { volumes });
    const other = testEngine({ seed: 'other ', home });
    const { report } = await engine.run(async ([volume]) => {
      await installAll(other, names(6, 'other'));
      put(volume, 'unknown/f', 'new');
    });
    expect((await headOf(engine)).layers.length).toBeLessThan(8);
    expect(report.volumes[0]?.conflicts).toEqual([]);
  });
});

describe('after a squash', () => {
  test('a rollback to an earlier generation restores its contents', async () => {
    const engine = testEngine();
    await installAll(engine, names(9));
    const { volumeId } = await headOf(engine);
    const request = { volumeId, tool: indexedTool, context: testContext(), by: 'run_0' as RunId };
    await rollBack(engine.deps, { ...request, to: 2 }, signal);
    expect(await linesOf(engine)).toEqual(['n0', 'n1']);
    await rollBack(engine.deps, { ...request, to: 9 }, signal);
    expect(await linesOf(engine)).toEqual(names(9));
    expect((await headOf(engine)).layers.length).toBeLessThan(9);
  });

  test('a damaged or missing squash is replaced by the layers that it replaced', async () => {
    const home = testHome();
    const engine = testEngine({ home });
    await installAll(engine, names(4));
    const { layers } = await headOf(engine);
    expect(layers).toHaveLength(1);
    const [squash] = layers;
    home.disk.layers.delete(squash as LayerId);
    expect(await linesOf(engine)).toEqual(names(4));
    expect((await headOf(engine)).layers).toHaveLength(4);
  });

  test('replaced layers are collected after the window', async () => {
    const engine = testEngine();
    await installAll(engine, names(4));
    const { layers } = await headOf(engine);
    const [, ...others] = (await engine.deps.layers.list(signal)).map(({ id }) => id);
    expect(others).toHaveLength(4);
    const kept = await engine.deps.metadata.referencedLayers(engine.deps.clock.nowMs(), signal);
    expect(others.every((id) => kept.has(id) || layers.includes(id))).toBe(true);
    const later = engine.deps.clock.nowMs() + Math.max(limits.revocationMs, limits.historyMs) + 1;
    expect([...(await engine.deps.metadata.referencedLayers(later, signal))]).toEqual(layers);
  });
});
