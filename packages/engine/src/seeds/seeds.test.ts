import { limits, parseNamespace, parseVolumeName, statedPolicy, type LayerId, type VolumeSeed } from '@cachelane/core';
import { emptyRemoteState, memoryRemote, noAbort, type VolumeStep } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import {
  everything,
  indexedVolume,
  install,
  look,
  plainVolume,
  put,
  testEngine,
  testHome,
  text,
  type TestEngine,
  type TestHome,
} from '../testing/test-engine.fixture.ts';

const write = (path: string, content: string): VolumeStep => ({ do: 'write', path, content });
const made = (...files: readonly (readonly [path: string, content: string])[]): readonly VolumeStep[] => [
  ...['content', 'index', 'tmp', 'd'].map((path) => ({ do: 'mkdir', path }) as const),
  ...files.map(([path, content]) => write(path, content)),
];

interface Machine {
  readonly engine: TestEngine;
  readonly home: TestHome;
  readonly directories: Map<string, readonly VolumeStep[]>;
  /** Counts copies of any directory. */
  readonly reads: { count: number };
}

function machine(options: Parameters<typeof testEngine>[0] = {}): Machine {
  const home = testHome();
  const reads = { count: 0 };
  const directories = new Map<string, readonly VolumeStep[]>([
    ['/seed', made(['content/x', 'seed x'], ['content/y', 'seed y'], ['index/bucket', 'x\ny\n'], ['tmp/t', 't'])],
    ['/other', made(['content/z', 'other z'], ['index/bucket', 'z\n'])],
  ]);
  const counting = (deps: EngineDependencies): EngineDependencies => {
    const { files } = deps.seeds;
    const copy: typeof files.copy = async (...all) => {
      reads.count++;
      return await files.copy(...all);
    };
    Object.assign(deps.seeds, { files: { ...files, copy } });
    return deps;
  };
  return { engine: testEngine({ home, directories, wrap: counting, ...options }), home, directories, reads };
}

const from = (directory: string): VolumeSeed => ({ kind: 'directory', directory });
const seeded = (volume: VolumeRequest, seed: VolumeSeed): { readonly volumes: readonly VolumeRequest[] } => ({
  volumes: [{ ...volume, seed }],
});
const limited = (texts: Readonly<Record<string, string>>) => ({ policy: statedPolicy(texts, 'config.yaml') });
const bySeed = seeded(indexedVolume, from('/seed'));

async function headLayers({ deps }: TestEngine): Promise<readonly LayerId[]> {
  return (await deps.metadata.listHeads(noAbort)).flatMap(({ layers }) => layers);
}

