import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce } from './at-once.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';
import { bun, pnpm10, pnpm11, pnpm12, type NpmTool } from './npm-tools.fixture.ts';

// Tools that hard-link from their cache: all runs share one directory on the project's file system.

const shared = somePackages('shared', 3);
const own = { left: somePackages('left', 2), right: somePackages('right', 2) } as const;

let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry([...shared, ...own.left, ...own.right], { maxAgeSeconds: 0 });
});
afterAll(async () => registry[Symbol.asyncDispose]());

interface Linker {
  readonly tool: NpmTool;
  readonly volume: 'pnpm' | 'bun';
}

const linkers: readonly Linker[] = [
  ...[pnpm10, pnpm11, ...pnpm12()].map((tool) => ({ tool, volume: 'pnpm' as const })),
  ...bun().map((tool) => ({ tool, volume: 'bun' as const })),
];

/** Returns the users to test. Root is tested once per tool, not per version. */
function usersOf(linker: Linker): typeof worldUsers {
  const isNewest = linkers.findLast(({ volume }) => volume === linker.volume) === linker;
  return isNewest ? worldUsers : worldUsers.slice(-1);
}

function openLinkWorld(user?: (typeof worldUsers)[number]): World {
  const env = {
    npm_config_registry: registry.url,
    pnpm_config_registry: registry.url,
    BUN_CONFIG_REGISTRY: registry.url,
    CI: 'true',
  };
  return openWorld({ env, ...(user === undefined ? {} : { user }) });
}

/** Clones a project with a lockfile, made with a separate cache. */
async function clone(
  world: World,
  { tool, volume }: Linker,
  name: string,
  packages: readonly { readonly name: string }[],
): Promise<string> {
  const dependencies = Object.fromEntries(packages.map((wanted) => [wanted.name, '1.0.0']));
  const asked = tool === pnpm10 ? { packageManager: `pnpm@${tool.version}` } : {};
  const manifest = { name: 'app', version: '1.0.0', ...asked, dependencies };
  const dir = world.project(name, { 'package.json': JSON.stringify(manifest) });
  world.gitInit(dir, 'https://github.com/acme/app.git');
  const elsewhere = join(world.dir, 'elsewhere', name);
  const env = { npm_config_store_dir: elsewhere, pnpm_config_store_dir: elsewhere, BUN_INSTALL_CACHE_DIR: elsewhere };
  await world.execAsync([...tool.argv, 'install', '--lockfile-only'], { cwd: dir, env });
  expect(volume).toBeDefined();
  return dir;
}

const install = ({ tool }: Linker, ...more: readonly string[]): readonly string[] => [
  ...tool.argv,
  'install',
  '--frozen-lockfile',
  ...more,
];

