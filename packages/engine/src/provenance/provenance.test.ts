import { decodeManifest, encodeManifest, type BytePath, type RunId } from '@cachelane/core';
import type { MemoryVolume } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look } from '../sim/histories.fixture.ts';
import { openExport } from '../transfer/export-volume.ts';
import { importLayers } from '../transfer/import-volume.ts';
import { planRollBack, rollBack } from '../removal/roll-back.ts';
import { installOn, machines, warnings } from '../sync/machines.fixture.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import {
  baseRequest,
  indexedTool,
  indexedVolume,
  plainVolume,
  install,
  put,
  testContext,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { blamePath } from './blame-path.ts';
import { traceRun } from './trace-run.ts';

const { signal } = new AbortController();

function runsOf({ events }: TestEngine): readonly RunId[] {
  return events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
}

async function installAll(engine: TestEngine, ...names: readonly string[]): Promise<readonly RunId[]> {
  for (const name of names) await engine.run(([volume]) => install(volume, name));
  return runsOf(engine).slice(-names.length);
}

async function linesOf(engine: TestEngine): Promise<readonly string[]> {
  return ((await look(engine)).get('index/bucket') ?? '').split('\n').filter((line) => line !== '');
}

async function revoke({ deps }: TestEngine, run: RunId | undefined, cascade = false): Promise<void> {
  const plans = await planEverywhere(deps, { run: run ?? expect.fail('no run'), cascade }, signal);
  await revokeEverywhere(deps, plans, 'ann', signal);
}

/** Like a tool's clean-up. */
async function sweep(engine: TestEngine, names: readonly string[], contents = names): Promise<RunId> {
  const lines = (await linesOf(engine)).filter((line) => !names.includes(line));
  const work = ([volume]: readonly MemoryVolume[]): void => {
    for (const name of contents) volume?.remove(`content/${name}`);
    put(volume, 'index/bucket', lines.map((line) => `${line}\n`).join(''));
  };
  await engine.run(work, { request: { purpose: 'prune' } });
  return runsOf(engine).at(-1) ?? expect.fail('no run');
}

function contentsIn(seen: ReadonlyMap<string, string>): readonly string[] {
  return [...seen.keys()].filter((path) => path.startsWith('content/')).map((path) => path.slice('content/'.length));
}

async function rollBackTo({ deps }: TestEngine, to: number): Promise<void> {
  const [head] = await deps.metadata.listHeads(signal);
  const request = { volumeId: head?.volumeId ?? expect.fail('no head'), tool: indexedTool, context: testContext() };
  await rollBack(deps, { ...request, to, by: `run_${'b'.repeat(32)}` as RunId }, signal);
}

