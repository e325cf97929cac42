import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World, type WorldUser } from '../cli.fixture.ts';
import { npmProject, somePackages, versionsOf, type NpmProject } from './npm-project.fixture.ts';
import { treeOf } from './tree.fixture.ts';

// npm with a cache volume: warm from the cache alone, and the host's own ~/.npm is not involved.

const leaves = somePackages('leaf', 3);
const packages = [
  ...leaves,
  { name: '@scope/branch', version: '2.0.0', dependencies: versionsOf(leaves) },
  { name: 'tree', version: '1.0.0', dependencies: { '@scope/branch': '2.0.0' } },
];
const app: NpmProject = { name: 'app', dependencies: { tree: '1.0.0' } };

let registry: LocalRegistry;
beforeAll(async () => {
  // With a max age of 0, npm revalidates everything.
  registry = await startLocalRegistry(packages, { maxAgeSeconds: 0 });
});
afterAll(async () => registry[Symbol.asyncDispose]());
beforeEach(() => registry.clearRequests());

function openNpmWorld(user?: WorldUser): World {
  return openWorld({ env: { npm_config_registry: registry.url }, ...(user === undefined ? {} : { user }) });
}

async function install(world: World, project: string, ...args: readonly string[]): Promise<FinishedRun> {
  rmSync(join(project, 'node_modules'), { recursive: true, force: true });
  return await world.run(['npm', 'ci', ...args], { cwd: project });
}

function expectInstalled(project: string): void {
  for (const { name, version } of packages) {
    expect(JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'))).toMatchObject({
      name,
      version,
    });
  }
}

const nothing = {
  added: 0,
  changed: 0,
  removed: 0,
  savedBytes: 0,
  layer: null,
  merged: 0,
  conflicts: [],
  skipped: null,
};

requireCommands('bwrap', 'npm')('npm', () => {
  const kinds = worldUsers.flatMap((user) => [
    { user, addresses: true, lockfile: 'a lockfile with addresses' },
    { user, addresses: false, lockfile: 'a lockfile without addresses' },
  ]);

  describe.each(kinds)('as $user, by $lockfile', ({ user, addresses }) => {
    let world: World;
    let project: string;
    let cold: FinishedRun;
    beforeAll(async () => {
      world = openNpmWorld(user);
      project = await npmProject(world, registry, { ...app, addresses });
      cold = await install(world, project);
    });
    afterAll(() => world[Symbol.dispose]());

    test('the first install fills the cache', () => {
      expect(cold).toMatchObject({ code: 0 });
      expect(cold.volume('npm')).toMatchObject({ mounter: 'overlay', hits: [], changed: 0, removed: 0, skipped: null });
      // Content and an index line for each tarball.
      expect(cold.volume('npm').added).toBeGreaterThanOrEqual(2 * packages.length);
    });

    test('the second install works offline, from the cache alone, and changes nothing', async () => {
      const warm = await install(world, project, '--offline');
      expect(warm).toMatchObject({ code: 0 });
      expectInstalled(project);
      expect(registry.requests).toEqual([]);
      expect(existsSync(join(world.home, '.npm'))).toBe(false);
      expect(warm.volume('npm')).toMatchObject({ hits: [{ lane: 't1:local', layers: 1 }], ...nothing });
      expect(await world.json(['log', '-C', project, 'npm'])).toHaveLength(1);
    });

    test('the third install revalidates online, and changes nothing either', async () => {
      const warm = await install(world, project, '--prefer-online');
      expect(warm).toMatchObject({ code: 0 });
      expectInstalled(project);
      if (!addresses) expect(registry.requests.length).toBeGreaterThanOrEqual(packages.length);
      expect(registry.requests.filter(({ status }) => status !== 304)).toEqual([]);
      expect(warm.volume('npm')).toMatchObject({ hits: [{ lane: 't1:local', layers: 1 }], ...nothing });
      expect(await world.json(['log', '-C', project, 'npm'])).toHaveLength(1);
    });
  });

  test('a warm install saves only what it adds', async () => {
    using world = openNpmWorld();
    await install(world, await npmProject(world, registry, app));
    const more = { name: 'app', dependencies: { ...app.dependencies, one: '1.0.0' } };
    registry.publish({ name: 'one', version: '1.0.0' });
    const run = await install(world, await npmProject(world, registry, more), '--prefer-offline');
    expect(run.code).toBe(0);
    const layer = await world.json(['inspect', String(run.volume('npm').layer)]);
    const { entries } = layer as { readonly entries: readonly { readonly path: string; readonly type: string }[] };
    const files = entries.filter(({ type }) => type === 'file').map(({ path }) => path.split('/', 2).join('/'));
    // The tarball, and the index bucket that names it.
    expect(files.toSorted()).toEqual(['_cacache/content-v2', '_cacache/index-v5']);
  });
});

