import type { LaneName, LayerStore, Namespace, VolumeId } from '@cachelane/core';
import {
  contentEntry,
  countingIds,
  openMemoryLayers,
  openMemoryMounter,
  openOne,
  openRequest,
  pushLayer,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

// diff, rollback and du on staged states, without processes.

const web = 'github.com/acme/web' as Namespace;
const { signal } = new AbortController();
const nowMs = 1_795_531_145_000;
const ids = countingIds();

interface Staged {
  readonly on: Stage;
  readonly layers: LayerStore;
}

/** A stage whose layers have contents. */
function withLayers(): Staged & Disposable {
  const layers = openMemoryLayers();
  const mounter = openMemoryMounter();
  const mounters = { overlay: mounter, clone: mounter, live: mounter };
  const on = stage({
    pieces: { openLayers: () => Promise.resolve(layers), openMounters: () => Promise.resolve(mounters) },
  });
  return { on, layers, [Symbol.dispose]: () => on[Symbol.dispose]() };
}

interface Pushed {
  readonly files: Readonly<Record<string, string>>;
  readonly lane?: string;
  readonly compat?: Readonly<Record<string, string>>;
  readonly tool?: string;
  readonly sealedAtMs?: number;
}

/** A generation of `github.com/acme/web:data`: one layer with these files. */
async function push({ on, layers }: Staged, pushed: Pushed): Promise<VolumeId> {
  const { files, compat = {}, tool = 'directory', sealedAtMs = nowMs } = pushed;
  const lane = (pushed.lane ?? 't1:local') as LaneName;
  const volumes = [{ name: 'data', compat, tool, chain: [{ namespace: web, lane }] }];
  const { volumeId, run } = await openOne(on.metadata, openRequest(ids, { namespace: web, lane, volumes }));
  const entries = Object.entries(files).map(([path, content]) => {
    const made = contentEntry(path, content);
    return { ...made, entry: { ...made.entry, mergeClass: 'D' } } as const;
  });
  const staged = await layers.stage({ changes: null, entries, sealedAtMs }, signal);
  await layers.publish(staged, signal);
  await pushLayer(on.metadata, { volumeId, layer: staged.id, run, lane, atMs: nowMs });
  return volumeId;
}

function json(on: Stage): Record<string, unknown> {
  return JSON.parse(on.out()) as Record<string, unknown>;
}

const data = `${web}:data`;

describe('diff', () => {
  test('lists sorted paths and a summary', async () => {
    using staged = withLayers();
    await push(staged, { files: { b: '1', c: '12' } });
    await push(staged, { files: { b: '12345', a: '123' } });
    expect(await staged.on.cachelane('diff', `${data}@1`, data)).toBe(0);
    expect(staged.on.out()).toBe(
      [
        'CHANGE   CLASS  TYPE  BEFORE  AFTER  PATH',
        'added    D      file       -    3 B  a',
        'changed  D      file     1 B    5 B  b',
        '',
        'data generation 1 of t1:local -> data generation 2 of t1:local: 1 added, 1 changed, 7 B more',
        '',
      ].join('\n'),
    );
  });

  test('as JSON', async () => {
    using staged = withLayers();
    await push(staged, { files: { b: '1' } });
    await push(staged, { files: { a: '123' } });
    await staged.on.cachelane('diff', `${data}@2`, `${data}@1`, '--json');
    expect(json(staged.on)).toMatchObject({
      before: { namespace: web, volume: 'data', lane: 't1:local', generation: 2, layers: { length: 2 } },
      after: { generation: 1, layers: { length: 1 } },
      added: 0,
      changed: 0,
      removed: 1,
      bytes: -3,
      paths: [{ path: 'a', change: 'removed', class: 'D', type: 'file', before: { sizeBytes: 3 }, after: null }],
    });
  });

  test('accepts states by lane, by layer and without a suffix', async () => {
    using staged = withLayers();
    const { on } = staged;
    await push(staged, { files: { a: '1' } });
    const volumeId = await push(staged, { files: { b: '1' } });
    await push(staged, { files: { m: '1' }, lane: 't1:ref:main' });
    await on.cachelane('diff', `${data}@t1:ref:main`, data);
    expect(on.out()).toContain('data generation 1 of t1:ref:main -> data generation 2 of t1:local: 2 added, 1 removed');
    await on.cachelane('diff', '--lane', 't1:ref:main', `${data}@t1:local`, `${data}@1`);
    expect(on.out()).toContain('data generation 2 of t1:local -> data generation 1 of t1:ref:main: 1 added, 2 removed');
    const [, first] = await on.metadata.history(volumeId, 't1:local' as LaneName, signal);
    await on.cachelane('diff', `${data}@${first?.layer?.slice(0, 12)}`, data);
    expect(on.out()).toContain('data generation 1 of t1:local -> data generation 2 of t1:local: 1 added');
    await on.cachelane('diff', data, data);
    expect(on.out()).toMatch(/-> data generation 2 of t1:local: no path differs\n$/);
  });

  test.each([
    [`${data}@9`, 1, 'has no such state', 'generations 1 to 1'],
    [`${data}@abcdef`, 1, 'has no such state', 'see: cachelane log'],
    [`${data}@main`, 2, 'does not name a state of a volume', 'npm@t1:ref:main'],
    [`${data}@`, 2, 'does not name a state of a volume', 'npm@12'],
    [`${data}@t9:local`, 2, 'not a lane', 't1:ref:main'],
    [`${data}@t1:pr:1`, 1, 'is empty in lane t1:pr:1', 'lanes: t1:local'],
    [`${web}:dato`, 1, 'did you mean data?', 'see: cachelane ls'],
  ])('%s: is refused with the reason', async (text, code, problem, hint) => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    expect(await staged.on.cachelane('diff', text, data)).toBe(code);
    expect(staged.on.err()).toContain(problem);
    expect(staged.on.err()).toContain(hint);
    expect(staged.on.out()).toBe('');
  });

  test('of several variants needs --compat', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' }, compat: { os: 'linux' } });
    await push(staged, { files: { b: '1' }, compat: { os: 'darwin' } });
    expect(await staged.on.cachelane('diff', data, data)).toBe(2);
    expect(staged.on.err()).toContain('choose one with --compat: os=darwin or os=linux');
    expect(await staged.on.cachelane('diff', '--compat', 'os=linux', data, data)).toBe(0);
    expect(await staged.on.cachelane('diff', '--compat', 'os=plan9', data, data)).toBe(1);
    expect(staged.on.err()).toContain('has no variant os=plan9');
  });

  test.each([
    [['--compat', '-'], 'generation 1 of t1:local'],
    [['--compat=-'], 'generation 1 of t1:local'],
    [['--compat', 'arch=x64,image=trixie'], 'generation 2 of t1:local'],
    [['--compat', 'arch=x64 image=trixie'], 'generation 2 of t1:local'],
  ])('%j: selects a variant in the form of tables', async (option, state) => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    for (const b of ['1', '2']) await push(staged, { files: { b }, compat: { image: 'trixie', arch: 'x64' } });
    expect(await staged.on.cachelane('diff', data, data)).toBe(2);
    expect(staged.on.err()).toContain('choose one with --compat: - or arch=x64,image=trixie\n');
    expect(await staged.on.cachelane('diff', ...option, data, data)).toBe(0);
    expect(staged.on.out()).toContain(`-> data ${state}: no path differs`);
  });

  test('names the missing layer', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    staged.layers.remove((await staged.layers.list(signal)).map(({ id }) => id));
    expect(await staged.on.cachelane('diff', data, data)).toBe(1);
    expect(staged.on.err()).toContain('is not in the store');
  });
});

