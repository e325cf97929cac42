import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { startCrateRegistry, type CrateRegistry } from './crates.fixture.ts';

/** Opens a world that can run cargo. Under rustup the toolchain is in the tester's home, so only the tester's own user works. */
function openCargoWorld(): World {
  const path = (process.env['PATH'] ?? '').split(delimiter).find((dir) => existsSync(join(dir, 'cargo'))) ?? '';
  const world = openWorld({ env: { RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup') } });
  world.env['PATH'] = `${world.env['PATH']}${delimiter}${path}`;
  return world;
}

function useRegistry(world: World, { url }: CrateRegistry): void {
  const settings = ['[source.crates-io]', 'replace-with = "local"', '[source.local]', `registry = "sparse+${url}"`];
  world.write({ 'home/.cargo/config.toml': settings.join('\n') });
}

function crate(world: World, name: string, dependencies: readonly string[]): string {
  const manifest = [
    '[package]',
    'name = "app"',
    'version = "0.1.0"',
    'edition = "2021"',
    '[dependencies]',
    ...dependencies.map((dependency) => `${dependency} = "1"`),
  ];
  const calls = dependencies.map((dependency) => `println!("{}", ${dependency}::${dependency}());`);
  const dir = world.project(name, {
    'Cargo.toml': manifest.join('\n'),
    'src/main.rs': `fn main() { ${calls.join(' ')} }\n`,
  });
  world.gitInit(dir, 'https://github.com/acme/app.git');
  return dir;
}

requireCommands('bwrap', 'cargo')('crates', () => {
  const options = ['-v', 'cargo-registry'];

  test('two runs at once each download a crate, and a third one works offline from both', async () => {
    await using registry = await startCrateRegistry(['base', 'left', 'right']);
    using world = openCargoWorld();
    useRegistry(world, registry);
    const cold = await world.run(['cargo', 'fetch'], { cwd: crate(world, 'first', ['base']), options });
    expect(cold).toMatchObject({ code: 0 });
    expect(cold.volume('cargo-registry')).toMatchObject({
      path: join(world.home, '.cargo/registry'),
      hits: [],
      skipped: null,
    });

    const jobs = ['left', 'right'].map((name) => ({
      cwd: crate(world, name, ['base', name]),
      argv: ['cargo', 'fetch'],
      options,
    }));
    for (const run of await atOnce(world, jobs)) {
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('cargo-registry')).toMatchObject({
        hits: [{ layers: 1 }],
        removed: 0,
        conflicts: [],
        skipped: null,
      });
    }

    const union = crate(world, 'union', ['base', 'left', 'right']);
    registry.requests.splice(0);
    for (const turn of ['first', 'second']) {
      const run = await world.run(['cargo', 'fetch', '--offline'], { cwd: union, options });
      expect(run, turn).toMatchObject({ code: 0 });
      expect(run.volume('cargo-registry'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
      rmSync(join(union, 'Cargo.lock'));
    }
    expect(registry.requests).toEqual([]);
    expect(existsSync(join(world.home, '.cargo/registry'))).toBe(false);
  });

  test('asking the registry again changes nothing', async () => {
    await using registry = await startCrateRegistry(['base']);
    using world = openCargoWorld();
    useRegistry(world, registry);
    const cwd = crate(world, 'app', ['base']);
    await world.run(['cargo', 'fetch'], { cwd, options });
    registry.requests.splice(0);
    const run = await world.run(['cargo', 'update'], { cwd, options });
    expect(run).toMatchObject({ code: 0 });
    expect(registry.requests.some((request) => request.startsWith('304'))).toBe(true);
    expect(run.volume('cargo-registry')).toMatchObject(savedNothing);
  });
});

requireCommands(
  'bwrap',
  'cargo',
  'rustc',
)('the target directory of a crate', () => {
  test('is unchanged in the next run', async () => {
    using world = openCargoWorld();
    const cwd = crate(world, 'app', []);
    const options = ['-v', 'cargo-target'];
    const build = ['sh', '-ec', 'cargo build --offline -v 2>&1'];
    const cold = await world.run(build, { cwd, options });
    expect(cold).toMatchObject({ code: 0 });
    expect(cold.stdout).toContain('Compiling app');
    expect(cold.volume('cargo-target')).toMatchObject({ path: join(cwd, 'target'), hits: [], skipped: null });

    const warm = await world.run(build, { cwd, options });
    expect(warm.stdout).toContain('Fresh app');
    expect(warm.volume('cargo-target')).toMatchObject({ hits: [{ layers: 1 }], conflicts: [], skipped: null });

    const failed = await world.run(['sh', '-ec', 'echo > target/debug/broken; exit 1'], { cwd, options });
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.volume('cargo-target')).toMatchObject({ layer: null });
  });
});
