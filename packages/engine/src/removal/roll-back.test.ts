import { isCachelaneError, limits, type HeadRecord, type Metadata, type RunId } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { look } from '../sim/histories.fixture.ts';
import { planRollBack, rollBack, type RollBackRequest } from './roll-back.ts';
import { rolledBackBy } from './rolled-back-by.ts';
import {
  indexedTool,
  indexedVolume,
  put,
  testContext,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';

const { signal } = new AbortController();
const context = testContext();

/** Each run adds a file and an index line of its name, in one generation. */
async function saved(engine: TestEngine, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { report } = await engine.run(([volume]) => {
      put(volume, `content/${name}`, `bytes of ${name}`);
      const before = volume?.exists('index/all') === true ? Buffer.from(volume.read('index/all')).toString() : '';
      put(volume, 'index/all', `${before}${name}\n`);
    });
    expect(report.volumes[0]?.layer).not.toBeNull();
  }
}

async function headOf({ deps }: TestEngine): Promise<HeadRecord> {
  const [head] = await deps.metadata.listHeads(signal);
  if (head === undefined) throw new Error('there is no head');
  return head;
}

async function request(engine: TestEngine, to: number | null = null): Promise<RollBackRequest> {
  const { volumeId } = await headOf(engine);
  return { volumeId, tool: indexedTool, context, to, by: `run_${'0'.repeat(32)}` as RunId };
}

/** An engine that acts right before each of the first `times` commits. */
function disturbed(engine: TestEngine, times: number, disturb: () => Promise<unknown>): TestEngine['deps'] {
  let left = times;
  const { metadata } = engine.deps;
  const commit: Metadata['commit'] = async (wish, abort) => {
    if (left-- > 0) await disturb();
    return await metadata.commit(wish, abort);
  };
  return {
    ...engine.deps,
    metadata: new Proxy(metadata, { get: (on, key) => (key === 'commit' ? commit : Reflect.get(on, key)) }),
  };
}

