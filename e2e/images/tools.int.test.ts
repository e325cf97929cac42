import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry, useDisk } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FinishedRun, World } from '../cli.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from '../real-tools/go-project.fixture.ts';
import { npmProject } from '../real-tools/npm-project.fixture.ts';
import { allowSudo } from '../sudo-rule.fixture.ts';
import { formsIn, imagePrograms, imageReaders, openMachines, readers, type Machines } from './machines.fixture.ts';

useDisk();

// Real tools on pulled layers: they hit, and additions of several machines merge over images as over trees.

allowSudo();

const packages = ['left', 'right'].map((name) => ({ name, version: '1.0.0' }));

const view = (name: string): readonly string[] => ['npm', 'view', name, 'version'];

const project = (world: World): string =>
  goProject(world, 'app', {
    ...goModule('app', ['lib']),
    'main.go': 'package main\n\nimport "example.com/app/lib"\n\nfunc main() { println(lib.Name()) }\n',
  });

/** Compiles on a new machine. Returns the results from ccache's log. */
async function compile(machines: Machines, ...names: readonly string[]): Promise<readonly string[]> {
  const world = machines.open();
  const files = names.map((name) => [`${name}.c`, `int ${name}(void) { return ${name.length}; }\n`]);
  const cwd = world.project('app', Object.fromEntries(files) as Record<string, string>);
  const lines = names.map((name) => `ccache gcc -c ${name}.c -o "$TMPDIR/${name}.o"`);
  world.env['CCACHE_STATSLOG'] = join(world.dir, 'tmp', 'log');
  const script = [...lines, 'cat "$CCACHE_STATSLOG"'].join('\n');
  const { stdout, code } = await world.run(['sh', '-ec', script], { cwd, options: ['-v', 'ccache'] });
  expect(code).toBe(0);
  return stdout.split('\n').filter((line) => /^direct_cache_hit$|^cache_miss$/.test(line));
}

requireCommands('npm', ...imagePrograms)('npm', () => {
  let registry: LocalRegistry;
  beforeAll(async () => {
    registry = await startLocalRegistry(packages, { maxAgeSeconds: 0 });
  });
  afterAll(async () => registry[Symbol.asyncDispose]());

  /** Runs a command with the volume in the project `app`, which has `left` and `right`. */
  async function inApp(world: World, command: readonly string[], ...more: readonly string[]): Promise<FinishedRun> {
    world.env['npm_config_registry'] = registry.url;
    const dependencies = { left: '1.0.0', right: '1.0.0' };
    const cwd = await npmProject(world, registry, { name: 'app', dependencies, addresses: false });
    rmSync(join(cwd, 'node_modules'), { recursive: true, force: true });
    registry.clearRequests();
    const run = await world.run(command, { cwd, options: ['-v', 'npm', ...more] });
    expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') as string });
    return run;
  }

  describe.each(readers)('of $name', (reader) => {
    test('installs from another machine’s cache without a request', async () => {
      using machines = openMachines(reader);
      await inApp(machines.open(), ['npm', 'ci']);
      const other = machines.open();
      const warm = await inApp(other, ['npm', 'ci', '--offline']);
      expect(registry.requests).toEqual([]);
      expect(warm.volume('npm')).toMatchObject({
        mounter: 'overlay',
        hits: [{ layers: 1 }],
        layer: null,
        skipped: null,
      });
      expect(formsIn(other)).toEqual([reader.form]);
    });

    test('lines that machines added to one index file are merged over images', async () => {
      using machines = openMachines(reader);
      const [one, two] = [machines.open(), machines.open()];
      // The registry gave two answers for one URL. Each machine knows one of them.
      await inApp(one, [...view('left'), '--prefer-online'], '--no-remote');
      await inApp(two, ['npm', 'ci', '--prefer-online'], '--no-remote');
      for (const world of [one, two]) expect(await world.cachelane(['push'])).toMatchObject({ code: 0 });
      const third = machines.open();
      const script =
        'npm view left version --offline; npm ci --offline >&2; cd ~/.npm/_cacache/index-v5; cat $(grep -rl "/left\\",") | grep -c .';
      for (const world of [two, third]) expect((await inApp(world, ['sh', '-ec', script])).stdout).toBe('1.0.0\n2\n');
      expect(formsIn(third)).toEqual([reader.form, reader.form]);
    });

    test('a prune removes contents without an index line from images, for all machines', async () => {
      using machines = openMachines(reader);
      const name = `pruned-${reader.name.replaceAll(' ', '-')}`;
      const contents = 'find ~/.npm/_cacache/content-v2 -type f | wc -l';
      const [one, two] = [machines.open(), machines.open()];
      for (const version of ['1.0.0', '2.0.0']) {
        registry.publish({ name, version });
        expect((await inApp(one, [...view(name), '--prefer-online'])).stdout).toBe(`${version}\n`);
      }
      expect((await inApp(two, ['sh', '-c', contents])).stdout).toBe('2\n');
      expect(formsIn(two)).toEqual([reader.form, reader.form]);
      expect(await two.json(['prune', 'npm'])).toMatchObject({ removed: 1 });
      for (const world of [two, one, machines.open()]) {
        const script = `npm view ${name} version --offline; ${contents}`;
        expect((await inApp(world, ['sh', '-ec', script])).stdout).toBe('2.0.0\n1\n');
      }
    });
  });
});

requireCommands('go', ...imagePrograms)('go build', () => {
  test.each(imageReaders)('of $name compiles no library package that another machine compiled', async (reader) => {
    using machines = openMachines(reader);
    const first = machines.open();
    await seedGoBuild(first, project(first));
    const other = machines.open();
    const cwd = project(other);
    const build = async (): Promise<FinishedRun> =>
      await other.run(['sh', '-c', 'go build -x -o "$TMPDIR/app" . && "$TMPDIR/app"'], {
        cwd,
        options: ['-v', 'go-build'],
      });
    // Its own packages have another path there.
    const cold = await build();
    expect(compiled(cold.stderr)).toEqual(['example.com/app/lib', 'main']);
    expect(cold.volume('go-build')).toMatchObject({ hits: [{ layers: 1 }], changed: 0, removed: 0, conflicts: [] });
    const warm = await build();
    expect([compiled(warm.stderr), warm.stderr.includes('lib\n')]).toEqual([[], true]);
    expect(warm.volume('go-build')).toMatchObject({ hits: [{ layers: 2 }], layer: null });
    expect(formsIn(other).toSorted()).toEqual(['image', 'tree']);
  });
});

requireCommands(
  'ccache',
  'gcc',
  ...imagePrograms,
)('ccache', () => {
  test.each(imageReaders)('of $name hits the results of several machines', async (reader) => {
    using machines = openMachines(reader);
    expect(await compile(machines, 'one')).toEqual(['cache_miss']);
    expect(await compile(machines, 'one', 'two')).toEqual(['direct_cache_hit', 'cache_miss']);
    expect(await compile(machines, 'one', 'two')).toEqual(['direct_cache_hit', 'direct_cache_hit']);
  });
});