describe('a volume that is seeded from a directory', () => {
  test('begins with the directory, without unstored paths, and an unchanged run saves nothing', async () => {
    const { engine } = machine();
    expect(await look(engine, bySeed)).toEqual({
      'content/x': 'seed x',
      'content/y': 'seed y',
      'index/bucket': 'x\ny\n',
    });
    const { report } = await engine.run(() => undefined, bySeed);
    expect(report.volumes).toMatchObject([{ layer: null, hits: [], seed: '/seed', skipped: null }]);
    expect(await engine.deps.metadata.listHeads(noAbort)).toEqual([]);
    expect(await look(engine)).toEqual({});
  });

  test('keeps what its lanes added, without the seed, when the seed changes', async () => {
    const { engine } = machine();
    await engine.run(([volume]) => {
      put(volume, 'content/x', 'own x');
      install(volume, 'a');
    }, bySeed);
    const own = { 'content/x': 'own x', 'content/a': 'bytes of a' };
    expect(await look(engine)).toEqual({ ...own, 'index/bucket': 'a\n' });
    expect(await look(engine, bySeed)).toEqual({ ...own, 'content/y': 'seed y', 'index/bucket': 'a\nx\ny\n' });
    const other = seeded(indexedVolume, from('/other'));
    expect(await look(engine, other)).toEqual({ ...own, 'content/z': 'other z', 'index/bucket': 'a\nz\n' });
    const { report } = await engine.run(([volume]) => install(volume, 'b'), other);
    expect(report.volumes).toMatchObject([{ hits: [{ lane: 't1:local', layers: 1 }], seed: '/other' }]);
    expect(Object.keys(await look(engine)).toSorted()).toEqual(['content/a', 'content/b', 'content/x', 'index/bucket']);
    // Origins name the runs that wrote, none for the seed.
    const [layer] = await headLayers(engine);
    const { index } = await engine.deps.layers.open(layer as LayerId, noAbort);
    expect([...index.entries()].filter(({ origins }) => origins.length !== 1)).toEqual([]);
  });

  test('does not show paths that a run removed, for tools whose removals count', async () => {
    const { engine, directories } = machine();
    directories.set('/plain', [
      { do: 'mkdir', path: 'd' },
      write('d/gone', 'seed'),
      write('d/stays', 'seed'),
      write('top', 'seed'),
    ]);
    const plain = seeded(plainVolume, from('/plain'));
    await engine.run(([volume]) => volume?.remove('d/gone'), plain);
    expect(await look(engine, plain)).toEqual({ 'd/stays': 'seed', top: 'seed' });
    await engine.run(([volume]) => volume?.remove('d'), plain);
    expect(await look(engine, plain)).toEqual({ top: 'seed' });
    expect(await look(engine, { volumes: [plainVolume] })).toEqual({});
    const { report } = await engine.run(() => undefined, plain);
    expect(report.volumes).toMatchObject([{ layer: null }]);
  });

  test('reads the directory again only after it changed', async () => {
    const { engine, directories, reads, home } = machine();
    for (let count = 0; count < 3; count++) await look(engine, bySeed);
    expect(reads.count).toBe(1);
    const before = home.disk.layers.size;
    directories.set('/seed', made(['content/x', 'new x']));
    expect(await look(engine, bySeed)).toEqual({ 'content/x': 'new x' });
    expect(reads.count).toBe(2);
    expect(home.disk.layers.size).toBe(before + 1);
    // The same contents elsewhere are the same layer.
    directories.set('/copy', made(['content/x', 'new x']));
    await look(engine, seeded(indexedVolume, from('/copy')));
    expect(home.disk.layers.size).toBe(before + 1);
  });

  test('does not read what another process with the same rules has read', async () => {
    const { engine, home, directories } = machine();
    directories.set('/seed', [...made(['content/x', 'x']), { do: 'fifo', path: 'content/fifo' }]);
    await look(engine, bySeed);
    const run = async (seed: string, more: Parameters<typeof machine>[0] = {}) => {
      const other = machine({ home, directories, seed, ...more });
      expect(Object.keys(await look(other.engine, bySeed))).toEqual(['content/x']);
      // Each run reports what was left out.
      return [other.reads.count, other.engine.events.filter(({ type }) => type === 'warning').length];
    };
    expect(await run('second')).toEqual([0, 1]);
    directories.set('/seed', made(['content/x', 'new x']));
    expect(await run('third')).toEqual([1, 0]);
    // Any tool's rules may name credentials.
    const notes = home.seedNotes.size;
    const { engine: newer } = machine({
      home,
      directories,
      seed: 'newer',
      wrap: (deps) => ({
        ...deps,
        tools: deps.tools.map((each) =>
          each.name === indexedVolume.tool ? each : { ...each, rulesVersion: each.rulesVersion + 1 },
        ),
      }),
    });
    await look(newer, bySeed);
    expect(home.seedNotes.size).toBe(notes + 1);
  });

  test('reads a directory once for many concurrent runs', async () => {
    const { engine, reads } = machine();
    await Promise.all(Array.from({ length: 4 }, async () => await look(engine, bySeed)));
    expect(reads.count).toBe(1);
  });

  test('is read again after a change within the last moment', async () => {
    const { engine, reads } = machine();
    const { files } = engine.deps.seeds;
    const changedAtMs = engine.deps.clock.nowMs() + 3_600_000;
    Object.assign(engine.deps.seeds, {
      files: {
        ...files,
        look: async (...all: Parameters<typeof files.look>) => ({ ...(await files.look(...all)), changedAtMs }),
      },
    });
    for (let count = 0; count < 2; count++) await look(engine, bySeed);
    expect(reads.count).toBe(2);
  });

  test('keeps its seed during a run, and lets it be collected afterwards', async () => {
    const { engine, home } = machine();
    const later = engine.deps.clock.nowMs() + 2 * limits.sweepGraceMs;
    let nowMs = later;
    const clock = { ...engine.deps.clock, nowMs: () => (nowMs += 1000) };
    const collect = async (): Promise<void> =>
      void (await collectGarbage({ ...engine.deps, clock }, { ...everything, all: true }, noAbort));
    await engine.run(async ([volume]) => {
      await collect();
      expect(home.disk.layers.size).toBe(1);
      put(volume, 'content/a', 'a');
    }, bySeed);
    expect(home.disk.layers.size).toBe(2);
    nowMs += 2 * limits.sweepGraceMs;
    // The same for a run that finds it already read.
    await engine.run(async () => {
      await collect();
      expect(home.disk.layers.size).toBe(2);
    }, bySeed);
    await collect();
    expect([...home.disk.layers.keys()]).toEqual(await headLayers(engine));
    // The note is known but the layer is gone: it is made again.
    expect(await look(engine, bySeed)).toMatchObject({ 'content/a': 'a', 'content/y': 'seed y' });
  });

  test('does not push its seed', async () => {
    const state = emptyRemoteState();
    const { engine } = machine({ remote: memoryRemote(state) });
    await engine.run(() => undefined, bySeed);
    expect(state.heads.size).toBe(0);
    await engine.run(([volume]) => put(volume, 'content/a', 'a'), bySeed);
    const elsewhere = testEngine({ seed: 'elsewhere', remote: memoryRemote(state) });
    expect(await look(elsewhere)).toEqual({ 'content/a': 'a' });
  });

  test('has no seed in write-only mode', async () => {
    const { engine, reads } = machine();
    await engine.run(([volume]) => expect(volume?.exists('content')).toBe(false), {
      ...bySeed,
      request: { mode: 'write-only' },
    });
    expect(reads.count).toBe(0);
  });

  test('with a missing seed, a strict run fails and another run warns and continues', async () => {
    const { engine } = machine();
    const gone = seeded(indexedVolume, from('/gone'));
    await expect(engine.run(() => undefined, gone)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await engine.deps.metadata.listSessions(noAbort)).toEqual([]);
    const { report } = await engine.run(([volume]) => install(volume, 'a'), { ...gone, request: { strict: false } });
    expect(report.volumes).toMatchObject([{ added: 2, seed: null }]);
    const message = 'indexed is not seeded: there is no directory /gone';
    expect(engine.events).toContainEqual(expect.objectContaining({ type: 'warning', message }));
  });

  describe('a seed that is too large', () => {
    test.each([
      ['volume-size', '1kB', '/big holds 2kB, and a seed may hold 1kB (policy volume-size, config.yaml)'],
      [
        'free-space',
        '9kB',
        '/big holds 2kB, and a copy would leave less than 9kB free (policy free-space, config.yaml)',
      ],
    ])('for %s fails a strict run, and another run continues without it', async (key, value, message) => {
      const { engine, directories, reads, home } = machine();
      Object.assign(engine.deps, limited({ 'free-space': 'none', [key]: value }));
      home.disk.space = { freeBytes: 10_000, totalBytes: 1e12 };
      directories.set('/big', [write('a', 'a'.repeat(1000)), write('b', 'b'.repeat(1000))]);
      const big = seeded(indexedVolume, from('/big'));
      await expect(engine.run(() => undefined, big)).rejects.toMatchObject({ code: 'E_QUOTA', message });
      const { report } = await engine.run(() => undefined, { ...big, request: { strict: false } });
      expect(report.volumes).toMatchObject([{ seed: null }]);
      expect(engine.events).toContainEqual(
        expect.objectContaining({ type: 'warning', code: 'E_QUOTA', message: `indexed is not seeded: ${message}` }),
      );
      expect(reads.count).toBe(0);
      Object.assign(engine.deps, limited({ 'free-space': 'none', [key]: '2kB' }));
      await engine.run(() => undefined, big);
      expect(reads.count).toBe(1);
    });

    test('for a limit that the project’s file set after it was read is refused', async () => {
      const { engine, reads } = machine();
      await look(engine, bySeed);
      const lanePolicy = { texts: { 'volume-size': '3B' }, source: 'cachelane.yaml:1' };
      await expect(engine.run(() => undefined, { ...bySeed, request: { lanePolicy } })).rejects.toMatchObject({
        code: 'E_QUOTA',
        message: expect.stringContaining('(policy volume-size, cachelane.yaml:1)'),
      });
      expect(reads.count).toBe(1);
    });

    test('after copying is refused', async () => {
      const { engine } = machine();
      const { files } = engine.deps.seeds;
      const small: typeof files.look = async (...all) => ({ ...(await files.look(...all)), sizeBytes: 0 });
      Object.assign(engine.deps.seeds, { files: { ...files, look: small } });
      Object.assign(engine.deps, limited({ 'volume-size': '3B' }));
      await expect(engine.run(() => undefined, bySeed)).rejects.toMatchObject({ code: 'E_QUOTA' });
    });
  });

  test('reports entries that it left out', async () => {
    const { engine, directories } = machine();
    directories.set('/odd', [
      { do: 'fifo', path: 'pipe' },
      { do: 'symlink', path: 'out', target: '/etc' },
      write('a', 'a'),
    ]);
    expect(await look(engine, seeded(indexedVolume, from('/odd')))).toEqual({ a: 'a' });
    expect(engine.events).toContainEqual(
      expect.objectContaining({
        message: expect.stringContaining('indexed is seeded from /odd without 2 of its entries'),
      }),
    );
  });
});

