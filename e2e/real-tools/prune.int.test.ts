import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type Finished, type World } from '../cli.fixture.ts';
import { npmProject, somePackages, versionsOf } from './npm-project.fixture.ts';
import { pnpm10, pnpm11, type NpmTool } from './npm-tools.fixture.ts';

// Tools free space with their own commands. Files that they delete are gone from the lane.

interface Pruned {
  readonly removed: number;
  readonly changed: number;
  readonly layer: string | null;
}

async function prune(world: World, cwd: string, volume: string): Promise<Pruned> {
  return (await world.json(['prune', volume], { cwd })) as Pruned;
}

/** Returns the paths that a run here finds in the volume. */
async function found(world: World, cwd: string, volume: string): Promise<readonly string[]> {
  const script = 'cd "$1" && find . -type f';
  const { path } = (await world.json(['explain', '--verbose', volume], { cwd })) as { readonly path: string };
  const options = ['-v', volume, '--mode=read', '--mounter=overlay'];
  const { stdout } = await world.run(['sh', '-ec', script, 'sh', path], { cwd, options });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Returns the contents in npm's cache. */
async function contents(world: World, cwd: string): Promise<readonly string[]> {
  return (await found(world, cwd, 'npm')).filter((path) => path.includes('/content-v2/'));
}

async function offline(world: World, cwd: string, ...argv: readonly string[]): Promise<Finished> {
  return await world.run([...argv, '--offline'], { cwd, options: ['--mode=read'] });
}

requireCommands('bwrap', 'npm')('npm', () => {
  let registry: LocalRegistry;
  beforeEach(async () => {
    registry = await startLocalRegistry([{ name: 'left', version: '1.0.0' }], { maxAgeSeconds: 0 });
    return async () => await registry[Symbol.asyncDispose]();
  });

  const view = ['npm', 'view', 'left', 'version', '--prefer-online'];

  /** Creates a cache with a manifest that no index line names, because a newer one replaced it. */
  async function outdated(world: World): Promise<string> {
    const cwd = await npmProject(world, registry, { name: 'app', dependencies: { left: '1.0.0' }, addresses: false });
    expect(await world.run(view, { cwd })).toMatchObject({ code: 0, stdout: '1.0.0\n' });
    registry.publish({ name: 'left', version: '2.0.0' });
    expect(await world.run(view, { cwd })).toMatchObject({ code: 0, stdout: '2.0.0\n' });
    expect(await contents(world, cwd)).toHaveLength(2);
    return cwd;
  }

  test.each(worldUsers)('removes contents that no index line names, and keeps the rest, as %s', async (user) => {
    using world = openWorld({ user, env: { npm_config_registry: registry.url } });
    const cwd = await outdated(world);
    // An ordinary run cannot remove it, because other runs may need it.
    await world.run(['npm', 'cache', 'verify'], { cwd });
    expect(await contents(world, cwd)).toHaveLength(2);

    expect(await prune(world, cwd, 'npm')).toMatchObject({ removed: 1 });
    expect(await contents(world, cwd)).toHaveLength(1);
    expect(await offline(world, cwd, 'npm', 'view', 'left', 'version')).toMatchObject({ code: 0, stdout: '2.0.0\n' });
    expect(await prune(world, cwd, 'npm')).toMatchObject({ removed: 0 });
    expect(existsSync(join(world.home, '.npm'))).toBe(false);
  });

  test('takes nothing from running commands', async () => {
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const cwd = await outdated(world);
    registry.publish({ name: 'right', version: '1.0.0' });
    const go = join(world.dir, 'go');
    const script = `echo started; while ! test -e "${go}"; do sleep 0.05; done; npm cache add right@1.0.0`;
    const running = world.startRun(['sh', '-ec', script], { cwd });
    await running.said('started');
    const before = await contents(world, cwd);
    expect(await prune(world, cwd, 'npm')).toMatchObject({ removed: 1 });
    const kept = await contents(world, cwd);
    writeFileSync(go, '');
    expect((await running.finished).volume('npm')).toMatchObject({ conflicts: [], skipped: null });

    expect(await offline(world, cwd, 'npm', 'cache', 'add', 'right@1.0.0')).toMatchObject({ code: 0 });
    expect(await offline(world, cwd, 'npm', 'view', 'left', 'version')).toMatchObject({ stdout: '2.0.0\n' });
    const after = await contents(world, cwd);
    expect(after).toEqual(expect.arrayContaining([...kept]));
    expect(after).not.toEqual(expect.arrayContaining(before.filter((path) => !kept.includes(path))));
  });

  test('prints the command with --dry-run and runs nothing; it refuses a lane of others', async () => {
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const cwd = await outdated(world);
    const dry = await world.cachelane(['prune', 'npm', '--dry-run'], { cwd });
    expect(dry.stdout).toMatch(
      /^would run npm cache verify with \S+:npm in lane t1:local \(2 layers, .*\) at \S+\/\.npm: /,
    );
    expect(await world.json(['prune', 'npm', '--dry-run'], { cwd })).toMatchObject({
      dryRun: true,
      lane: 't1:local',
      command: ['npm', 'cache', 'verify'],
    });
    expect(await contents(world, cwd)).toHaveLength(2);

    const fork = {
      CI: 'true',
      GITLAB_CI: 'true',
      CI_DEFAULT_BRANCH: 'main',
      CI_PIPELINE_SOURCE: 'merge_request_event',
      CI_MERGE_REQUEST_IID: '12',
      CI_MERGE_REQUEST_PROJECT_ID: '7',
      CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666',
    };
    const refused = await world.cachelane(['prune', 'npm'], { cwd, env: fork });
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('may not be written here');
  });

  test('refuses the lane of a pull request whose base has contents, also in a dry run', async () => {
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const cwd = await npmProject(world, registry, { name: 'app', dependencies: { left: '1.0.0' }, addresses: false });
    const gitlab = { CI: 'true', GITLAB_CI: 'true', CI_DEFAULT_BRANCH: 'main', CI_PROJECT_ID: '7' };
    const main = { ...gitlab, CI_COMMIT_BRANCH: 'main', CI_COMMIT_REF_NAME: 'main', CI_PIPELINE_SOURCE: 'push' };
    const mergeRequest = {
      ...gitlab,
      CI_PIPELINE_SOURCE: 'merge_request_event',
      CI_MERGE_REQUEST_IID: '12',
      CI_MERGE_REQUEST_PROJECT_ID: '7',
      CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '7',
      CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
    };
    await world.run(view, { cwd, env: main });
    registry.publish({ name: 'left', version: '2.0.0' });
    await world.run(view, { cwd, env: mergeRequest });
    for (const more of [[], ['--dry-run']]) {
      const refused = await world.cachelane(['prune', 'npm', ...more], { cwd, env: mergeRequest });
      expect([refused.code, refused.stdout]).toEqual([2, '']);
      expect(refused.stderr).toMatch(/npm in lane t1:\S+ cannot be pruned: the lane also reads t1:ref:main/);
    }
  });
});

describe('a volume without a prune command', () => {
  test('fails with another way to free its space', async () => {
    using world = openWorld();
    const cwd = world.project('app', { 'go.mod': 'module example.test/app\n' });
    const refused = await world.cachelane(['prune', 'go-build'], { cwd });
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('go clean -cache removes everything');
    expect(refused.stderr).toMatch(/cachelane rm .*cachelane gc/);
    const empty = await world.cachelane(['prune', 'npm'], { cwd });
    expect([empty.code, empty.stdout]).toEqual([1, '']);
    expect(empty.stderr).toContain('is empty in lane t1:local');
  });
});

requireCommands('bwrap')('pnpm', () => {
  const packages = somePackages('left', 2);
  let registry: LocalRegistry;
  beforeAll(async () => {
    registry = await startLocalRegistry(packages, { maxAgeSeconds: 0 });
  });
  afterAll(async () => registry[Symbol.asyncDispose]());

  // The reason for pnpm's declaration. If this test fails, pnpm can be pruned.
  test.each([pnpm10, pnpm11])('$name would remove everything that came from layers', async (pnpm: NpmTool) => {
    using world = openWorld({
      env: { npm_config_registry: registry.url, pnpm_config_registry: registry.url, CI: 'true' },
    });
    const asked = pnpm === pnpm10 ? { packageManager: `pnpm@${pnpm.version}` } : {};
    const manifest = { name: 'app', version: '1.0.0', ...asked, dependencies: versionsOf(packages) };
    const cwd = world.project('app', { 'package.json': JSON.stringify(manifest) });
    const options = ['-v', 'pnpm'];
    expect(await world.run([...pnpm.argv, 'install'], { cwd, options })).toMatchObject({ code: 0 });
    // The project links to every file of the shared directory. After it is restored, it has no links.
    rmSync(join(world.store, 'kept'), { recursive: true });
    const pruned = await world.run([...pnpm.argv, 'store', 'prune'], { cwd, options });
    expect(pruned.stdout + pruned.stderr).toMatch(/Removed 4 files.*Removed 2 packages/s);

    // The run could not remove the files, and the command refuses.
    rmSync(join(cwd, 'node_modules'), { recursive: true });
    const offline = await world.run([...pnpm.argv, 'install', '--frozen-lockfile', '--offline'], { cwd, options });
    expect(offline).toMatchObject({ code: 0 });
    const refused = await world.cachelane(['prune', 'pnpm'], { cwd });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('hard-link');
  });
});

requireCommands(
  'bwrap',
  'ccache',
  'gcc',
)('ccache', () => {
  test('removes the oldest results, down to the user’s limit', async () => {
    using world = openWorld();
    // Sources of 40 kB that do not compress.
    const sources = ['a', 'b', 'c', 'd'].map((name) => {
      const numbers = Array.from({ length: 1250 }, (_, index) => `0x${hash('sha256', name + index).slice(0, 8)}`);
      return [`${name}.c`, `unsigned ${name}[] = { ${[...numbers, ...numbers.toReversed()].join(', ')} };\n`];
    });
    const cwd = world.project('app', Object.fromEntries(sources) as Readonly<Record<string, string>>);
    const options = ['-v', 'ccache'];
    const compile = 'for unit in a b c d; do ccache gcc -c $unit.c -o "$TMPDIR/$unit.o"; done';
    expect(await world.run(['sh', '-ec', compile], { cwd, options })).toMatchObject({ code: 0 });
    const before = await found(world, cwd, 'ccache');

    // The default limit is 5 GiB, so nothing is removed.
    expect(await prune(world, cwd, 'ccache')).toMatchObject({ removed: 0 });
    world.env['CCACHE_MAXSIZE'] = '25k';
    const { removed } = await prune(world, cwd, 'ccache');
    expect(removed).toBeGreaterThan(0);
    const after = await found(world, cwd, 'ccache');
    expect(after.length).toBe(before.length - removed);
    expect(before).toEqual(expect.arrayContaining([...after]));
    expect(readdirSync(world.home)).toEqual([]);
  });
});

/** Creates a package without files and returns its entry in the package list. */
function makePackage(dir: string, name: string): string {
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: test\n`;
  mkdirSync(join(dir, name, 'DEBIAN'), { recursive: true });
  writeFileSync(join(dir, name, 'DEBIAN/control'), control);
  const file = `${name}_1.0_all.deb`;
  const argv = ['--root-owner-group', '--build', join(dir, name), join(dir, file)];
  execFileSync('/usr/bin/dpkg-deb', argv, { stdio: 'ignore' });
  const content = readFileSync(join(dir, file));
  return `${control}Filename: ./${file}\nSize: ${content.length}\nSHA256: ${hash('sha256', content, 'hex')}\n`;
}

// Downloads belong to root.
describe.skipIf(!worldUsers.includes('root'))('as root', () => {
  requireCommands(
    'bwrap',
    'apt-get',
    'dpkg-deb',
  )('apt', () => {
    test('removes packages that are no longer in its lists', async () => {
      using world = openWorld({ user: 'root' });
      const repository = join(world.dir, 'repository');
      const [left = '', right = ''] = ['cachelane-left', 'cachelane-right'].map((name) =>
        makePackage(repository, name),
      );
      writeFileSync(join(repository, 'Packages'), `${left}\n${right}`);
      const own = join(world.dir, 'apt');
      // Its own lists and settings, without the machine's lock.
      const settings = { 'Dir::Etc': `${own}/etc`, 'Dir::State::lists': `${own}/lists`, 'APT::Sandbox::User': 'root' };
      const more = { 'Dir::Cache::pkgcache': '', 'Dir::Cache::srcpkgcache': '', 'Debug::NoLocking': 'true' };
      const lines = Object.entries({ ...settings, ...more }).map(([name, value]) => `${name} "${value}";\n`);
      world.write({
        'apt/apt.conf': lines.join(''),
        'apt/etc/sources.list': `deb [trusted=yes] copy:${repository} ./\n`,
        'apt/lists/partial/.keep': '',
      });
      world.env['APT_CONFIG'] = join(own, 'apt.conf');
      world.exec(['apt-get', 'update']);
      const cwd = world.project('app');
      const download = ['apt-get', '--yes', 'install', '--download-only', 'cachelane-left', 'cachelane-right'];
      expect(await world.run(download, { cwd, options: ['-v', 'apt'] })).toMatchObject({ code: 0 });

      expect(await prune(world, cwd, 'apt')).toMatchObject({ removed: 0 });
      writeFileSync(join(repository, 'Packages'), right);
      world.exec(['apt-get', 'update']);
      expect(await prune(world, cwd, 'apt')).toMatchObject({ removed: 1 });
      expect(await found(world, cwd, 'apt')).toEqual(['./cachelane-right_1.0_all.deb']);
    });
  });
});