describe('rollback', () => {
  test('a dry run shows what would change and changes nothing', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    await push(staged, { files: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`f${n + 10}`, 'x'])) });
    expect(await staged.on.cachelane('rollback', data, '--dry-run')).toBe(0);
    expect(staged.on.out()).toMatch(
      /^would roll github\.com\/acme\/web:data in lane t1:local back from generation 2 to generation 1: 12 removed, 12 B less\n {2}- f10\n/,
    );
    expect(staged.on.out()).toMatch(/ {2}- f19\n {2}and 2 more paths\n$/);
    expect(await staged.on.metadata.listHeads(signal)).toMatchObject([{ generation: 2 }]);
  });

  test('prints the result in one line', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    await push(staged, { files: { b: '1' } });
    await push(staged, { files: { c: '1' } });
    expect(await staged.on.cachelane('rollback', data, '--to', '1')).toBe(0);
    const line =
      'rolled github.com/acme/web:data in lane t1:local back from generation 3 to generation 1, as generation 4: 2 removed, 2 B less\n';
    expect(staged.on.out()).toBe(line);
    await staged.on.cachelane('rollback', data, '--to', '4');
    expect(staged.on.out()).toBe(
      `${line}github.com/acme/web:data in lane t1:local already equals generation 4: nothing changed\n`,
    );
    expect(await staged.on.metadata.listHeads(signal)).toMatchObject([{ generation: 4, layers: { length: 1 } }]);
  });

  test('as JSON', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    await push(staged, { files: { b: '1' } });
    await staged.on.cachelane('rollback', data, '--json');
    expect(json(staged.on)).toMatchObject({
      dryRun: false,
      volume: data,
      lane: 't1:local',
      from: 2,
      to: 1,
      generation: 3,
      keptOnTop: 0,
      removed: 1,
      paths: [{ path: 'b', change: 'removed' }],
    });
  });

  test.each([
    [['--to', '0'], 2, '--to must be a generation'],
    [['--to', 'main'], 2, '--to must be a generation'],
    [['--to', '7'], 1, 'there is no generation 7 in lane t1:local'],
    [[], 1, 'there is no generation before 1 in lane t1:local'],
  ])('%j is refused', async (options, code, problem) => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' } });
    expect(await staged.on.cachelane('rollback', data, ...options)).toBe(code);
    expect(staged.on.err()).toContain(problem);
    expect(await staged.on.metadata.listHeads(signal)).toMatchObject([{ generation: 1 }]);
  });

  test('uses the lane that a run here would write', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: '1' }, lane: 't1:ref:main' });
    expect(await staged.on.cachelane('rollback', data)).toBe(1);
    expect(staged.on.err()).toContain('is empty in lane t1:local');
    expect(staged.on.err()).toContain('lanes: t1:ref:main');
  });
});