requireCommands('bwrap', 'npm')("the host's own ~/.npm", () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('is neither seen nor changed', async () => {
      using world = openNpmWorld(user);
      const project = await npmProject(world, registry, app);
      world.write({ 'home/.npm/marker': 'm', 'home/.npm/_cacache/marker': 'm', 'home/.npm/_logs/marker': 'm' });
      const before = treeOf(world.home);
      const script = 'npm ci && find ~/.npm -name marker && echo changed > ~/.npm/marker && rm -r ~/.npm/_cacache';
      const run = await world.run(['sh', '-ec', script], { cwd: project });
      expect(run.code).toBe(0);
      expect(run.stdout).not.toContain('marker');
      expect(treeOf(world.home)).toEqual(before);
    });

    test('that is missing exists during the run only', async () => {
      using world = openNpmWorld(user);
      const script = 'mkdir ~/.npm/sub && ls -A ~/.npm';
      const run = await world.run(['sh', '-ec', script], { options: ['-v', 'npm'] });
      expect(run).toMatchObject({ code: 0, stdout: 'sub\n' });
      expect(treeOf(world.home)).toEqual([]);
    });

    test.each([
      ['first', 0],
      ['last', 1],
    ])(
      'that is missing is gone after two overlapping runs, when the run that began %s ends first',
      async (_, first) => {
        using world = openNpmWorld(user);
        const mine = join(world.home, '.npm');
        const script = 'echo ready; read line; ls -A ~/.npm; echo "$1" > ~/.npm/"$1"';
        const runs = [];
        for (const name of ['a', 'b']) {
          const run = world.startRun(['sh', '-ec', script, 'sh', name], { options: ['-v', 'npm'], input: null });
          await run.said('ready');
          runs.push(run);
        }
        const order = first === 0 ? runs : runs.toReversed();
        for (const [ended, run] of order.entries()) {
          expect(existsSync(mine)).toBe(true);
          run.child.stdin?.end('go\n');
          expect(await run.finished).toMatchObject({ code: 0, stdout: 'ready\n' });
          expect(existsSync(mine)).toBe(ended === 0);
        }
        expect((await world.run(['ls', mine], { options: ['-v', 'npm'] })).stdout).toBe('a\nb\n');
      },
    );

    test('that another program fills during a run stays', async () => {
      using world = openNpmWorld(user);
      const run = world.startRun(['sh', '-ec', 'echo ready; read line; ls -A ~/.npm'], {
        options: ['-v', 'npm'],
        input: null,
      });
      await run.said('ready');
      world.write({ 'home/.npm/theirs': 'x' });
      run.child.stdin?.end('go\n');
      expect(await run.finished).toMatchObject({ code: 0, stdout: 'ready\n' });
      expect(readFileSync(join(world.home, '.npm/theirs'), 'utf8')).toBe('x');
    });
  });

  test('does not help an install: packages that only the host has are missing', async () => {
    using world = openNpmWorld();
    const project = await npmProject(world, registry, app);
    await world.execAsync(['npm', 'ci'], { cwd: project });
    // The host's npm has all the packages, and the next run must not use them.
    await world.execAsync(['npm', 'ci', '--offline'], { cwd: project });
    const before = treeOf(join(world.home, '.npm'));
    const cold = await install(world, project, '--offline');
    expect(cold.code).not.toBe(0);
    expect(cold.stderr).toContain('ENOTCACHED');
    expect(await install(world, project)).toMatchObject({ code: 0 });
    expect(treeOf(join(world.home, '.npm'))).toEqual(before);
  });

  test('is never read and may be unreadable', async () => {
    using world = openNpmWorld('ordinary user');
    const project = await npmProject(world, registry, app);
    world.write({ 'home/.npm/_cacache/poison': 'x' });
    const closed = [
      join(world.home, '.npm/_cacache/poison'),
      join(world.home, '.npm/_cacache'),
      join(world.home, '.npm'),
    ];
    for (const path of closed) chmodSync(path, 0);
    expect(await install(world, project)).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
    expect((await world.run(['ls', '-A', join(world.home, '.npm')], { cwd: project })).stdout).toContain('_cacache');
    for (const path of closed.toReversed()) chmodSync(path, 0o700);
  });

  test('does not affect the settings beside it', async () => {
    using world = openWorld({ env: { npm_config_registry: '' } });
    const project = await npmProject(world, registry, app);
    writeFileSync(join(world.home, '.npmrc'), `registry=${registry.url}\n`);
    const lockfile = join(project, 'package-lock.json');
    writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replaceAll(/"resolved":"[^"]*",/g, ''));
    expect(await install(world, project)).toMatchObject({ code: 0 });
    expect(registry.requests.length).toBeGreaterThan(0);
  });
});
