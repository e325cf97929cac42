import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { nx } from './npm-tools.fixture.ts';

const names = ['base', 'left', 'right'] as const;
const options = ['-v', 'nx'];

/** Creates a clone of a repository with three packages that can be built. */
function monorepo(world: World, name: string, modules: string): string {
  const packages = names.map((part) => [
    `packages/${part}/package.json`,
    JSON.stringify({
      name: part,
      version: '1.0.0',
      scripts: { build: `mkdir -p dist && echo ${part} > dist/out.txt` },
    }),
  ]);
  const target = { cache: true, outputs: ['{projectRoot}/dist'], inputs: ['{projectRoot}/**/*'] };
  const dir = world.project(name, {
    'package.json': JSON.stringify({ name: 'mono', private: true, workspaces: ['packages/*'] }),
    'nx.json': JSON.stringify({ targetDefaults: { build: target }, analytics: false }),
    '.gitignore': 'node_modules\ndist\n.nx\n',
    ...Object.fromEntries(packages),
  });
  world.gitInit(dir, 'https://github.com/acme/mono.git');
  world.exec(['ln', '-s', modules, join(dir, 'node_modules')]);
  return dir;
}

function build(argv: readonly string[], ...parts: readonly string[]): readonly string[] {
  return [...argv, 'run-many', '-t', 'build', '-p', ...parts];
}

const tried = nx().flatMap((tool) => worldUsers.map((user) => ({ ...tool, user })));

requireCommands('bwrap', 'git')('nx', () => {
  describe.skipIf(tried.length === 0)('as published', () => {
    test.each(tried)(
      'two runs at once each do a task, and no clone repeats either, as $user',
      async ({ argv, modules, user }) => {
        using world = openWorld({
          user,
          env: { NX_NO_CLOUD: 'true', CI: 'true' },
        });
        // Otherwise nx keeps them in its own directory in /tmp.
        for (const name of ['NX_NATIVE_FILE_CACHE_DIRECTORY', 'NX_SOCKET_DIR'])
          world.env[name] = join(world.dir, 'tmp/nx');
        world.env['NX_COMPILE_CACHE'] = 'false';
        const base = monorepo(world, 'base', modules);
        const cold = await world.run(build(argv, 'base'), { cwd: base, options });
        expect(cold.stdout).toMatch(/0\/1 hit/);
        expect(cold.volume('nx')).toMatchObject({ path: join(base, '.nx/cache'), hits: [], skipped: null });

        const jobs = (['left', 'right'] as const).map((part) => ({
          cwd: monorepo(world, part, modules),
          argv: build(argv, 'base', part),
          options,
        }));
        for (const end of await atOnce(world, jobs)) {
          expect(end.stdout).toMatch(/1\/2 hit/);
          expect(end.volume('nx')).toMatchObject({
            hits: [{ layers: 1 }],
            removed: 0,
            conflicts: [],
            skipped: null,
          });
        }

        const union = monorepo(world, 'union', modules);
        for (const turn of ['first', 'second']) {
          const end = await world.run(build(argv, ...names), { cwd: union, options });
          expect(end.stdout, turn).toMatch(/3\/3 hit/);
          expect(end.stdout).not.toContain('unrecognized artifacts');
          expect(end.volume('nx'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
          for (const part of names) {
            expect(existsSync(join(union, 'packages', part, 'dist/out.txt'))).toBe(true);
            rmSync(join(union, 'packages', part, 'dist'), { recursive: true });
          }
        }
      },
    );
  });
});
