import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';
import { savedNothing } from './at-once.fixture.ts';
import { somePackages, versionsOf } from './npm-project.fixture.ts';
import { pnpm10, pnpm11, pnpm12, type NpmTool } from './npm-tools.fixture.ts';

// A cache from one version of a tool must not break another version.

const packages = somePackages('left', 2);
let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry(packages, { maxAgeSeconds: 0 });
});
afterAll(async () => registry[Symbol.asyncDispose]());

const options = ['-v', 'pnpm', '--mounter=overlay'];

/** Installs from scratch with this version. */
async function install(world: World, pnpm: NpmTool, ...more: readonly string[]): ReturnType<World['run']> {
  const asked = pnpm === pnpm10 ? { packageManager: `pnpm@${pnpm.version}` } : {};
  const manifest = { name: 'app', version: '1.0.0', ...asked, dependencies: versionsOf(packages) };
  const cwd = world.project('app', { 'package.json': JSON.stringify(manifest) });
  rmSync(join(cwd, 'node_modules'), { recursive: true, force: true });
  const run = await world.run([...pnpm.argv, 'install', '--no-frozen-lockfile', ...more], { cwd, options });
  if (run.code === 0) for (const { name } of packages) expect(existsSync(join(cwd, 'node_modules', name))).toBe(true);
  return run;
}

requireCommands('bwrap')('pnpm', () => {
  const newer = [pnpm11, ...pnpm12()];
  const pairs = newer.flatMap((pnpm) => [
    { first: pnpm10, second: pnpm },
    { first: pnpm, second: pnpm10 },
  ]);
  test.each(pairs)(
    '$first.name and $second.name have separate directories in one volume',
    async ({ first, second }) => {
      using world = openWorld({
        env: { npm_config_registry: registry.url, pnpm_config_registry: registry.url, CI: 'true' },
      });
      expect(await install(world, first)).toMatchObject({ code: 0 });
      // It does not know the other format's directory, and neither reads nor changes it.
      const other = await install(world, second);
      expect(other).toMatchObject({ code: 0 });
      expect(other.volume('pnpm')).toMatchObject({ hits: [{ layers: 1 }], changed: 0, conflicts: [] });
      expect(other.volume('pnpm').added).toBeGreaterThan(0);
      for (const pnpm of [first, second]) {
        const again = await install(world, pnpm, '--offline');
        expect(again).toMatchObject({ code: 0 });
        expect(again.volume('pnpm')).toMatchObject({ hits: [{ layers: 2 }], ...savedNothing });
      }
    },
  );
});

/** Installs a program that prints a version and writes it to its cache. */
function putUv(world: World, version: string): void {
  world.write({
    'bin/uv': `#!/bin/sh
if test "$1" = --version; then echo "uv ${version}"; exit; fi
cat "$UV_CACHE_DIR"/wheels-v6/* 2>/dev/null
mkdir -p "$UV_CACHE_DIR/wheels-v6" && echo "of ${version}" > "$UV_CACHE_DIR/wheels-v6/${version}.http"
`,
  });
  world.exec(['chmod', '755', join(world.dir, 'bin/uv')]);
}

describe('uv, where a newer version can write a cache that an older one fails on', () => {
  requireCommands('bwrap')('in one project', () => {
    test('each version has its own volume, and explain says why', async () => {
      using world = openWorld();
      world.env['PATH'] = `${join(world.dir, 'bin')}:${world.env['PATH']}`;
      world.env['UV_CACHE_DIR'] = join(world.home, '.cache/uv');
      const cwd = world.project('app', { 'uv.lock': '' });
      for (const [version, finds] of [
        ['0.12.0', ''],
        ['0.11.0', ''],
        ['0.12.0', 'of 0.12.0\n'],
        ['0.11.0', 'of 0.11.0\n'],
      ] as const) {
        putUv(world, version);
        const run = await world.run(['uv', 'sync'], { cwd, options: ['--mounter=overlay'] });
        expect(run, version).toMatchObject({ code: 0, stdout: finds });
        expect(run.volume('uv')).toMatchObject({ skipped: null });
        const { stdout } = await world.cachelane(['explain', '--verbose', 'uv'], { cwd });
        expect(stdout).toMatch(new RegExp(`^compat: .*\\buv=${version}$`, 'm'));
        expect(stdout).toMatch(/^versions: .*so compat includes the version of uv$/m);
      }
    });
  });
});
