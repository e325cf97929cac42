import { limits, type BytePath, type LayerId } from '@cachelane/core';
import { aQuestion, type MemoryVolume } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { collectGarbage, findGarbage } from '../garbage/collect-garbage.ts';
import type { RunResult } from './run-command.ts';
import {
  everything,
  install,
  indexedVolume,
  look,
  plainVolume,
  put,
  testContext,
  testEngine,
  text,
} from '../testing/test-engine.fixture.ts';

const noAbort = new AbortController().signal;

const write =
  (path: string) =>
  ([volume]: readonly MemoryVolume[]): void =>
    put(volume, path, 'x');

function writeBoth([volume]: readonly MemoryVolume[]): void {
  put(volume, 'content/x', 'x');
  put(volume, 'unknown/deep/x', 'x');
}

const makeTree = (volume: MemoryVolume | undefined): void =>
  volume?.run([
    { do: 'mkdir', path: 'd/e' },
    { do: 'write', path: 'd/f', content: 'same' },
    { do: 'touch', path: 'd/f', seconds: 1_700_000_000 },
    { do: 'symlink', path: 'd/e/l', target: 'f' },
    { do: 'write', path: 'd/e/g', content: 'same' },
    { do: 'touch', path: 'd/e/g', seconds: 1_700_000_000 },
  ]);

