import { isCachelaneError } from '@cachelane/core';
import type { MemoryVolume } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { chooseMounter } from '../leases/mounters.ts';
import { look } from '../sim/histories.fixture.ts';
import { removeRuns } from '../removal/remove-runs.ts';
import { pruneCommand, pruneVolume } from './prune-volume.ts';
import {
  baseRequest,
  indexedTool,
  indexedVolume,
  plainVolume,
  put,
  testContext,
  testEngine,
  type TestEngine,
  type TestRun,
} from '../testing/test-engine.fixture.ts';
import { planVolume } from '../volumes/plan.ts';

const prunes: TestRun = { request: { purpose: 'prune' } };

const text = (volume: MemoryVolume | undefined, path: string): string =>
  Buffer.from(volume?.read(path) ?? []).toString();

/** Adds content and a line that names it. */
function install(volume: MemoryVolume | undefined, ...names: readonly string[]): void {
  for (const name of names) {
    put(volume, `content/${name}`, `bytes of ${name}`);
    const before = volume?.exists('index/bucket') === true ? text(volume, 'index/bucket') : '';
    put(volume, 'index/bucket', `${before}${name}\n`);
  }
}

/** Like a tool's clean-up: removes the content, and rewrites the index without its line. */
function drop(volume: MemoryVolume | undefined, name: string): void {
  volume?.remove(`content/${name}`);
  const lines = text(volume, 'index/bucket').split('\n');
  put(volume, 'index/bucket', lines.filter((line) => line !== name).join('\n'));
}

async function installed(engine: TestEngine, ...names: readonly string[]): Promise<void> {
  for (const name of names) await engine.run(([volume]) => install(volume, name));
}

async function seen(engine: TestEngine): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(await look(engine));
}

describe('a prune run', () => {
  test('removes files that an ordinary run could not', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b');
    await engine.run(([volume]) => drop(volume, 'a'));
    expect(await seen(engine)).toMatchObject({ 'content/a': 'bytes of a', 'index/bucket': 'a\nb\n' });

    const { report } = await engine.run(([volume]) => drop(volume, 'a'), prunes);
    expect(report.volumes[0]).toMatchObject({ removed: 1, changed: 1, added: 0, skipped: null });
    expect(await seen(engine)).toEqual({ 'content/b': 'bytes of b', 'index/bucket': 'b\n' });
  });

  test('that removes nothing makes no layer', async () => {
    const engine = testEngine();
    await installed(engine, 'a');
    // The same lines, rewritten.
    const { report } = await engine.run(([volume]) => put(volume, 'index/bucket', 'a\na\n'), prunes);
    expect(report.volumes[0]).toMatchObject({ layer: null, skipped: null });
  });

  test('keeps files of concurrent runs, even the same file', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b');
    await engine.run(async ([volume]) => {
      // Began before the prune, needs what that removes, and ends during it.
      await engine.run(([other]) => {
        install(other, 'c');
        put(other, 'content/a', 'bytes of a, anew');
      });
      drop(volume, 'a');
      drop(volume, 'b');
    }, prunes);
    expect(await seen(engine)).toEqual({
      'content/a': 'bytes of a, anew',
      'content/c': 'bytes of c',
      'index/bucket': 'c\n',
    });
  });

  test('leaves what runs add that began before it and end after it', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b');
    const run = await engine.run(async ([volume]) => {
      await engine.run(([pruned]) => drop(pruned, 'a'), prunes);
      install(volume, 'c');
    });
    expect(run.report.volumes[0]).toMatchObject({ conflicts: [] });
    expect(await seen(engine)).toEqual({
      'content/b': 'bytes of b',
      'content/c': 'bytes of c',
      'index/bucket': 'b\nc\n',
    });
  });

  test('removes a replaced directory with its contents', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      put(volume, 'content/d/old', 'x');
      put(volume, 'content/d/kept', 'y');
    });
    await engine.run(([volume]) => {
      volume?.remove('content/d');
      put(volume, 'content/d/kept', 'y');
    }, prunes);
    expect(await seen(engine)).toEqual({ 'content/d/kept': 'y' });
  });

  test('that removes a file of a group keeps the rest', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      put(volume, 'pair-1.a', 'x');
      put(volume, 'pair-1.b', 'y');
    });
    await engine.run(([volume]) => volume?.remove('pair-1.a'), prunes);
    expect(await seen(engine)).toEqual({ 'pair-1.b': 'y' });
  });

  test('that fails or is interrupted changes nothing, whatever the commit setting', async () => {
    const engine = testEngine();
    await installed(engine, 'a');
    const always = { ...prunes, volumes: [{ ...indexedVolume, commit: 'always' as const }] };
    await engine.run(([volume]) => drop(volume, 'a'), { ...always, exitCode: 1 });
    await engine.run(([volume]) => drop(volume, 'a'), { ...always, interrupted: true });
    expect(await seen(engine)).toMatchObject({ 'content/a': 'bytes of a' });
  });

  test('fails if the layers that it saw are gone, and hides nothing', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b');
    const work = engine.run(async ([volume]) => {
      const { metadata } = engine.deps;
      const { signal } = new AbortController();
      const [head] = await metadata.listHeads(signal);
      if (head === undefined) throw new Error('there is no head');
      await metadata.commit(
        {
          volumeId: head.volumeId,
          lane: head.lane,
          expectedGeneration: head.generation,
          layer: null,
          layers: head.layers.slice(1),
          run: `run_${'0'.repeat(32)}` as never,
          counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
          atMs: 1,
        },
        signal,
      );
      drop(volume, 'a');
    }, prunes);
    await expect(work).rejects.toThrow('another command removed layers from the lane');
    expect(await seen(engine)).toEqual({ 'content/a': 'bytes of a', 'index/bucket': 'a\n' });
  });

  test('fails after a concurrent prune, so that no name loses its content', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b', 'c');
    const work = engine.run(async ([volume]) => {
      await engine.run(([other]) => drop(other, 'a'), prunes);
      // Squashes hide neither.
      await installed(engine, 'd', 'e', 'f');
      drop(volume, 'b');
    }, prunes);
    await expect(work).rejects.toThrow('another prune changed the lane');
    expect(await seen(engine)).toMatchObject({ 'content/b': 'bytes of b', 'index/bucket': 'b\nc\nd\ne\nf\n' });
    await engine.run(([volume]) => drop(volume, 'b'), prunes);
    expect(await seen(engine)).toMatchObject({ 'index/bucket': 'c\nd\ne\nf\n' });
  });

  test('can be revoked: removed files come back, and additions stay', async () => {
    const engine = testEngine();
    await installed(engine, 'a', 'b');
    await engine.run(([volume]) => drop(volume, 'a'), prunes);
    const opened = engine.events.filter((event) => event.type === 'session-opened').at(-1);
    await installed(engine, 'c');
    const [head] = await engine.deps.metadata.listHeads(new AbortController().signal);
    const [own] = testContext().readChain;
    if (head === undefined || own === undefined || opened?.run === undefined) throw new Error('nothing was saved');
    const { run } = opened;
    const request = {
      volumeId: head.volumeId,
      lane: own.lane,
      tool: indexedTool,
      runs: new Set([run]),
      by: run,
      fetchReplaced: null,
    };
    await removeRuns(engine.deps, request, new AbortController().signal);
    expect(await seen(engine)).toEqual({
      'content/a': 'bytes of a',
      'content/b': 'bytes of b',
      'content/c': 'bytes of c',
      'index/bucket': 'a\nb\nc\n',
    });
  });

  test('keeps the limits that the user set for the tool', async () => {
    const engine = testEngine();
    await installed(engine, 'a');
    let env = {};
    await engine.run((_, told) => void (env = told), { request: { purpose: 'prune', env: { PATH: '/bin' } } });
    expect(env).toEqual({ PATH: '/bin' });
  });

  test('has a private view even in a shared directory', () => {
    const volume = { ...plainVolume, sharing: 'SHARED' as const };
    const { tools } = testEngine().deps;
    const planned = planVolume(tools, testContext(), baseRequest.environment, volume);
    const question = { wanted: null, cannotMount: null, mode: 'write', canWrite: true, isLookDue: false } as const;
    expect(chooseMounter(planned, { ...question, purpose: 'run' }).mounter).toBe('live');
    expect(chooseMounter(planned, { ...question, purpose: 'prune' })).toMatchObject({
      mounter: 'overlay',
      why: 'a prune needs a private view',
    });
  });
});

