import { existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { savedNothing } from './at-once.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';
import { moduleProxy } from './module-proxy.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';
import { pnpm10, pnpm11, pnpm12 } from './npm-tools.fixture.ts';

// A reattached volume is complete for the tool: times, modes and links are right, and no work is repeated.

function crate(name: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const files = {
    'Cargo.toml': `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`,
    'src/lib.rs': `pub fn name() -> &'static str { "${name}" }\n`,
    ...more,
  };
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${name}/${path}`, text]));
}

/** A library, a library with a build script, and a program that needs both. */
const workspace: Readonly<Record<string, string>> = {
  'Cargo.toml': '[workspace]\nmembers = ["plain", "made", "app"]\nresolver = "2"\n',
  ...crate('plain'),
  ...crate('made', {
    'build.rs': `fn main() {
      let dir = std::env::var("OUT_DIR").unwrap();
      std::fs::write(format!("{dir}/made.rs"), "pub const MADE: u32 = 7;").unwrap();
      println!("cargo:rerun-if-changed=build.rs");
    }\n`,
    'src/lib.rs': 'include!(concat!(env!("OUT_DIR"), "/made.rs"));\n',
  }),
  ...crate('app', {
    'Cargo.toml':
      '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nplain = { path = "../plain" }\nmade = { path = "../made" }\n',
    'src/main.rs': 'fn main() { println!("{} {}", plain::name(), made::MADE); }\n',
  }),
};

function openCargoWorld(): World {
  const path = (process.env['PATH'] ?? '').split(delimiter).find((dir) => existsSync(join(dir, 'cargo'))) ?? '';
  const world = openWorld({ env: { RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup') } });
  world.env['PATH'] = `${world.env['PATH']}${delimiter}${path}`;
  return world;
}

function linesWith(word: string, text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^ *${word} (\\S+)`, 'gm'))].map(([, crateName]) => crateName ?? '').toSorted();
}