describe('trace', () => {
  test("finds a run's layers in heads, also inside squashes, and its readers", async () => {
    const engine = testEngine();
    const runs = await installAll(engine, 'a', 'b', 'c', 'd', 'e');
    const [first, second, ...rest] = runs;
    const found = await traceRun(engine.deps, first as RunId, signal);
    expect(found.record).toMatchObject({ id: first, lane: 't1:local' });
    const [head, ...others] = found.heads;
    expect(others).toEqual([]);
    const paths = (head?.layers ?? []).map(({ isReplaced, entries }) => [isReplaced, entries.map(({ path }) => path)]);
    // A directory belongs to the run that touched it last.
    expect(paths).toEqual([
      [false, ['content/a', 'index/bucket']],
      [true, ['content', 'content/a', 'index', 'index/bucket']],
    ]);
    expect(found.readers).toEqual([second, ...rest]);
    expect((await traceRun(engine.deps, rest.at(-1) as RunId, signal)).readers).toEqual([]);
  });

  test('throws for an unknown run', async () => {
    const unknown = `run_${'9'.repeat(32)}` as RunId;
    await expect(traceRun(testEngine().deps, unknown, signal)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});

async function blame({ deps }: TestEngine, path: string): Promise<readonly unknown[]> {
  const heads = await deps.metadata.listHeads(signal);
  const blamed = await blamePath(deps, { heads: heads.toReversed(), path: path as BytePath }, signal);
  return blamed.map(({ state, entry, runs }) => [state, entry.removed, runs.map(({ id }) => id)]);
}

describe('blame', () => {
  test('names the run of the visible version, its contributors, and hidden versions', async () => {
    const engine = testEngine();
    for (const content of ['old', 'new']) await engine.run(([volume]) => put(volume, 'unknown/f', content));
    const [first, second] = runsOf(engine) as [RunId, RunId];
    expect(await blame(engine, 'unknown/f')).toEqual([
      ['seen', null, expect.toSatisfy((ids: readonly RunId[]) => ids.includes(first) && ids.includes(second))],
      ['hidden', null, [first]],
    ]);
    expect(await blame(engine, 'unknown/other')).toEqual([]);
  });

  test('names all runs of a merged file, through squashes', async () => {
    const engine = testEngine();
    const runs = await installAll(engine, 'a', 'b', 'c', 'd', 'e');
    const blamed = await blame(engine, 'index/bucket');
    expect(blamed).toEqual(runs.toReversed().map((run) => ['seen', null, [run]]));
    expect((await engine.deps.metadata.listHeads(signal))[0]?.layers.length).toBeLessThan(5);
  });

  test('reports a removal', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => ['f', 'g'].forEach((name) => put(volume, `unknown/${name}`, 'x')));
    await engine.run(([volume]) => volume?.run([{ do: 'remove', path: 'unknown/f' }]));
    const [first, second] = runsOf(engine);
    expect(await blame(engine, 'unknown/f')).toEqual([
      ['hidden', 'counted', [second]],
      ['hidden', null, [first]],
    ]);
  });

  test('goes through the lanes of a chain, nearest first', async () => {
    const engine = testEngine();
    for (const lane of ['t1:ref:main', 't1:local']) {
      await engine.run(([volume]) => put(volume, 'unknown/f', lane), { request: { context: testContext(lane) } });
    }
    const [main, local] = runsOf(engine);
    const heads = await engine.deps.metadata.listHeads(signal);
    const ordered = ['t1:local', 't1:ref:main'].flatMap((lane) => heads.filter((head) => head.lane === lane));
    const blamed = await blamePath(engine.deps, { heads: ordered, path: 'unknown/f' as BytePath }, signal);
    expect(blamed.map(({ state, head, runs }) => [state, head.lane, runs[0]?.id])).toEqual([
      ['seen', 't1:local', local],
      ['hidden', 't1:ref:main', main],
    ]);
  });
});

describe('revoke', () => {
  test('removes a run from a squash as if it had never been there', async () => {
    const engine = testEngine();
    const runs = await installAll(engine, 'a', 'b', 'c', 'd', 'e');
    await revoke(engine, runs[1]);
    expect(await linesOf(engine)).toEqual(['a', 'c', 'd', 'e']);
    expect((await look(engine)).has('content/b')).toBe(false);
    const found = await traceRun(engine.deps, runs[1] as RunId, signal);
    expect(found).toMatchObject({ heads: [], revoked: { by: 'ann' } });
  });

  test.each([
    ['that saw it removes only the run', ['junk'], 'evil', ['a', 'b', 'c']],
    ['that removed it removes only the run', ['junk', 'evil'], 'evil', ['a', 'b', 'c']],
    [
      'that the run made restores its removals, but not those of a later one',
      ['junk'],
      'clean-up',
      ['a', 'b', 'c', 'evil', 'junk'],
    ],
  ])('over a clean-up %s', async (_, swept, revoked, left) => {
    const engine = testEngine();
    const [, , evil] = await installAll(engine, 'a', 'junk', 'evil', 'b');
    const cleanUp = await sweep(engine, swept);
    // A second clean-up, over the first one's result.
    const [, other] = await installAll(engine, 'c', 'other');
    await sweep(engine, ['other']);
    await revoke(engine, revoked === 'evil' ? evil : cleanUp);
    expect(await linesOf(engine)).toEqual(left);
    expect(contentsIn(await look(engine))).toEqual(left);
    await revoke(engine, other);
    expect(await linesOf(engine)).toEqual(left);
  });

  test('over a clean-up leaves no name without its content', async () => {
    const engine = testEngine();
    const [, , , evil] = await installAll(engine, 'a', 'b', 'c', 'evil');
    await sweep(engine, ['b'], ['a', 'b']);
    await revoke(engine, evil);
    expect(await linesOf(engine)).toEqual(['c']);
  });

  test('lists its readers; with a cascade, readers and their readers are revoked too', async () => {
    const engine = testEngine();
    const [a, b, c] = await installAll(engine, 'a', 'b', 'c');
    const other = { request: { context: testContext('t1:local', 'github.com/acme/other') } };
    await engine.run(([volume]) => install(volume, 'x'), other);
    const plans = await planEverywhere(engine.deps, { run: b as RunId, cascade: false }, signal);
    expect(plans.here).toMatchObject({ runs: [b], readers: [c] });
    const cascade = await planEverywhere(engine.deps, { run: a as RunId, cascade: true }, signal);
    expect(cascade.here).toMatchObject({ runs: [a, b, c], readers: [] });
    expect(cascade.here.heads).toHaveLength(1);
    expect(await linesOf(engine)).toEqual(['a', 'b', 'c']);
    await revoke(engine, a, true);
    expect(await linesOf(engine)).toEqual([]);
    expect((await look(engine, other)).has('content/x')).toBe(true);
  });

  test('holds for a rollback to a generation that had the run', async () => {
    const engine = testEngine();
    const runs = await installAll(engine, 'a', 'b', 'c');
    await revoke(engine, runs[0]);
    const [head] = await engine.deps.metadata.listHeads(signal);
    const request = { volumeId: head?.volumeId ?? expect.fail('no head'), tool: indexedTool, context: testContext() };
    const planned = await planRollBack(engine.deps, { ...request, to: 2, by: runs[2] as RunId }, signal);
    expect(planned.differences?.map(({ path }) => path)).toEqual(['content/c', 'index/bucket']);
    await rollBack(engine.deps, { ...request, to: 2, by: runs[2] as RunId }, signal);
    expect(await linesOf(engine)).toEqual(['b']);
  });

  test('names no layer twice if the head has a squash and its part', async () => {
    const engine = testEngine();
    const [a, , bad] = await installAll(engine, 'a', 'b', 'bad', 'd');
    await rollBackTo(engine, 3);
    const { deps } = engine;
    const [head] = await deps.metadata.listHeads(signal);
    if (head === undefined) return expect.fail('nothing was saved');
    const { volumeId, lane, generation } = head;
    const [squash] = await deps.metadata.squashes(volumeId, lane, signal);
    await deps.metadata.commit(
      {
        volumeId,
        lane,
        expectedGeneration: generation,
        layers: [squash?.id ?? expect.fail('no squash'), ...head.layers],
        layer: null,
        run: a as RunId,
        counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
        atMs: 1,
      },
      signal,
    );
    await revoke(engine, bad);
    const [after] = await deps.metadata.listHeads(signal);
    expect(new Set(after?.layers).size).toBe(after?.layers.length);
    expect(await linesOf(engine)).toEqual(['a', 'b', 'd']);
    return undefined;
  });

  test('holds for an import', async () => {
    const engine = testEngine();
    const runs = await installAll(engine, 'a', 'bad', 'c', 'd', 'e');
    const other = testEngine({ seed: 'other' });
    await installAll(other, 'x');
    const [head] = await engine.deps.metadata.listHeads(signal);
    const [volume] = await engine.deps.metadata.listVolumes(signal);
    if (head === undefined || volume === undefined) return expect.fail('nothing was saved');
    const take = async ({ deps }: TestEngine) => {
      const from = { namespace: 'github.com/acme/web', volume, head };
      await using exported = await openExport(engine.deps, from, { history: true, signal });
      const request = { ...baseRequest, volume: indexedVolume, signal };
      return await importLayers(deps, request, exported.parts);
    };
    await revoke(engine, runs[1]);
    const left = await linesOf(engine);
    await take(engine);
    expect(await linesOf(engine)).toEqual(left);
    expect((await look(engine)).has('content/bad')).toBe(false);
    expect(await traceRun(engine.deps, runs[1] as RunId, signal)).toMatchObject({ heads: [] });
    const [after] = await engine.deps.metadata.listHeads(signal);
    expect(new Set(after?.layers).size).toBe(after?.layers.length);
    // A store that never knew the run.
    await other.deps.metadata.revokeRuns([{ run: runs[1] as RunId, atMs: 1, by: 'ann', namespaceId: null }], signal);
    const { taken, had } = await take(other);
    expect(had).toBe(0);
    const named = (await other.deps.metadata.listHeads(signal))[0]?.layers ?? [];
    expect(taken.map(({ id }) => id).filter((id) => !named.includes(id))).toEqual([]);
    // The export has only the squash, so merged lines are removed together, as after the window.
    expect(await linesOf(other)).toEqual(['e', 'x']);
    expect((await look(other)).has('content/c')).toBe(true);
    expect(warnings(other)).toEqual([expect.stringContaining('are revoked here')]);
    await other.run(() => undefined);
    expect((await look(other)).has('content/bad')).toBe(false);
    return undefined;
  });

  test('of a running run prevents its save', async () => {
    const engine = testEngine();
    await installAll(engine, 'a');
    const { report } = await engine.run(
      async ([volume]) => {
        const run = runsOf(engine).at(-1) as RunId;
        await engine.deps.metadata.revokeRuns([{ run, atMs: 1, by: 'ann', namespaceId: null }], signal);
        install(volume, 'b');
      },
      { request: { strict: false } },
    );
    expect(report.volumes[0]).toMatchObject({ layer: null, skipped: expect.stringContaining('is revoked') });
    expect(await linesOf(engine)).toEqual(['a']);
  });

  test('reaches the remote and every machine, and no machine brings the run back', async () => {
    const { machine } = machines();
    const [ann, ben, cy] = [machine(), machine(), machine()];
    await installOn(ann, 'a');
    const evil = (await installAll(ann, 'evil'))[0];
    await ben.run(() => undefined);
    await ben.run(([volume]) => install(volume, 'ben'), { request: { push: 'never' } });
    // The revoking machine has no layer of the run.
    await revoke(cy, evil);
    expect(await linesOf(cy)).toEqual(['a']);
    await installOn(ben, 'more');
    for (const engine of [ann, ben, cy, machine()]) expect(await linesOf(engine)).toEqual(['a', 'ben', 'more']);
    expect(await ann.deps.metadata.revokedRuns('all', signal)).toMatchObject([{ run: evil, by: 'ann' }]);
    // A rollback to before the revocation, pushed.
    const [head] = await ben.deps.metadata.listHeads(signal);
    const request = { volumeId: head?.volumeId ?? expect.fail('no head'), tool: indexedTool, context: testContext() };
    await rollBack(ben.deps, { ...request, to: 1, by: evil as RunId }, signal);
    await ben.run(() => undefined);
    for (const engine of [ann, ben, cy]) expect((await look(engine)).has('content/evil')).toBe(false);
  });

  test('is noted in other heads of the namespace, so that no machine pushes the run there', async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    const volumes = [plainVolume];
    await ann.run(([volume]) => put(volume, 'f', 'ann'), { volumes });
    // One run saves both volumes, and pushes one of them.
    const both = { volumes: [indexedVolume, { ...plainVolume, sync: 'never' }] } as const;
    await ben.run(([indexed, plain]) => (install(indexed, 'evil'), put(plain, 'evil', 'x')), both);
    const [evil] = runsOf(ben);
    await revoke(ann, evil);
    const revoked = [...state.heads].flatMap(([key, { bytes }]) =>
      key.startsWith('heads/') && bytes !== null ? [decodeManifest(bytes, null).revoked.map(({ run }) => run)] : [],
    );
    expect(revoked).toEqual([[evil], [evil]]);
    await ben.run(() => undefined, { volumes: [plainVolume] });
    for (const engine of [ann, ben, machine()]) expect([...(await look(engine, { volumes })).keys()]).toEqual(['f']);
  });

  test('restores layers from the remote that were squashed there and never were here', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const runs = await installAll(ann, 'a', 'b', 'c', 'd');
    await ben.run(() => undefined);
    expect((await ben.deps.layers.list(signal)).length).toBe(1);
    await revoke(ben, runs[2]);
    for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['a', 'b', 'd']);
  });

  test('knows the clean-ups that were just pulled', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installAll(ann, 'junk');
    const cleanUp = await sweep(ann, ['junk']);
    await installAll(ann, 'b', 'c');
    await ben.run(() => undefined);
    expect((await ben.deps.layers.list(signal)).length).toBe(1);
    await revoke(ben, cleanUp);
    for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['b', 'c', 'junk']);
  });

  test('keeps the kind of a clean-up, also in a remote without local copies, since the kind decides its position', async () => {
    const { machine, state } = machines();
    const [ann, cy] = [machine(), machine()];
    const [evil] = await installAll(ann, 'evil', 'b', 'junk');
    await ann.run(
      ([volume]) => {
        put(volume, 'index/bucket', 'b\nevil\n');
        volume?.remove('content/junk');
      },
      { request: { purpose: 'prune' } },
    );
    const cleaner = runsOf(ann).at(-1);
    // Without squashes, as after a machine that died before it squashed.
    for (const [key, head] of state.heads) {
      if (!key.startsWith('heads/') || head.bytes === null) continue;
      const { squashes, ...manifest } = decodeManifest(head.bytes, null);
      const layers = squashes.flatMap((squash) => squash.layers);
      state.heads.set(key, { ...head, bytes: encodeManifest({ ...manifest, squashes: [], layers }) });
    }
    await revoke(cy, evil);
    const [top] = [...state.heads].flatMap(([key, { bytes }]) =>
      key.startsWith('heads/') && bytes !== null ? decodeManifest(bytes, null).layers : [],
    );
    expect(top?.run).toBe(cleaner);
  });

  test('without the remote waits for the next push', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const [, evil] = await installAll(ann, 'a', 'evil');
    await ben.run(() => undefined);
    await revoke({ ...ann, deps: { ...ann.deps, remote: null } }, evil);
    expect(await linesOf(ben)).toEqual(['a', 'evil']);
    await ann.run(() => undefined);
    expect(await linesOf(ben)).toEqual(['a']);
  });
});