describe('is refused', () => {
  test('in a read-only lane', async () => {
    const { deps } = testEngine();
    const context = { ...testContext(), canWrite: false, why: 'a fork saves nothing' };
    const failed = pruneVolume(deps, { ...baseRequest, context, volume: indexedVolume, argv: ['true'] });
    const error: unknown = await failed.catch((thrown: unknown) => thrown);
    expect(isCachelaneError(error, 'E_USAGE') && error.message).toContain('a fork saves nothing');
  });

  test('in a lane that also reads other lanes, since the prune would hide later additions', async () => {
    const engine = testEngine();
    await installed(engine, 'old');
    const context = testContext('t1:pr:12', 'github.com/acme/web', ['t1:local']);
    const inPullRequest: TestRun = { request: { context } };
    await engine.run(([volume]) => install(volume, 'mine'), inPullRequest);
    let isStarted = false;
    const work = engine.run(() => void (isStarted = true), { request: { ...prunes.request, context } });
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    expect(isCachelaneError(error, 'E_USAGE') && error.message).toContain('the lane also reads t1:local');
    expect(isStarted).toBe(false);

    await installed(engine, 'new');
    let index = '';
    await engine.run(([volume]) => void (index = text(volume, 'index/bucket')), inPullRequest);
    expect(index).toBe('mine\nnew\nold\n');
    // An empty base has nothing to hide.
    const alone = testContext('t1:pr:13', 'github.com/acme/web', ['t1:ref:main']);
    await engine.run(([volume]) => install(volume, 'x'), { request: { context: alone } });
    const pruned = await engine.run(([volume]) => drop(volume, 'x'), {
      request: { ...prunes.request, context: alone },
    });
    expect(pruned.report.volumes[0]).toMatchObject({ removed: 1, skipped: null });
  });

  test('for a tool without a prune command, with its reason', () => {
    const prune = { kind: 'none', why: 'it removes everything' } as const;
    expect(() => pruneCommand({ ...indexedTool, prune })).toThrow(
      'indexed has no command that prunes its cache: it removes everything',
    );
  });
});