function linkedFiles(dir: string): readonly number[] {
  return readdirSync(join(dir, 'node_modules'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/index.js'))
    .map((path) => statSync(join(dir, 'node_modules', path)).nlink);
}

requireCommands(
  'bwrap',
  'flock',
  'git',
)('tools that link from their cache', () => {
  describe.each(linkers)('$tool.name', (linker) => {
    const { volume } = linker;
    const options = ['-v', volume];

    test.each(usersOf(linker))(
      'two runs at once share a directory with links, and a third one works offline, as %s',
      async (user) => {
        using world = openLinkWorld(user);
        const base = await clone(world, linker, 'base', shared);
        const cold = await world.run(install(linker), { cwd: base, options });
        expect(cold).toMatchObject({ code: 0 });
        expect(cold.volume(volume)).toMatchObject({
          mounter: 'live',
          mounterWhy: `${volume} links files out of its cache`,
          hits: [],
          skipped: null,
        });
        expect(Math.min(...linkedFiles(base))).toBeGreaterThan(1);

        const jobs = [];
        for (const name of ['left', 'right'] as const) {
          const cwd = await clone(world, linker, name, [...shared, ...own[name]]);
          jobs.push({ cwd, argv: install(linker), options });
        }
        const runs = await atOnce(world, jobs);
        for (const run of runs) expect(run).toMatchObject({ code: 0 });
        const reports = runs.map((run) => run.volume(volume)).toSorted((a, b) => b.added - a.added);
        expect(reports[0]).toMatchObject({ conflicts: [], skipped: null });
        expect(reports[0]?.added).toBeGreaterThan(0);
        expect(reports[1]).toMatchObject({ layer: null, skipped: 'shared with another run; the last run saves' });

        const packages = [...shared, ...own.left, ...own.right];
        const union = await clone(world, linker, 'union', packages);
        registry.clearRequests();
        for (const kept of [true, false]) {
          // Without the directory, every file is restored from layers.
          if (!kept) rmSync(join(world.store, 'kept'), { recursive: true });
          const run = await world.run(install(linker, ...(volume === 'pnpm' ? ['--offline'] : [])), {
            cwd: union,
            options,
          });
          expect(run).toMatchObject({ code: 0 });
          expect(run.volume(volume)).toMatchObject({ added: 0, removed: 0, conflicts: [], skipped: null });
          expect(linkedFiles(union).length).toBeGreaterThanOrEqual(packages.length);
          expect(Math.min(...linkedFiles(union))).toBeGreaterThan(1);
          rmSync(join(union, 'node_modules'), { recursive: true });
        }
        expect(registry.requests.filter(({ path }) => path.endsWith('.tgz'))).toEqual([]);
      },
    );
  });

  test('uv: immutable stored files are restored after a project edited them through a link', async () => {
    using world = openLinkWorld();
    const cwd = world.project('app', { 'uv.lock': '', 'pyproject.toml': '[project]\nname = "app"\n' });
    const options = ['-v', 'uv'];
    const fill =
      'mkdir -p $UV_CACHE_DIR/archive-v0/a; echo good > $UV_CACHE_DIR/archive-v0/a/m.py; ln $UV_CACHE_DIR/archive-v0/a/m.py m.py';
    expect((await world.run(['sh', '-ec', fill], { cwd, options })).volume('uv')).toMatchObject({ added: 1 });
    writeFileSync(join(cwd, 'm.py'), 'patched\n');
    const next = await world.run(['true'], { cwd, options });
    expect(next.stderr).toContain('archive-v0/a/m.py is damaged and not saved');
    expect(next.volume('uv')).toMatchObject({ changed: 0, layer: null });
    const read = await world.run(['sh', '-c', 'cat $UV_CACHE_DIR/archive-v0/a/m.py'], { cwd, options });
    expect(read.stdout).toBe('good\n');
    expect(readFileSync(join(cwd, 'm.py'), 'utf8')).toBe('patched\n');
  });

  describe.each(linkers.filter(({ volume }) => volume === 'pnpm'))('$tool.name', (linker) => {
    test('finished work is saved and serves others offline while runs keep overlapping', async () => {
      using world = openLinkWorld();
      const options = ['-v', 'pnpm'];
      const base = await clone(world, linker, 'base', shared);
      await world.run(install(linker), { cwd: base, options });
      const left = await clone(world, linker, 'left', [...shared, ...own.left]);
      const right = await clone(world, linker, 'right', [...shared, ...own.right]);
      const script = '"$@" && echo installed && read line';
      const staying = world.startRun(['sh', '-c', script, 'sh', ...install(linker)], {
        cwd: left,
        options,
        input: null,
      });
      await staying.said('installed');
      const env = { CACHELANE_SHARED_SAVE_SECONDS: '0' };
      const leaving = await world.run(['sh', '-c', '"$@" && sleep 2.2', 'sh', ...install(linker)], {
        cwd: right,
        options,
        env,
      });
      expect(leaving).toMatchObject({ code: 0 });
      expect(leaving.volume('pnpm')).toMatchObject({ mounter: 'live', conflicts: [], skipped: null });
      const union = await clone(world, linker, 'union', [...shared, ...own.left, ...own.right]);
      // A private view has only the files of the layers.
      const alone = await world.run(install(linker, '--offline'), {
        cwd: union,
        options: [...options, '--mounter', 'overlay'],
      });
      expect(alone).toMatchObject({ code: 0 });
      staying.child.stdin?.end('go\n');
      const stayed = (await staying.finished).volume('pnpm');
      expect(stayed).toMatchObject({ added: 0, removed: 0, conflicts: [] });
    });

    test('a file edited through its link is not saved, and the next run gets the original', async () => {
      using world = openLinkWorld();
      const options = ['-v', 'pnpm'];
      const cwd = await clone(world, linker, 'app', shared);
      await world.run(install(linker), { cwd, options });
      const edited = join(cwd, 'node_modules', 'shared-0', 'index.js');
      const before = readFileSync(edited, 'utf8');
      const spoil = await world.run(['sh', '-c', 'printf spoiled > node_modules/shared-0/index.js'], { cwd, options });
      expect(spoil.stderr).toContain('is damaged and not saved');
      expect(spoil.volume('pnpm')).toMatchObject({ added: 0, changed: 0, layer: null });
      rmSync(join(cwd, 'node_modules'), { recursive: true });
      const next = await world.run(install(linker, '--offline'), { cwd, options });
      expect(next).toMatchObject({ code: 0 });
      expect(readFileSync(edited, 'utf8')).toBe(before);
    });
  });

  test('on another file system than the home, the directory is in the project', async () => {
    using world = openLinkWorld();
    const linker = { tool: pnpm11, volume: 'pnpm' as const };
    const cwd = await clone(world, linker, 'app', shared);
    const home = '/dev/shm';
    if (!existsSync(home) || statSync(home).dev === statSync(cwd).dev) return;
    const store = join(home, `cachelane-test-${process.pid}`);
    const env = { CACHELANE_HOME: store };
    try {
      const run = await world.run(install(linker), { cwd, options: ['-v', 'pnpm'], env });
      expect(run.volume('pnpm')).toMatchObject({ mounter: 'live', skipped: null });
      expect(Math.min(...linkedFiles(cwd))).toBeGreaterThan(1);
      writeFileSync(join(world.dir, 'seen'), '');
      const removed = await world.cachelane(['rm', '-C', cwd, 'pnpm'], { env });
      expect(removed.code).toBe(0);
    } finally {
      for (const line of readFileSync(join(store, 'kept/places'), 'utf8').trim().split('\n')) {
        rmSync(JSON.parse(line) as string, { recursive: true, force: true });
      }
      rmSync(store, { recursive: true, force: true });
    }
  });
});
