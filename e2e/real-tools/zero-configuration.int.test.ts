import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { tools } from '@cachelane/tools';
import { describe, expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';

// `cachelane run -- COMMAND` without any options: its volumes, their paths, and the reasons.

interface Found {
  readonly lockfile: string;
  readonly text?: string;
  /** Files beside it. */
  readonly files?: Readonly<Record<string, string>>;
  /** Volume names and their paths: `~` is the home directory, `.` the project. */
  readonly volumes: Readonly<Record<string, string>>;
}

const go = { 'go-build': '~/.cache/go-build', 'go-mod': '~/go/pkg/mod' };
const cargo = { 'cargo-registry': '~/.cargo/registry' };
const gradle = { gradle: '~/.gradle/caches' };
const bazel = { bazel: '~/.cache/bazel-disk' };
const bazelrc = { '.bazelrc': 'build --disk_cache=~/.cache/bazel-disk\n' };

const found: readonly Found[] = [
  { lockfile: 'package-lock.json', volumes: { npm: '~/.npm' } },
  { lockfile: 'npm-shrinkwrap.json', volumes: { npm: '~/.npm' } },
  { lockfile: 'go.mod', volumes: go },
  { lockfile: 'go.work', volumes: go },
  { lockfile: 'pnpm-lock.yaml', volumes: { pnpm: '~/.local/share/pnpm/store' } },
  { lockfile: 'bun.lock', volumes: { bun: '~/.bun/install/cache' } },
  { lockfile: 'bun.lockb', volumes: { bun: '~/.bun/install/cache' } },
  { lockfile: 'yarn.lock', text: '__metadata:\n  version: 8\n', volumes: { yarn: '~/.yarn/berry' } },
  { lockfile: 'requirements.txt', volumes: { pip: '~/.cache/pip' } },
  { lockfile: 'Pipfile.lock', volumes: { pip: '~/.cache/pip' } },
  { lockfile: 'uv.lock', volumes: { uv: '~/.cache/uv' } },
  { lockfile: 'Cargo.toml', volumes: cargo },
  { lockfile: 'Cargo.lock', volumes: cargo },
  { lockfile: 'pom.xml', volumes: { maven: '~/.m2/repository' } },
  { lockfile: 'build.gradle', volumes: gradle },
  { lockfile: 'build.gradle.kts', volumes: gradle },
  { lockfile: 'settings.gradle', volumes: gradle },
  { lockfile: 'settings.gradle.kts', volumes: gradle },
  { lockfile: 'MODULE.bazel', files: bazelrc, volumes: bazel },
  { lockfile: 'WORKSPACE', files: bazelrc, volumes: bazel },
  { lockfile: 'WORKSPACE.bazel', files: bazelrc, volumes: bazel },
  { lockfile: 'turbo.json', text: '{}', volumes: { turbo: './.turbo/cache' } },
  { lockfile: 'turbo.jsonc', text: '{}', volumes: { turbo: './.turbo/cache' } },
  { lockfile: 'nx.json', text: '{}', volumes: { nx: './.nx/cache' } },
];

function placed(world: World, project: string, volumes: Found['volumes']): readonly (readonly [string, string])[] {
  const real = (path: string): string => path.replace(/^~/, world.home).replace(/^\./, project);
  return Object.entries(volumes).map(([name, path]) => [name, real(path)]);
}

/** Runs `true`. Returns the names and paths of its volumes. */
async function attached(world: World, cwd: string): Promise<readonly (readonly [string, string])[]> {
  const run = await world.run(['true'], { cwd, options: ['--strict'] });
  expect(run).toMatchObject({ code: 0 });
  expect(run.report.volumes.map(({ skipped }) => skipped)).not.toContainEqual(expect.any(String));
  return run.report.volumes.map(({ name, path }) => [name, path]);
}

requireCommands('bwrap', 'git')('a project', () => {
  test('can have every lockfile that a tool declares in this table', () => {
    const declared = tools.flatMap(({ lockfiles }) => lockfiles);
    expect(found.map(({ lockfile }) => lockfile).toSorted()).toEqual([...new Set(declared)].toSorted());
  });

  test.each(found)('with $lockfile gets the volumes it needs', async ({ lockfile, text = '', files = {}, volumes }) => {
    using world = openWorld();
    const project = world.project('app', { [lockfile]: text, ...files });
    expect(await attached(world, project)).toEqual(placed(world, project, volumes));
    // Nothing exists where the tool itself would look.
    for (const [, path] of placed(world, project, volumes)) expect(existsSync(path)).toBe(false);
  });

  test('with several parts gets the volumes of all parts: each part’s own, and those of its parents', async () => {
    using world = openWorld();
    const root = world.project('mono', {
      'package-lock.json': '{}',
      'packages/a/go.mod': 'module example.com/a\n',
      'services/b/Cargo.toml': '[package]\nname = "b"\n',
      'services/c/api/pom.xml': '<project/>',
      'tools/d/requirements.txt': '',
      'node_modules/left/yarn.lock': '__metadata:\n',
      'packages/a/testdata/x/build.gradle': '',
    });
    world.gitInit(root, 'https://github.com/acme/mono.git');
    const npm = { npm: '~/.npm' };
    const all = { ...npm, ...go, pip: '~/.cache/pip', ...cargo, maven: '~/.m2/repository' };
    expect(await attached(world, root)).toEqual(placed(world, root, all));
    expect(await attached(world, join(root, 'packages/a'))).toEqual(placed(world, root, { ...npm, ...go }));
    expect(await attached(world, join(root, 'services/b'))).toEqual(placed(world, root, { ...npm, ...cargo }));
    expect(await attached(world, join(root, 'services/c'))).toEqual(
      placed(world, root, { ...npm, maven: '~/.m2/repository' }),
    );
    const { chosenBy } = (await world.json(['explain', '--verbose', 'maven'], { cwd: root })) as {
      readonly chosenBy: string;
    };
    expect(chosenBy).toBe('services/c/api/pom.xml');
  });

  test('with yarn 1 gets a message that its cache is not supported', async () => {
    using world = openWorld();
    const text = '# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\nleft@^1:\n';
    const cwd = world.project('app', { 'yarn.lock': text });
    const why = 'this yarn.lock is of yarn 1; only the cache of yarn 2 and later is supported';
    const run = await world.run(['true'], { cwd });
    expect(run).toMatchObject({ code: 0, report: { volumes: [] } });
    expect(run.stderr).toContain(`${why}: the command runs without a cache; name a volume with -v`);
    for (const argv of [
      ['run', '--strict', '-v', 'yarn', '--', 'true'],
      ['explain', '--verbose', 'yarn'],
    ]) {
      const said = await world.cachelane(argv, { cwd });
      expect(said.code).not.toBe(0);
      expect(said.stderr).toContain(`yarn has no path: ${why}`);
    }
    const named = await world.run(['true'], { cwd, options: ['--strict', '-v', 'yarn1:~/.cache/yarn'] });
    expect(named.volume('yarn1')).toMatchObject({ path: join(world.home, '.cache/yarn'), skipped: null });
  });
});

interface Setting {
  readonly volume: string;
  readonly says: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files below the world's directory. */
  readonly files?: Readonly<Record<string, string>>;
  readonly path: string;
  readonly why: string;
}

/** Replaces `@` in a text by the world's directory. */
function at(world: World, text: string): string {
  return text.replaceAll('@', world.dir);
}

const settings: readonly Setting[] = [
  { volume: 'npm', says: 'npm_config_cache', path: '@/c', why: 'npm_config_cache in the environment' },
  { volume: 'npm', says: 'NPM_CONFIG_CACHE', path: '@/c', why: 'npm_config_cache in the environment' },
  {
    volume: 'npm',
    says: '~/.npmrc',
    files: { 'home/.npmrc': 'cache=@/c\n' },
    path: '@/c',
    why: 'cache in @/home/.npmrc',
  },
  { volume: 'go-build', says: 'GOCACHE', path: '@/c', why: 'GOCACHE in the environment' },
  { volume: 'go-mod', says: 'GOMODCACHE', path: '@/c', why: 'GOMODCACHE in the environment' },
  { volume: 'go-mod', says: 'GOPATH', path: '@/c/pkg/mod', why: 'GOPATH in the environment' },
  { volume: 'pnpm', says: 'PNPM_HOME', path: '@/c/store', why: 'PNPM_HOME in the environment' },
  { volume: 'pnpm', says: 'pnpm_config_store_dir', path: '@/c', why: 'pnpm_config_store_dir in the environment' },
  { volume: 'bun', says: 'BUN_INSTALL_CACHE_DIR', path: '@/c', why: 'BUN_INSTALL_CACHE_DIR in the environment' },
  { volume: 'yarn', says: 'YARN_GLOBAL_FOLDER', path: '@/c', why: 'YARN_GLOBAL_FOLDER in the environment' },
  { volume: 'pip', says: 'PIP_CACHE_DIR', path: '@/c', why: 'PIP_CACHE_DIR in the environment' },
  {
    volume: 'pip',
    says: 'pip.conf',
    files: { 'home/.config/pip/pip.conf': '[global]\ncache-dir = @/c\n' },
    path: '@/c',
    why: 'cache-dir in @/home/.config/pip/pip.conf',
  },
  { volume: 'uv', says: 'UV_CACHE_DIR', path: '@/c', why: 'UV_CACHE_DIR in the environment' },
  { volume: 'cargo-registry', says: 'CARGO_HOME', path: '@/c/registry', why: 'CARGO_HOME in the environment' },
  { volume: 'cargo-target', says: 'CARGO_TARGET_DIR', path: '@/c', why: 'CARGO_TARGET_DIR in the environment' },
  { volume: 'ccache', says: 'CCACHE_DIR', path: '@/c', why: 'CCACHE_DIR in the environment' },
  {
    volume: 'ccache',
    says: 'ccache.conf',
    files: { 'home/.config/ccache/ccache.conf': 'cache_dir = @/c\n' },
    path: '@/c',
    why: 'cache_dir in @/home/.config/ccache/ccache.conf',
  },
  { volume: 'sccache', says: 'SCCACHE_DIR', path: '@/c', why: 'SCCACHE_DIR in the environment' },
  {
    volume: 'maven',
    says: 'settings.xml',
    files: { 'home/.m2/settings.xml': '<settings><localRepository>@/c</localRepository></settings>' },
    path: '@/c',
    why: 'localRepository in @/home/.m2/settings.xml',
  },
  {
    volume: 'maven',
    says: 'MAVEN_OPTS',
    env: { MAVEN_OPTS: '-Dmaven.repo.local=@/c' },
    path: '@/c',
    why: 'MAVEN_OPTS in the environment',
  },
  { volume: 'gradle', says: 'GRADLE_USER_HOME', path: '@/c/caches', why: 'GRADLE_USER_HOME in the environment' },
  { volume: 'turbo', says: 'TURBO_CACHE_DIR', path: '@/c', why: 'TURBO_CACHE_DIR in the environment' },
  { volume: 'nx', says: 'NX_CACHE_DIRECTORY', path: '@/c', why: 'NX_CACHE_DIRECTORY in the environment' },
  { volume: 'npm', says: 'nothing', path: '@/home/.npm', why: "npm's default" },
];

requireCommands('bwrap')('the user’s own settings for a path', () => {
  describe.each(settings)('$volume: $says', ({ volume, says, env, files = {}, path, why }) => {
    test('apply, and explain shows them', async () => {
      using world = openWorld();
      const isVariable = env === undefined && /^\w+$/.test(says) && says !== 'nothing';
      const variables = env ?? (isVariable ? { [says]: '@/c' } : {});
      for (const [name, value] of Object.entries(variables)) world.env[name] = at(world, value);
      world.write(Object.fromEntries(Object.entries(files).map(([file, text]) => [file, at(world, text)])));
      const cwd = world.project('app', { 'package.json': '{}' });
      const expected = { path: at(world, path), pathSource: at(world, why) };
      expect(await world.json(['explain', '--verbose', volume], { cwd })).toMatchObject(expected);
      const { stdout } = await world.cachelane(['explain', '--verbose', volume], { cwd });
      expect(stdout).toContain(`${expected.path} (${expected.pathSource})`);
      const run = await world.run(['true'], { cwd, options: ['--strict', '-v', volume] });
      expect(run.volume(volume)).toMatchObject({ path: expected.path, skipped: null });
    });
  });
});
