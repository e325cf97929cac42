import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, type LayerId } from '@cachelane/core';
import { collectGarbage, openFork } from '@cachelane/engine';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, type World } from './cli.fixture.ts';
import { contextAt, openHomeEngine, realClock, requestAt, volumeAt } from './engine.fixture.ts';

const noAbort = new AbortController().signal;

const found = 'cd ./cache; find . -type f | sort | while read -r f; do echo "$f: $(cat "$f")"; done';

function seededProject(world: World, source: string): string {
  return world.project('web', {
    'cachelane.yaml': `namespace: github.com/acme/web\nvolumes:\n  data: { path: cache, source: ${source} }\n`,
    'stock/d/gone': 'seed',
    'stock/d/stays': 'seed',
    'stock/top': 'seed',
  });
}

describe.each(['overlay', 'clone', 'live'])('a run, attached by %s', (mounter) => {
  requireCommands('bwrap')('with a source in cachelane.yaml', () => {
    test('finds the source below its lane; the source is not saved, and the saved files stay when the file names another source', async () => {
      using world = openWorld();
      const cwd = seededProject(world, './stock');
      const options = ['--verbose', '--mounter', mounter, '--strict'];
      const run = async (script: string) => await world.run(['sh', '-ec', script], { cwd, options });
      const first = await run(found);
      expect(first.stdout).toBe('./d/gone: seed\n./d/stays: seed\n./top: seed\n');
      expect(first.volume('data')).toMatchObject({ hits: [], seed: join(cwd, 'stock'), layer: null, skipped: null });
      expect(first.stderr).toContain(`data started from ${join(cwd, 'stock')} (`);
      const second = await run('cd ./cache; rm d/gone; echo own > top');
      expect(second.volume('data')).toMatchObject({ changed: 1, removed: 1, added: 0 });
      const third = await run(found);
      expect(third.stdout).toBe('./d/stays: seed\n./top: own\n');
      expect(third.stderr).toContain(`read t1:local (1 layer), above ${join(cwd, 'stock')}`);
      world.write({ 'projects/web/other/else': 'other' });
      seededProject(world, './other');
      const fourth = await run(found);
      expect(fourth.stdout).toBe('./else: other\n./top: own\n');
      const { seed, why } = (await world.json(['explain', '--verbose', 'data'], { cwd })) as {
        seed: string;
        why: string;
      };
      expect(seed).toBe(join(cwd, 'other'));
      expect(why).toContain(`starts with t1:local, then its seed ${seed}`);
      expect(await world.cachelane(['blame', 'data', 'else'], { cwd })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`unless it is in the seed ${seed}, which belongs to no run`),
      });
    });
  });
});

test('starts without a missing source, unless it is strict', async () => {
  using world = openWorld();
  const cwd = seededProject(world, './none');
  const options = ['--mounter', 'clone'];
  const run = await world.run(['sh', '-c', 'echo x > cache/x'], { cwd, options });
  expect(run).toMatchObject({ code: 0 });
  expect(run.stderr).toContain(`data is not seeded: there is no directory ${join(cwd, 'none')}`);
  expect(run.volume('data')).toMatchObject({ added: 1, seed: null });
  const strict = await world.cachelane(['run', '--strict', ...options, '--', 'true'], { cwd });
  expect(strict).toMatchObject({ code: 125 });
  rmSync(join(cwd, 'stock'), { recursive: true });
  symlinkSync('/etc', join(cwd, 'stock'));
  seededProjectFile(world);
  const led = await world.cachelane(['run', '--strict', ...options, '--', 'true'], { cwd });
  expect(led).toMatchObject({ code: 125, stderr: expect.stringContaining('leads out of the project by a symlink') });
});

function seededProjectFile(world: World): void {
  world.write({ 'projects/web/cachelane.yaml': 'volumes:\n  data: { path: cache, source: stock }\n' });
}

test('a run that is killed while it copies its source leaves only files that the next run deletes', async () => {
  using world = openWorld();
  const cwd = seededProject(world, './stock');
  world.exec(['truncate', '-s', '3G', join(cwd, 'stock/large')]);
  const options = ['--mounter', 'clone'];
  const started = world.start(['run', ...options, '--', 'true'], { cwd });
  const kept = join(world.store, 'kept');
  const copies = (): readonly string[] =>
    existsSync(kept)
      ? readdirSync(kept, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/large'))
      : [];
  await expect.poll(copies, { timeout: 60_000 }).toHaveLength(1);
  started.child.kill('SIGKILL');
  expect(await started.finished).toMatchObject({ signal: 'SIGKILL' });
  expect(copies()).toHaveLength(1);
  rmSync(join(cwd, 'stock/large'));
  const next = await world.run(['sh', '-c', found], { cwd, options });
  expect(next.stdout).toBe('./d/gone: seed\n./d/stays: seed\n./top: seed\n');
  expect(copies()).toEqual([]);
  expect(readdirSync(join(world.store, 'staging'))).toEqual([]);
});

test('a seed’s layer stays while a fork uses it, and the next collection deletes it', async () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-seeded-')));
  try {
    await using engine = await openHomeEngine({ dir, clock: realClock() });
    const { deps } = engine;
    const directory = join(dir, 'seed');
    mkdirSync(directory);
    writeFileSync(join(directory, 'part'), 'part');
    const clock = { ...deps.clock, nowMs: () => deps.clock.nowMs() + 2 * limits.sweepGraceMs };
    const collect = async (): Promise<readonly LayerId[]> => {
      const options = { policy: {}, upTo: 'T3', isThere: () => true, all: true } as const;
      const { layers } = await collectGarbage({ ...deps, clock }, options, noAbort);
      return layers.map(({ id }) => id);
    };
    const request = requestAt(dir, contextAt({ namespace: 'github.com/acme/web', lane: 't1:local' }));
    const volumes = [{ ...volumeAt(dir, 'data'), seed: { kind: 'directory', directory } as const }];
    const fork = async () => await openFork({ ...deps, remote: null }, { ...request, volumes, samePath: false });
    const first = await fork();
    const [layer] = await deps.layers.list(noAbort);
    expect(await collect()).toEqual([]);
    const second = await fork();
    expect((await deps.layers.list(noAbort)).map(({ id }) => id)).toEqual([layer?.id]);
    await first.discard();
    expect(await collect()).toEqual([]);
    expect(readdirSync(second.volumes[0]?.directory ?? '')).toEqual(['part']);
    await second.discard();
    expect(await collect()).toEqual([layer?.id]);
    expect(await deps.layers.list(noAbort)).toEqual([]);
    const third = await fork();
    expect(readdirSync(third.volumes[0]?.directory ?? '')).toEqual(['part']);
    await third.discard();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
