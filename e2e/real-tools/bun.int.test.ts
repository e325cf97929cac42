import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';
import { bun, type NpmTool } from './npm-tools.fixture.ts';

// bun with a cache volume. It copies from it, because a mount is another file system than the project.

const shared = somePackages('shared', 2);
const scoped = {
  name: '@scope/branch',
  version: '1.0.0',
  dependencies: { 'shared-0': '1.0.0' },
  files: { 'index.js': '@scope/branch' },
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
async function clone(world: World, { argv }: NpmTool, { name, packages }: Wanted): Promise<string> {
  const dependencies = Object.fromEntries(packages.map((wanted) => [wanted.name, '1.0.0']));
  const dir = world.project(name, { 'package.json': JSON.stringify({ name: 'app', version: '1.0.0', dependencies }) });
  world.gitInit(dir, 'https://github.com/acme/app.git');
  const env = { BUN_INSTALL_CACHE_DIR: join(world.dir, 'elsewhere', name) };
  await world.execAsync([...argv, 'install', '--lockfile-only'], { cwd: dir, env });
  return dir;
}

const options = ['-v', 'bun', '--mounter=overlay'];

const tried = bun().flatMap((tool) => worldUsers.map((user) => ({ ...tool, tool, user })));

requireCommands('bwrap')('bun', () => {
  describe.skipIf(tried.length === 0)('as published', () => {
    test.each(tried)(
      'two runs at once each add packages, and a third one works offline from both, as $user',
      async ({ tool, user }) => {
        using world = openWorld({ user, env: { BUN_CONFIG_REGISTRY: registry.url, CI: 'true' } });
        const install = [...tool.argv, 'install', '--frozen-lockfile'];
        const base = await clone(world, tool, { name: 'base', packages: shared });
        const cold = await world.run(install, { cwd: base, options });
        expect(cold).toMatchObject({ code: 0 });
        expect(cold.volume('bun')).toMatchObject({
          path: join(world.home, '.bun/install/cache'),
          hits: [],
          skipped: null,
        });

        const jobs = [];
        for (const name of ['left', 'right'] as const) {
          const cwd = await clone(world, tool, { name, packages: [...shared, ...own[name]] });
          jobs.push({ cwd, argv: install, options });
        }
        for (const run of await atOnce(world, jobs)) {
          expect(run).toMatchObject({ code: 0 });
          expect(run.volume('bun')).toMatchObject({ hits: [{ layers: 1 }], removed: 0, conflicts: [], skipped: null });
        }

        const packages = [...shared, ...own.left, ...own.right];
        const union = await clone(world, tool, { name: 'union', packages });
        registry.clearRequests();
        for (const turn of ['first', 'second']) {
          const run = await world.run(install, { cwd: union, options });
          expect(run, turn).toMatchObject({ code: 0 });
          for (const { name } of packages) {
            expect(readFileSync(join(union, 'node_modules', name, 'index.js'), 'utf8')).toContain(name);
          }
          expect(run.volume('bun'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
          rmSync(join(union, 'node_modules'), { recursive: true });
        }
        expect(registry.requests).toEqual([]);
        expect(existsSync(join(world.home, '.bun'))).toBe(false);
      },
    );
  });
});