async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isCachelaneError(error)) return `${error.code} ${error.message}; ${error.hint}`;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('a rollback', () => {
  test('restores the previous generation as a new one; a second one undoes it', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const before = await look(engine);
    const done = await rollBack(engine.deps, await request(engine), signal);
    expect(done).toMatchObject({
      from: { generation: 2 },
      to: { generation: 1 },
      head: { generation: 3 },
      keptOnTop: 0,
    });
    expect(done.differences?.map(({ path, after }) => [path, after?.sizeBytes ?? null])).toEqual([
      ['content/b', null],
      ['index/all', 2],
    ]);
    expect(Object.fromEntries(await look(engine))).toEqual({ 'content/a': 'bytes of a', 'index/all': 'a\n' });
    await rollBack(engine.deps, await request(engine), signal);
    expect(await look(engine)).toEqual(before);
    const history = await engine.deps.metadata.history(done.from.volumeId, context.lane, signal);
    expect(history.map(({ generation, layer }) => [generation, layer !== null])).toEqual([
      [4, false],
      [3, false],
      [2, true],
      [1, true],
    ]);
    expect(history[1]).toMatchObject({
      run: `run_${'0'.repeat(32)}`,
      counts: { added: 0, changed: 1, removed: 1, sizeBytes: 0 },
    });
  });

  test('goes back as far as history does', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b', 'c');
    await rollBack(engine.deps, await request(engine, 1), signal);
    expect([...(await look(engine)).keys()]).toEqual(['content/a', 'index/all']);
  });

  test('in a dry run changes nothing', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const head = await headOf(engine);
    expect((await planRollBack(engine.deps, await request(engine), signal)).differences).toHaveLength(2);
    expect(await headOf(engine)).toEqual(head);
  });

  test('to the present layers does not move the head', async () => {
    const engine = testEngine();
    await saved(engine, 'a');
    expect(await rollBack(engine.deps, await request(engine, 1), signal)).toMatchObject({
      head: null,
      differences: [],
    });
    expect(await headOf(engine)).toMatchObject({ generation: 1 });
  });

  test('drops a concurrent clean-up, which would name removed files', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b', 'c');
    const prune = async () =>
      await engine.run(
        ([volume]) => {
          volume?.remove('content/a');
          put(volume, 'index/all', 'b\nc\n');
        },
        { request: { purpose: 'prune' } },
      );
    const done = await rollBack(disturbed(engine, 1, prune), await request(engine, 1), signal);
    expect(done).toMatchObject({ keptOnTop: 0 });
    expect(Object.fromEntries(await look(engine))).toEqual({ 'content/a': 'bytes of a', 'index/all': 'a\n' });
  });

  test('keeps concurrent runs on top', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const wish = await request(engine);
    const late = ['x', 'y'];
    const deps = disturbed(engine, 2, async () => {
      await saved(engine, late.shift() ?? '');
    });
    expect(await rollBack(deps, wish, signal)).toMatchObject({ head: { generation: 5 }, keptOnTop: 2 });
    expect([...(await look(engine)).keys()]).toEqual(['content/a', 'content/x', 'content/y', 'index/all']);
  });

  test('with an id is made once', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b', 'c');
    const once = { ...(await request(engine)), isOnce: true };
    await rollBack(engine.deps, once, signal);
    expect(await errorOf(rollBack(engine.deps, once, signal))).toContain('E_HEAD_MOVED the same rollback');
    expect(await headOf(engine)).toMatchObject({ generation: 4 });
    const { volumeId, by } = once;
    const { lane } = testContext();
    const done = { from: 3, to: 2, generation: 4, keptOnTop: 0 };
    expect(await rolledBackBy(engine.deps.metadata, { volumeId, lane, by }, signal)).toEqual(done);
  });

  test('fails if the head keeps moving, or if layers were removed', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    let count = 0;
    const restless = disturbed(engine, Infinity, async () => await saved(engine, `n${count++}`));
    expect(await errorOf(rollBack(restless, await request(engine, 1), signal))).toContain(
      `E_HEAD_MOVED the head moved ${limits.commitAttempts} times`,
    );
    const twice = testEngine();
    await saved(twice, 'a', 'b');
    const other = disturbed(twice, 1, async () => await rollBack(twice.deps, await request(twice, 1), signal));
    expect(await errorOf(rollBack(other, await request(twice), signal))).toContain('removed layers from lane t1:local');
    expect(await headOf(twice)).toMatchObject({ generation: 3 });
    const removed = disturbed(twice, 1, async () => {
      await twice.deps.metadata.removeVolume((await headOf(twice)).volumeId, null, signal);
    });
    expect(await errorOf(rollBack(removed, await request(twice), signal))).toContain('E_NOT_FOUND');
  });

  test('to an unknown generation fails', async () => {
    const engine = testEngine();
    await saved(engine, 'a');
    expect(await errorOf(rollBack(engine.deps, await request(engine), signal))).toBe(
      'E_NOT_FOUND there is no generation before 1 in lane t1:local; its history has only generation 1; run cachelane log to list them',
    );
    await saved(engine, 'b');
    expect(await errorOf(rollBack(engine.deps, await request(engine, 7), signal))).toBe(
      'E_NOT_FOUND there is no generation 7 in lane t1:local; its history goes from generation 1 to 2; run cachelane log to list them',
    );
    expect(await headOf(engine)).toMatchObject({ generation: 2 });
  });

  test('to missing layers fails', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const { layers } = await headOf(engine);
    engine.deps.layers.remove(layers.slice(1));
    const problem = await errorOf(rollBack(engine.deps, await request(engine), signal));
    expect(problem).toContain(
      `E_LAYER_MISSING generation 1 cannot be restored: 1 of its 1 layers are gone (${layers[1]?.slice(0, 12)})`,
    );
    expect(await headOf(engine)).toMatchObject({ generation: 2, layers });
  });

  test('works if the present layer is missing', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    engine.deps.layers.remove((await headOf(engine)).layers.slice(0, 1));
    expect(await rollBack(engine.deps, await request(engine), signal)).toMatchObject({
      differences: null,
      head: { generation: 3 },
    });
    expect(Object.fromEntries(await look(engine))).toEqual({ 'content/a': 'bytes of a', 'index/all': 'a\n' });
  });

  test('is refused on a read-only lane', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const wish = { ...(await request(engine)), context: { ...context, canWrite: false, why: 'a fork' } };
    for (const tried of [planRollBack, rollBack]) {
      expect(await errorOf(tried(engine.deps, wish, signal))).toContain(
        'E_USAGE the lane t1:local may not be written here: a fork',
      );
    }
    expect(await headOf(engine)).toMatchObject({ generation: 2 });
  });

  test('applies to its own lane only', async () => {
    const engine = testEngine();
    await saved(engine, 'a', 'b');
    const elsewhere = testContext('t1:ref:other');
    const wish = { ...(await request(engine)), context: elsewhere };
    expect(await errorOf(rollBack(engine.deps, wish, signal))).toContain('lane t1:ref:other is empty');
    await engine.run(([volume]) => put(volume, 'content/o', 'o'), {
      volumes: [indexedVolume],
      request: { context: elsewhere },
    });
    expect(await errorOf(rollBack(engine.deps, wish, signal))).toContain('no generation before 1');
  });
});