describe('a run', () => {
  test('finds the saves of earlier runs, and saves nothing if it changed nothing', async () => {
    const engine = testEngine();
    const first = await engine.run(([volume]) => install(volume, 'a'));
    expect(first.report.volumes[0]).toMatchObject({ added: 2, changed: 0, hits: [], skipped: null });
    const second = await engine.run(([volume]) => expect(text(volume, 'index/bucket')).toBe('a\n'));
    expect(second.report.volumes[0]).toMatchObject({ added: 0, changed: 0, removed: 0, layer: null, skipped: null });
    expect(second.report.volumes[0]?.hits).toEqual([{ namespace: 'github.com/acme/web', lane: 't1:local', layers: 1 }]);
  });

  test('that rewrites an index without adding a line makes no layer', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => install(volume, 'a'));
    const again = await engine.run(([volume]) => put(volume, 'index/bucket', 'a\na\n'));
    expect(again.report.volumes[0]?.layer).toBeNull();
  });

  test('loses nothing to concurrent runs, nor do they', async () => {
    const engine = testEngine();
    let waiting = 0;
    const { promise: allStarted, resolve: open } = Promise.withResolvers<void>();
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const runs = await Promise.all(
      names.map((name) =>
        engine.run(async ([volume]) => {
          if (++waiting === names.length) open();
          await allStarted;
          install(volume, name);
        }),
      ),
    );
    const seen = await look(engine);
    expect(seen['index/bucket']).toBe(names.map((name) => `${name}\n`).join(''));
    for (const name of names) expect(seen[`content/${name}`]).toBe(`bytes of ${name}`);
    expect(runs.map(({ report }) => report.volumes[0]?.conflicts)).toEqual(names.map(() => []));
    expect(runs.reduce((sum, { report }) => sum + (report.volumes[0]?.merged ?? 0), 0)).toBe(7);
  });

  test('keeps the lines of each run apart, however many saves are squashed', async () => {
    const engine = testEngine();
    const names = Array.from({ length: 23 }, (_, index) => `p${String(index).padStart(2, '0')}`);
    for (const name of names) await engine.run(([volume]) => install(volume, name));
    expect((await look(engine))['index/bucket']).toBe(names.map((name) => `${name}\n`).join(''));
    const [head] = await engine.deps.metadata.listHeads(AbortSignal.timeout(1000));
    const top = await engine.deps.layers.open(head?.layers[0] as never, AbortSignal.timeout(1000));
    expect(Buffer.from(top.read('index/bucket' as BytePath)).toString()).toBe('p22\n');
  });

  test('that is interrupted, fails in an unknown directory, or must not save changes nothing', async () => {
    const engine = testEngine();
    const interrupted = await engine.run(write('made'), { interrupted: true, exitCode: 130 });
    expect(interrupted.report.volumes[0]).toMatchObject({ layer: null, skipped: 'the command was interrupted' });
    const failed = await engine.run(write('made'), { volumes: [plainVolume], exitCode: 3 });
    expect(failed.report.volumes[0]).toMatchObject({ layer: null, skipped: 'the command failed with exit code 3' });
    await engine.run(write('made'), { volumes: [{ ...indexedVolume, commit: 'never' }] });
    await engine.run(write('made'), { request: { mode: 'read' } });
    expect(await look(engine)).toEqual({});
    expect(await look(engine, { volumes: [plainVolume] })).toEqual({});
  });

  test('does not save its changes alone if its cache was removed', async () => {
    const engine = testEngine();
    const volumes = [{ ...plainVolume, sharing: 'LOCKED' as const }];
    const options = { volumes, request: { strict: false } };
    await engine.run(write('before'), options);
    const { report } = await engine.run(async (volumes) => {
      write('after')(volumes);
      const { metadata } = engine.deps;
      for (const { volumeId } of await metadata.listHeads(noAbort))
        await metadata.removeVolume(volumeId, null, noAbort);
    }, options);
    expect(report.volumes[0]).toMatchObject({ layer: null, skipped: expect.stringContaining('removed') });
    expect(await look(engine, options)).toEqual({});
    // A run that began without a cache has everything.
    await engine.run(write('again'), options);
    expect(await look(engine, options)).toEqual({ again: 'x' });
  });

  test('that fails keeps what a self-consistent tool wrote, and an unknown directory on request', async () => {
    const engine = testEngine();
    await engine.run(write('content/x'), { exitCode: 1 });
    await engine.run(write('content/x'), { exitCode: 1, volumes: [{ ...plainVolume, commit: 'always' }] });
    expect(await look(engine)).toEqual({ 'content/x': 'x' });
    expect(await look(engine, { volumes: [plainVolume] })).toEqual({ 'content/x': 'x' });
  });

  test("that fails drops files outside its tool's rules, unless requested", async () => {
    const engine = testEngine();
    await engine.run(writeBoth, { exitCode: 1 });
    expect(await look(engine)).toEqual({ 'content/x': 'x' });
    await engine.run(writeBoth, { exitCode: 1, volumes: [{ ...indexedVolume, commit: 'exit' }] });
    expect(await look(engine)).toEqual({ 'content/x': 'x', 'unknown/deep/x': 'x' });

    const nothing = await engine.run(write('unknown/y'), { exitCode: 1 });
    expect(nothing.report.volumes[0]).toMatchObject({
      layer: null,
      skipped: 'the command failed, and its changes are in unknown formats',
    });

    const other = testEngine();
    await other.run(writeBoth);
    expect(await look(other)).toEqual({ 'content/x': 'x', 'unknown/deep/x': 'x' });
  });

  test("sets the tools' variables, which the user's override", async () => {
    const engine = testEngine();
    let seen = {};
    await engine.run((_, env) => void (seen = env), { request: { env: { INDEXED_LIMIT: '7', PATH: '/bin' } } });
    expect(seen).toEqual({ INDEXED_LIMIT: '7', INDEXED_DAEMON: 'no', PATH: '/bin' });
  });

  test('in another project does not see this one', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => install(volume, 'a'));
    expect(await look(engine, { request: { context: testContext('t1:local', 'github.com/acme/api') } })).toEqual({});
    const address = { ...indexedVolume, namespace: testContext().namespace };
    const other = { volumes: [address], request: { context: testContext('t1:local', 'github.com/acme/api') } };
    expect(await look(engine, other)).toHaveProperty('index/bucket', 'a\n');
  });

  test('on a branch reads the base’s lane merged with its own, and writes only its own', async () => {
    const engine = testEngine();
    const main = testContext('t1:ref:main');
    const pull = testContext('t1:pr:12', 'github.com/acme/web', ['t1:ref:main']);
    await engine.run(([volume]) => install(volume, 'a'), { request: { context: main } });
    await engine.run(([volume]) => install(volume, 'b'), { request: { context: pull } });
    await engine.run(([volume]) => install(volume, 'c'), { request: { context: main } });
    expect((await look(engine, { request: { context: pull } }))['index/bucket']).toBe('a\nb\nc\n');
    expect((await look(engine, { request: { context: main } }))['index/bucket']).toBe('a\nc\n');
  });

  test('records removals in an unknown directory, and only hints elsewhere', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    await engine.run(([volume]) => {
      put(volume, 'keep', '1');
      put(volume, 'd/old', '2');
      put(volume, 'gone', '3');
    }, options);
    const report = await engine.run(([volume]) => {
      volume?.remove('gone');
      volume?.remove('d');
      put(volume, 'd/new', '4');
    }, options);
    expect(report.report.volumes[0]).toMatchObject({ added: 1, removed: 2 });
    expect(await look(engine, options)).toEqual({ keep: '1', 'd/new': '4' });
    await engine.run(([volume]) => install(volume, 'a'));
    await engine.run(([volume]) => volume?.remove('content/a'));
    expect(await look(engine)).toHaveProperty('content/a');
  });

  test('with a conflict reports it, and the later version wins', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    const slow = engine.run(async ([volume]) => {
      put(volume, 'f', 'slow');
      put(volume, 'x/y', 'slow');
      await gate;
    }, options);
    await engine.run(([volume]) => {
      put(volume, 'f', 'fast');
      put(volume, 'x', 'fast');
    }, options);
    release();
    const { report } = await slow;
    expect(report.volumes[0]?.conflicts.map(({ path }) => path)).toEqual(['f', 'x', 'x/y']);
    expect(await look(engine, options)).toEqual({ f: 'slow', 'x/y': 'slow' });
  });

  test('shows a group as a whole, never files of two writers', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      put(volume, 'pair-1.db', 'v1');
      put(volume, 'pair-1.wal', 'v1');
    });
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    const slow = engine.run(async ([volume]) => {
      put(volume, 'pair-1.db', 'slow');
      volume?.remove('pair-1.wal');
      await gate;
    });
    const fast = await engine.run(([volume]) => {
      put(volume, 'pair-1.wal', 'fast');
      put(volume, 'pair-1.extra', 'fast');
    });
    expect(await look(engine)).toEqual({ 'pair-1.db': 'v1', 'pair-1.wal': 'fast', 'pair-1.extra': 'fast' });
    release();
    const { report } = await slow;
    expect(report.volumes[0]?.conflicts).toEqual([
      {
        path: 'pair-1.db',
        resolution: 'later run kept as a group (pair-1)',
        layer: fast.report.volumes[0]?.layer,
      },
    ]);
    expect(await look(engine)).toEqual({ 'pair-1.db': 'slow' });
  });

  test('does not restore a file that an unstored file replaced', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    await engine.run(([volume]) => {
      put(volume, 'a.lock', 'content');
      put(volume, 'pipe', 'content');
    }, options);
    const { report } = await engine.run(([volume]) => {
      volume?.write('a.lock', '');
      volume?.run([
        { do: 'remove', path: 'pipe' },
        { do: 'fifo', path: 'pipe' },
      ]);
    }, options);
    expect(report.volumes[0]).toMatchObject({ added: 0, changed: 0, removed: 2 });
    expect(await look(engine, options)).toEqual({});
  });

  test('keeps a recreated directory exactly as it was left', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    await engine.run(([volume]) => {
      makeTree(volume);
      put(volume, 'd/gone', 'x');
    }, options);
    const { report } = await engine.run(([volume]) => {
      volume?.remove('d');
      makeTree(volume);
    }, options);
    expect(report.volumes[0]).toMatchObject({ added: 0, changed: 0, removed: 1 });
    let seen: readonly string[] = [];
    await engine.run(([volume]) => void (seen = [...(volume?.look().keys() ?? [])]), options);
    expect(seen).toEqual(['d', 'd/e', 'd/e/g', 'd/e/l', 'd/f']);
  });

  test('keeps the other members of a group after one was removed', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    await engine.run(([volume]) => {
      put(volume, 'pair-1.db', 'db');
      put(volume, 'pair-1.db-wal', 'wal');
    }, options);
    await engine.run(([volume]) => volume?.remove('pair-1.db'), options);
    expect(await look(engine, options)).toEqual({ 'pair-1.db-wal': 'wal' });
  });

  test('counts files of a layer, without directories and removals', async () => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    const filesOf = async ({ report }: RunResult): Promise<number | undefined> =>
      (await engine.deps.metadata.layer(report.volumes[0]?.layer as LayerId, new AbortController().signal))?.files;
    const first = await engine.run(([volume]) => {
      volume?.mkdir('empty');
      for (const path of ['d/e/1', 'd/e/2', 'f']) put(volume, path, path);
    }, options);
    expect(await filesOf(first)).toBe(3);
    const second = await engine.run(([volume]) => {
      volume?.remove('d');
      put(volume, 'g/new', 'g');
    }, options);
    expect(await filesOf(second)).toBe(1);
  });

  test.each<[string, (volume: MemoryVolume) => void, object]>([
    [
      'a directory that became a file',
      (volume) => (volume.remove('d'), volume.write('d', '')),
      { added: 1, removed: 3 },
    ],
    ['a directory that was removed', (volume) => volume.remove('d'), { added: 0, removed: 3 }],
    ['a directory that was recreated', (volume) => (volume.remove('d'), volume.mkdir('d')), { added: 0, removed: 3 }],
    ['a file that became a directory', (volume) => (volume.remove('f'), volume.mkdir('f')), { added: 1, removed: 1 }],
  ])('counts removed files: %s', async (_, change, counts) => {
    const engine = testEngine();
    const options = { volumes: [plainVolume] };
    await engine.run(([volume]) => {
      for (const path of ['d/1', 'd/2', 'd/e/3', 'f']) put(volume, path, path);
    }, options);
    const { report } = await engine.run(([volume]) => change(volume as MemoryVolume), options);
    expect(report.volumes[0]).toMatchObject({ changed: 0, ...counts });
  });

  test('adds little to a large volume: its base is not squashed again, and views stay small', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      for (let index = 0; index < 400; index++) put(volume, `content/base-${index}`, 'x');
    });
    for (let index = 0; index < 70; index++) await engine.run(([volume]) => put(volume, `content/more-${index}`, 'x'));
    const views = engine.events.flatMap((event) => (event.type === 'attached' ? [event.layers] : []));
    expect(Math.max(...views)).toBeLessThanOrEqual(limits.viewLayers);
    const signal = AbortSignal.timeout(1000);
    const keys = (await engine.deps.layers.listDerived(signal)).map(({ key }) => key);
    const ids = (await engine.deps.layers.list(signal)).map(({ id }) => id);
    const layers = [
      ...(await Promise.all(keys.map((key) => engine.deps.layers.openDerived(key, signal)))),
      ...(await Promise.all(ids.map((id) => engine.deps.layers.open(id, signal)))),
    ];
    const withBase = layers.filter((layer) => layer?.index.find('content/base-0' as BytePath) !== undefined);
    // Its own, and perhaps one more.
    expect(withBase.length).toBeLessThanOrEqual(2);
    expect(Object.keys(await look(engine))).toHaveLength(470);
  });

  test('protects its squashes from a collector while it runs', async () => {
    const engine = testEngine();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await engine.run(([volume]) => install(volume, name));
    const derived = async () => (await engine.deps.layers.listDerived(AbortSignal.timeout(1000))).map(({ key }) => key);
    const deps = {
      ...engine.deps,
      layers: {
        ...engine.deps.layers,
        listDerived: async () => (await derived()).map((key) => ({ key, usedAtMs: 0 })),
      },
    };
    let found: readonly string[] = [];
    await engine.run(async () => {
      found = (await findGarbage(deps, everything, AbortSignal.timeout(1000))).derived;
    });
    const mounted = (await derived()).filter((key) => !found.includes(key));
    expect(mounted.length).toBeGreaterThan(0);
    expect((await findGarbage(deps, everything, AbortSignal.timeout(1000))).derived).toEqual(await derived());
  });

  test('protects its squashes also from a collection that began before', async () => {
    const engine = testEngine();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await engine.run(([volume]) => install(volume, name));
    const { deps } = engine;
    const { signal } = new AbortController();
    const derived = async () => (await deps.layers.listDerived(signal)).map(({ key }) => key);
    const idle = {
      ...deps.layers,
      listDerived: async () => (await derived()).map((key) => ({ key, usedAtMs: 0 })),
    };
    const facts = await deps.metadata.collectionFacts(aQuestion({ nowMs: deps.clock.nowMs() }), signal);
    const early = { ...deps.metadata, collectionFacts: async () => await Promise.resolve(facts) };
    let mounted: readonly string[] = [];
    await engine.run(async () => {
      const [session] = await deps.metadata.listSessions(signal);
      mounted = (await derived()).filter((key) => session?.pins.includes(key as LayerId));
      const report = await collectGarbage({ ...deps, layers: idle, metadata: early }, everything, signal);
      expect(report.derived.filter((key) => mounted.includes(key))).toEqual([]);
      expect(await derived()).toEqual(mounted);
    });
    expect(mounted.length).toBeGreaterThan(0);
    await collectGarbage({ ...deps, layers: idle }, everything, signal);
    expect(await derived()).toEqual([]);
  });

  test('drops index lines that must not be stored, in new and old files', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => {
      put(volume, 'index/bucket', 'a\nsecret-1\n');
      put(volume, 'index/other', 'secret-2\n');
    });
    expect(await look(engine)).toEqual({ 'index/bucket': 'a\n' });
    const again = await engine.run(([volume]) => put(volume, 'index/bucket', 'a\nsecret-1\n'));
    expect(again.report.volumes[0]?.layer).toBeNull();
    await engine.run(([volume]) => put(volume, 'index/bucket', 'a\nsecret-1\nb\n'));
    expect(await look(engine)).toEqual({ 'index/bucket': 'a\nb\n' });
  });

  test('continues without a missing layer, warns, and removes it from the head', async () => {
    const engine = testEngine();
    const first = await engine.run(([volume]) => install(volume, 'a'));
    await engine.run(([volume]) => install(volume, 'b'));
    engine.deps.layers.remove([first.report.volumes[0]?.layer as never]);
    expect(await look(engine)).toEqual({ 'content/b': 'bytes of b', 'index/bucket': 'b\n' });
    expect(engine.events.some((event) => event.type === 'warning' && event.code === 'E_LAYER_CORRUPT')).toBe(true);
    const [head] = await engine.deps.metadata.listHeads(AbortSignal.timeout(1000));
    expect(head?.layers).toHaveLength(1);
  });
});
