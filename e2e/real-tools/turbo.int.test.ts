import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { turbo } from './npm-tools.fixture.ts';

const names = ['base', 'left', 'right'] as const;
const options = ['-v', 'turbo'];

/** Creates a repository with three packages that can be built. */
function monorepo(world: World, name: string): string {
  const build = 'mkdir -p dist && echo built > dist/out.txt';
  const packages = names.map((part) => [
    `packages/${part}/package.json`,
    JSON.stringify({ name: part, version: '1.0.0', scripts: { build } }),
  ]);
  const locked = names.map((part) => [`packages/${part}`, { version: '1.0.0' }]);
  const root = { name: 'mono', private: true, workspaces: ['packages/*'], packageManager: 'npm@11.0.0' };
  const dir = world.project(name, {
    'package.json': JSON.stringify(root),
    'package-lock.json': JSON.stringify({
      name: 'mono',
      lockfileVersion: 3,
      packages: { '': root, ...Object.fromEntries(locked) },
    }),
    'turbo.json': JSON.stringify({ tasks: { build: { outputs: ['dist/**'] } } }),
    '.gitignore': 'dist\n.turbo\n',
    ...Object.fromEntries(packages),
  });
  world.gitInit(dir, 'https://github.com/acme/mono.git');
  return dir;
}

const tried = turbo().flatMap(({ argv }) => worldUsers.map((user) => ({ argv, user })));

requireCommands(
  'bwrap',
  'git',
  'npm',
)('turbo', () => {
  describe.skipIf(tried.length === 0)('as published', () => {
    test.each(tried)('two runs at once each do a task, and neither is repeated, as $user', async ({ argv, user }) => {
      using world = openWorld({ user, env: { TURBO_TELEMETRY_DISABLED: '1' } });
      const build = (...parts: readonly string[]): readonly string[] => [
        ...argv,
        'run',
        'build',
        '--no-daemon',
        ...parts.map((part) => `--filter=${part}`),
      ];
      const base = monorepo(world, 'base');
      const cold = await world.run(build('base'), { cwd: base, options });
      expect(cold.stdout).toMatch(/0 cached, 1 total/);
      expect(cold.volume('turbo')).toMatchObject({ path: join(base, '.turbo/cache'), hits: [], skipped: null });

      const jobs = (['left', 'right'] as const).map((part) => ({
        cwd: monorepo(world, part),
        argv: build('base', part),
        options,
      }));
      for (const run of await atOnce(world, jobs)) {
        expect(run.stdout).toMatch(/1 cached, 2 total/);
        expect(run.volume('turbo')).toMatchObject({
          hits: [{ layers: 1 }],
          changed: 0,
          removed: 0,
          conflicts: [],
          skipped: null,
        });
      }

      const union = monorepo(world, 'union');
      for (const turn of ['first', 'second']) {
        const run = await world.run(build(), { cwd: union, options });
        expect(run.stdout, turn).toMatch(/3 cached, 3 total/);
        expect(run.volume('turbo'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
        for (const part of names) {
          expect(existsSync(join(union, 'packages', part, 'dist/out.txt'))).toBe(true);
          rmSync(join(union, 'packages', part, 'dist'), { recursive: true });
        }
      }
    });
  });
});