describe.each(['overlay', 'clone', 'live'])('attached by %s', (mounter) => {
  const from = `--mounter=${mounter}`;

  requireCommands(
    'bwrap',
    'cargo',
    'rustc',
  )('cargo', () => {
    test('finds every crate fresh and the program in its place', async () => {
      using world = openCargoWorld();
      const cwd = world.project('work', workspace);
      const options = ['-v', 'cargo-target', from];
      const build = ['sh', '-ec', 'cargo build --offline -v 2>&1; target/debug/app'];
      const cold = await world.run(build, { cwd, options });
      expect(cold).toMatchObject({ code: 0 });
      expect(linesWith('Compiling', cold.stdout)).toEqual(['app', 'made', 'plain']);
      for (const turn of ['second', 'third']) {
        const warm = await world.run(build, { cwd, options });
        expect(linesWith('Fresh', warm.stdout), turn).toEqual(['app', 'made', 'plain']);
        expect(warm.stdout).not.toMatch(/Compiling|Dirty|Running/);
        expect(warm.stdout).toMatch(/^plain 7$/m);
        expect(warm.volume('cargo-target')).toMatchObject({ hits: [{ layers: 1 }], ...savedNothing });
      }
    });
  });

  requireCommands(
    'bwrap',
    'flock',
    'git',
    'go',
  )('Go', () => {
    test('compiles nothing, repeats no test, and finds read-only modules', async () => {
      using world = openWorld();
      const proxy = moduleProxy(world, [
        { path: 'example.com/dep', version: 'v1.0.0', files: { 'dep.go': 'package dep\n\nconst Name = "dep"\n' } },
      ]);
      const project = goProject(world, 'app', {
        ...goModule('app', ['lib']),
        'app.go':
          'package app\n\nimport (\n\t"example.com/app/lib"\n\t"example.com/dep"\n)\n\nvar Name = lib.Name() + dep.Name\n',
        'app_test.go': 'package app\n\nimport "testing"\n\nfunc TestName(t *testing.T) {}\n',
      });
      await seedGoBuild(world, project);
      const options = ['-v', 'go-build', '-v', 'go-mod', from];
      const script = `go mod tidy 2>/dev/null; go test -x -vet=off ./... 2>&1; stat -c 'mode %a' "$(go env GOMODCACHE)"/example.com/dep@v1.0.0`;
      const run = async (env: Readonly<Record<string, string>>): Promise<FinishedRun> =>
        await world.run(['sh', '-c', script], { cwd: project, options, env });
      const cold = await run({ GOPROXY: proxy });
      expect(cold).toMatchObject({ code: 0 });
      expect(compiled(cold.stdout)).toContain('example.com/dep');
      world.exec(['find', project, '-exec', 'touch', '-d', '1 hour ago', '{}', '+']);
      // Go adds its findings about files that were too new before.
      await run({ GOPROXY: 'off' });
      const warm = await run({ GOPROXY: 'off' });
      expect(compiled(warm.stdout)).toEqual([]);
      expect(warm.stdout).toMatch(/^ok\s+example.com\/app\s+\(cached\)/m);
      expect(warm.stdout).toMatch(/^mode 555$/m);
      for (const name of ['go-build', 'go-mod']) expect(warm.volume(name)).toMatchObject({ ...savedNothing });
    });
  });

  requireCommands(
    'bwrap',
    'ccache',
    'gcc',
  )('ccache', () => {
    test('counts direct hits only', async () => {
      using world = openWorld();
      const names = ['one', 'two', 'three'];
      const cwd = world.project(
        'app',
        Object.fromEntries(
          names.map((name) => [`${name}.c`, `#include <stddef.h>\nsize_t ${name}(void) { return 0; }\n`]),
        ),
      );
      world.exec(['sh', '-c', 'touch -d "1 hour ago" -- *'], { cwd });
      const lines = names.map((name) => `ccache gcc -c ${name}.c -o "$TMPDIR/${name}.o"`);
      // Counters are not stored, but remain in a directory that runs share.
      const build = ['sh', '-ec', ['ccache -z >&2', ...lines, 'ccache --print-stats'].join('\n')];
      const options = ['-v', 'ccache', from];
      const counted = async (): Promise<readonly (string | undefined)[]> => {
        const { stdout } = await world.run(build, { cwd, options });
        return ['direct_cache_hit', 'preprocessed_cache_hit', 'cache_miss'].map(
          (name) => new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(stdout)?.[1],
        );
      };
      expect(await counted()).toEqual(['0', '0', '3']);
      expect(await counted()).toEqual(['3', '0', '0']);
    });
  });

  requireCommands('bwrap')('pnpm', () => {
    // The overlay mounter covers the store format of each version. One version is enough for the other mounters.
    const versions = mounter === 'overlay' ? [pnpm10, pnpm11, ...pnpm12()] : [pnpm11];
    test.each(versions)('$name downloads nothing', async (pnpm) => {
      const packages = somePackages('part', 4);
      await using registry = await startLocalRegistry(packages);
      using world = openWorld({
        env: { npm_config_registry: registry.url, pnpm_config_registry: registry.url, CI: 'true' },
      });
      const dependencies = Object.fromEntries(packages.map(({ name }) => [name, '1.0.0']));
      const asked = pnpm === pnpm10 ? { packageManager: `pnpm@${pnpm.version}` } : {};
      const cwd = world.project('app', {
        'package.json': JSON.stringify({ name: 'app', version: '1.0.0', ...asked, dependencies }),
      });
      const options = ['-v', 'pnpm', from];
      expect(await world.run([...pnpm.argv, 'install'], { cwd, options })).toMatchObject({ code: 0 });
      rmSync(join(cwd, 'node_modules'), { recursive: true });
      registry.clearRequests();
      const warm = await world.run([...pnpm.argv, 'install', '--offline', '--frozen-lockfile'], { cwd, options });
      expect(warm).toMatchObject({ code: 0 });
      expect(warm.volume('pnpm')).toMatchObject({ hits: [{ layers: 1 }], ...savedNothing });
      expect(registry.requests).toEqual([]);
      for (const { name } of packages) {
        expect(readFileSync(join(cwd, 'node_modules', name, 'index.js'), 'utf8')).toContain(name);
      }
    });
  });
});