describe('du', () => {
  test('separates unique from shared layers', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: 'x'.repeat(1000) } });
    await push(staged, { files: { a: 'x'.repeat(1000) }, lane: 't1:ref:main' });
    await push(staged, { files: { b: 'x'.repeat(500) } });
    await push(staged, { files: { c: 'x'.repeat(20) }, lane: 't1:ref:main', compat: { os: 'linux' } });
    expect(await staged.on.cachelane('du', '--json')).toBe(0);
    expect(json(staged.on)).toMatchObject({
      heads: [
        {
          namespace: web,
          volume: 'data',
          compat: {},
          lane: 't1:local',
          layers: 2,
          uniqueBytes: 500,
          sharedBytes: 1000,
        },
        { compat: {}, lane: 't1:ref:main', layers: 1, uniqueBytes: 0, sharedBytes: 1000 },
        { compat: { os: 'linux' }, lane: 't1:ref:main', uniqueBytes: 20, sharedBytes: 0 },
      ],
      headBytes: 1520,
      store: { layers: 3, derived: 0, keptBytes: 0, layersBytes: 1520, reclaimable: { layers: 0, bytes: 0 } },
    });
  });

  test('separates history from unreferenced layers', async () => {
    using staged = withLayers();
    await push(staged, { files: { a: 'x'.repeat(10) } });
    await push(staged, { files: { b: 'x'.repeat(300) } });
    await staged.on.cachelane('rollback', data);
    const entries = [contentEntry('lost', 'x'.repeat(7000))];
    const lost = await staged.layers.stage({ changes: null, entries, sealedAtMs: nowMs - 3_600_000 }, signal);
    await staged.layers.publish(lost, signal);
    await staged.on.cachelane('du');
    expect(staged.on.out()).toContain('volumes: 10 B in 1 head\nhistory and open runs: 300 B more\n');
    expect(staged.on.out()).toMatch(/on disk: 7\.3 kB: 3 layers 7\.3 kB, 0 derived layers 0 B beyond those/);
    expect(staged.on.out()).toContain('cachelane gc would free: 1 layer (7.0 kB), 0 derived layers\n');
  });

  test('of one volume, one namespace, and an empty store', async () => {
    using staged = withLayers();
    await staged.on.cachelane('du');
    expect(staged.on.out()).toMatch(/^There are no volumes yet\.\n/);
    await push(staged, { files: { a: '123' } });
    await staged.on.cachelane('du', data);
    expect(staged.on.out()).toMatch(/data {4}- {7}t1:local {7}1 {5}3 B {5}0 B\n\nvolumes: 3 B in 1 head\n$/);
    using other = withLayers();
    await push(other, { files: { a: '123' } });
    await other.on.cachelane('du', '-n', 'no/such', '--json');
    expect(json(other.on)).toEqual({ heads: [], headBytes: 0, store: null });
    expect(await other.on.cachelane('du', `${web}:dato`)).toBe(1);
  });
});