describe('a volume that is seeded from another one', () => {
  const stock: VolumeRequest = { ...indexedVolume, name: parseVolumeName('stock') };
  const ofStock: VolumeSeed = {
    kind: 'volume',
    namespace: parseNamespace('github.com/acme/web'),
    name: stock.name,
    compat: {},
  };
  const byStock = seeded(indexedVolume, ofStock);

  test('begins with the other volume’s contents and does not change it', async () => {
    const { engine } = machine();
    await engine.run(([volume]) => install(volume, 's'), { volumes: [{ ...stock, sync: 'never' }] });
    const { report } = await engine.run(([volume]) => {
      expect(text(volume, 'content/s')).toBe('bytes of s');
      install(volume, 'a');
    }, byStock);
    expect(report.volumes).toMatchObject([{ added: 1, hits: [], seed: 'github.com/acme/web:stock' }]);
    expect(await look(engine)).toEqual({ 'content/a': 'bytes of a', 'index/bucket': 'a\n' });
    expect(await look(engine, byStock)).toMatchObject({ 'content/s': 'bytes of s', 'index/bucket': 'a\ns\n' });
    expect(await look(engine, { volumes: [stock] })).toEqual({ 'content/s': 'bytes of s', 'index/bucket': 's\n' });
    const volumes = await engine.deps.metadata.listVolumes(noAbort);
    expect(new Map(volumes.map(({ name, sync }) => [name, sync]))).toEqual(
      new Map([
        ['indexed', 'always'],
        ['stock', 'never'],
      ]),
    );
  });

  test('is recorded as its reader, and pins it', async () => {
    const { engine } = machine();
    await engine.run(([volume]) => install(volume, 's'), { volumes: [stock] });
    const [head] = await engine.deps.metadata.listHeads(noAbort);
    if (head === undefined) throw new Error('nothing was saved');
    await engine.run(() => undefined, byStock);
    const reads = await engine.deps.metadata.listReads(noAbort);
    expect(reads.filter(({ layers }) => layers.includes(head.layers[0] as LayerId))).toHaveLength(1);
    const { report } = await engine.run(async ([volume]) => {
      await engine.deps.metadata.removeVolume(head.volumeId, null, noAbort);
      const clock = { ...engine.deps.clock, nowMs: () => Number.MAX_SAFE_INTEGER / 2 };
      await collectGarbage({ ...engine.deps, clock }, { ...everything, all: true }, noAbort);
      expect(await engine.deps.layers.has(head.layers[0] as LayerId, noAbort)).toBe(true);
      expect(text(volume, 'content/s')).toBe('bytes of s');
    }, byStock);
    expect(report.volumes[0]?.seed).toBe('github.com/acme/web:stock');
  });

  test('begins empty if the other volume is unknown', async () => {
    const { engine } = machine();
    const { report } = await engine.run(() => undefined, byStock);
    expect(report.volumes).toMatchObject([{ hits: [], seed: null }]);
    expect(await engine.deps.metadata.listVolumes(noAbort)).toEqual([]);
  });

  test('refuses a volume of another tool, and itself', async () => {
    const { engine } = machine();
    await engine.run(([volume]) => install(volume, 's'), { volumes: [stock] });
    await expect(engine.run(() => undefined, seeded(plainVolume, ofStock))).rejects.toMatchObject({
      code: 'E_VOLUME',
      message:
        'data cannot be seeded: github.com/acme/web:stock is a volume of indexed, but this volume is of directory',
    });
    await expect(engine.run(() => undefined, seeded(stock, ofStock))).rejects.toMatchObject({
      code: 'E_VOLUME',
      message: 'stock cannot be seeded: a volume cannot be its own seed',
    });
  });
});
