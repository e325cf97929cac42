import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';
import { yarn4 } from './npm-tools.fixture.ts';

const shared = somePackages('shared', 2);
const scoped = {
  name: '@scope/branch',
  version: '1.0.0',
  dependencies: { 'shared-0': '1.0.0' },
  files: { 'index.js': '// @scope/branch' },
};
const own = { left: [...somePackages('left', 2), scoped], right: somePackages('right', 3) } as const;

let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry([...shared, ...own.left, ...own.right], { maxAgeSeconds: 0 });
});
afterAll(async () => registry[Symbol.asyncDispose]());

interface Wanted {
  readonly name: string;
  readonly packages: readonly { readonly name: string }[];
}

/** Clones a project with a lockfile, made with a separate cache. */
async function clone(world: World, { name, packages }: Wanted): Promise<string> {
  const dependencies = Object.fromEntries(packages.map((wanted) => [wanted.name, '1.0.0']));
  const files = { 'package.json': JSON.stringify({ name: 'app', version: '1.0.0', dependencies }), 'yarn.lock': '' };
  const dir = world.project(name, files);
  world.gitInit(dir, 'https://github.com/acme/app.git');
  const env = { YARN_GLOBAL_FOLDER: join(world.dir, 'elsewhere', name), YARN_ENABLE_IMMUTABLE_INSTALLS: '0' };
  await world.execAsync([...yarn4.argv, 'install'], { cwd: dir, env });
  for (const made of ['.pnp.cjs', '.yarn']) rmSync(join(dir, made), { recursive: true });
  return dir;
}

const options = ['-v', 'yarn'];
const install = [...yarn4.argv, 'install', '--immutable'];

function openYarnWorld(user?: (typeof worldUsers)[number]): World {
  const env = {
    YARN_NPM_REGISTRY_SERVER: registry.url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
    // The test's registry has no publication dates.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
  };
  return openWorld({ env, ...(user === undefined ? {} : { user }) });
}

requireCommands('bwrap')('yarn', () => {
  test.each(worldUsers)(
    'two runs at once each add packages, and a third one works offline from both, as %s',
    async (user) => {
      using world = openYarnWorld(user);
      const base = await clone(world, { name: 'base', packages: shared });
      const cold = await world.run(install, { cwd: base, options });
      expect(cold).toMatchObject({ code: 0 });
      expect(cold.volume('yarn')).toMatchObject({ path: join(world.home, '.yarn/berry'), hits: [], skipped: null });

      const jobs = [];
      for (const name of ['left', 'right'] as const) {
        const cwd = await clone(world, { name, packages: [...shared, ...own[name]] });
        jobs.push({ cwd, argv: install, options });
      }
      for (const run of await atOnce(world, jobs)) {
        expect(run).toMatchObject({ code: 0 });
        expect(run.volume('yarn')).toMatchObject({ hits: [{ layers: 1 }], removed: 0, conflicts: [], skipped: null });
      }

      const packages = [...shared, ...own.left, ...own.right];
      const union = await clone(world, { name: 'union', packages });
      registry.clearRequests();
      for (const turn of ['first', 'second']) {
        const check = `${packages.map(({ name }) => `require(${JSON.stringify(name)})`).join(';')};process.stdout.write('all there')`;
        const script = '"$@" && "$NODE" -r ./.pnp.cjs -e "$CHECK"';
        const env = { NODE: process.execPath, CHECK: check, YARN_ENABLE_NETWORK: '0' };
        const run = await world.run(['sh', '-ec', script, 'sh', ...install], { cwd: union, options, env });
        expect(run, turn).toMatchObject({ code: 0 });
        expect(run.stdout).toContain('all there');
        expect(run.volume('yarn'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
        for (const made of ['.pnp.cjs', '.yarn']) rmSync(join(union, made), { recursive: true });
      }
      expect(registry.requests).toEqual([]);
      expect(existsSync(join(world.home, '.yarn'))).toBe(false);
    },
  );

  test('with a cache folder of the user, which stays unchanged, copies its downloads into the volume', async () => {
    using world = openYarnWorld();
    const cwd = await clone(world, { name: 'app', packages: own.right });
    const mine = join(world.dir, 'mine');
    const env = { YARN_ENABLE_GLOBAL_CACHE: 'false', YARN_CACHE_FOLDER: mine };
    const archives = (): readonly string[] => readdirSync(mine).filter((name) => name.endsWith('.zip'));
    const cold = await world.run(install, { cwd, options, env });
    expect(cold).toMatchObject({ code: 0 });
    expect(archives()).toHaveLength(own.right.length);

    rmSync(mine, { recursive: true });
    registry.clearRequests();
    const warm = await world.run(install, { cwd, options, env: { ...env, YARN_ENABLE_NETWORK: '0' } });
    expect(warm).toMatchObject({ code: 0 });
    expect(archives()).toHaveLength(own.right.length);
    expect(warm.volume('yarn')).toMatchObject({ hits: [{ layers: 1 }], ...savedNothing });
    expect(registry.requests).toEqual([]);
  });
});
