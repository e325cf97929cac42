import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';
import { npmFiles, somePackages, versionsOf } from './npm-project.fixture.ts';

// P6 with processes: the head keeps everything that eight concurrent runs add.

const eight = Array.from({ length: 8 }, (_, index) => index);

interface Job {
  readonly cwd: string;
  readonly script: string;
  readonly options: readonly string[];
}

/** Runs all jobs. Each has its view before any command starts. */
async function atOnce(world: World, jobs: readonly Job[]): Promise<readonly FinishedRun[]> {
  const started = [];
  for (const { cwd, script, options } of jobs) {
    const run = world.startRun(['sh', '-ec', `echo ready; read line; ${script}`], { cwd, options, input: null });
    await run.said('ready');
    started.push(run);
  }
  for (const { child } of started) child.stdin?.end('go\n');
  return await Promise.all(started.map(async ({ finished }) => await finished));
}

interface LayerEntries {
  readonly entries: readonly { readonly path: string; readonly type: string; readonly removed: string | null }[];
}

/** Returns the paths of the files that a run saved. */
async function savedFiles(world: World, run: FinishedRun, volume: string): Promise<readonly string[]> {
  const { entries } = (await world.json(['inspect', String(run.volume(volume).layer)])) as LayerEntries;
  return entries.filter(({ type, removed }) => type === 'file' && removed === null).map(({ path }) => path);
}

requireCommands(
  'bwrap',
  'git',
  'npm',
)('eight runs of npm at once on one volume', () => {
  test('the head has the entries of all eight, and all eight install offline from it', async () => {
    const shared = somePackages('shared', 2);
    const own = eight.map((index) => somePackages(`own-${index}`, 2));
    await using registry = await startLocalRegistry([...shared, ...own.flat()]);
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const jobs = eight.map((index): Job => {
      const cwd = world.project(`clone-${index}`, { 'package.json': '{"name":"app","version":"1.0.0"}' });
      world.gitInit(cwd, 'https://github.com/acme/app.git');
      const names = [...shared, ...(own[index] ?? [])].map(({ name }) => name);
      return { cwd, script: `npm install ${names.join(' ')}`, options: ['-v', 'npm'] };
    });

    const runs = await atOnce(world, jobs);
    for (const run of runs) {
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('npm')).toMatchObject({ hits: [], conflicts: [], skipped: null });
    }
    const first = jobs[0]?.cwd ?? '';
    const layers = runs.map((run) => String(run.volume('npm').layer));
    expect(new Set(layers).size).toBe(8);
    const log = (await world.json(['log', '-C', first, 'npm'])) as readonly { generation: number; layer: string }[];
    expect(log.map(({ generation }) => generation)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(log.map(({ layer }) => layer).toSorted()).toEqual(layers.toSorted());

    const look = await world.run(['sh', '-ec', 'cd ~/.npm; find . -type f; npm cache ls'], {
      options: ['-v', 'npm', '--mode=read'],
      cwd: first,
    });
    const lines = new Set(look.stdout.split('\n'));
    for (const run of runs) {
      for (const path of await savedFiles(world, run, 'npm')) expect(lines).toContain(`./${path}`);
    }
    for (const { name } of [...shared, ...own.flat()]) {
      expect(lines).toContain(`make-fetch-happen:request-cache:${registry.url}${name}`);
      expect(lines).toContain(`make-fetch-happen:request-cache:${registry.url}${name}/-/${name}-1.0.0.tgz`);
    }

    const dependencies = versionsOf([...shared, ...own.flat()]);
    world.project('clone-0', await npmFiles(registry, { name: 'app', dependencies }));
    registry.clearRequests();
    // The first command needs the tarballs of all eight, the second also their packuments.
    for (const command of [
      ['npm', 'ci', '--offline'],
      ['npm', 'install', '--offline', '--no-package-lock', ...Object.keys(dependencies)],
    ]) {
      rmSync(join(first, 'node_modules'), { recursive: true });
      const union = await world.run(command, { cwd: first });
      expect(union.stderr).not.toContain('npm error');
      expect(union).toMatchObject({ code: 0 });
      expect(union.volume('npm')).toMatchObject({ hits: [{ layers: expect.any(Number) }], layer: null });
    }
    expect(registry.requests).toEqual([]);
  });
});

requireCommands(
  'bwrap',
  'flock',
  'go',
)('eight builds of Go at once on one volume', () => {
  const std = [
    'container/heap',
    'container/ring',
    'encoding/ascii85',
    'encoding/hex',
    'hash/adler32',
    'hash/fnv',
    'text/scanner',
    'index/suffixarray',
  ];
  const packages = eight.map((index) => `p${index}`);

  test('the head has the entries of all eight, and nothing is compiled again', async () => {
    using world = openWorld();
    const project = goProject(world, 'app', goModule('app', packages));
    const options = ['-v', 'go-build'];
    await seedGoBuild(world, project);
    const jobs = eight.map((index): Job => {
      return { cwd: project, script: `go build -x ./p${index} ${std[index]} 2>&1`, options };
    });

    const runs = await atOnce(world, jobs);
    for (const [index, run] of runs.entries()) {
      expect(run).toMatchObject({ code: 0 });
      expect(compiled(run.stdout)).toEqual(expect.arrayContaining([std[index], `example.com/app/p${index}`]));
      expect(run.volume('go-build')).toMatchObject({ conflicts: [], skipped: null });
    }
    const look = await world.run(['sh', '-ec', 'cd ~/.cache/go-build; find . -type f'], { options, cwd: project });
    const paths = new Set(look.stdout.split('\n'));
    for (const run of runs) {
      for (const path of await savedFiles(world, run, 'go-build')) expect(paths).toContain(`./${path}`);
    }
    const warm = await world.run(['go', 'build', '-x', './...', ...std], { options, cwd: project });
    expect(warm).toMatchObject({ code: 0 });
    expect(compiled(warm.stderr)).toEqual([]);
    expect(warm.volume('go-build')).toMatchObject({ added: 0, changed: 0, layer: null });
  });
});
