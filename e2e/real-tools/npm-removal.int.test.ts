import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';
import { npmProject } from './npm-project.fixture.ts';
import { takeOut } from './store.fixture.ts';

// P5 with npm: two runs append to one bucket of its index, and one of the runs is removed.

requireCommands('bwrap', 'npm')('two runs appended to one bucket', () => {
  let registry: LocalRegistry;
  let world: World;
  let project: string;

  beforeEach(async () => {
    // With a max age of 0, each run asks the registry.
    registry = await startLocalRegistry([{ name: 'left', version: '1.0.0' }], { maxAgeSeconds: 0 });
    world = openWorld({ env: { npm_config_registry: registry.url } });
    project = await npmProject(world, registry, { name: 'app', dependencies: { left: '1.0.0' }, addresses: false });
    registry.clearRequests();
  });
  afterEach(async () => {
    world[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
  });

  /** Runs npm with the volume. Returns the run's id. */
  async function npm(...args: readonly string[]): Promise<string> {
    const run = await world.run(['npm', ...args], { cwd: project });
    expect(run.stderr).not.toContain('npm error');
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume('npm').layer).not.toBeNull();
    const [newest] = (await world.json(['log', '-C', project, 'npm'])) as readonly { readonly run: string }[];
    return newest?.run ?? '';
  }

  async function offline(...args: readonly string[]): Promise<Finished> {
    return await world.run(['npm', ...args, '--offline'], { cwd: project, options: ['--mode=read'] });
  }

  async function remove(run: string, { left = 1 } = {}): Promise<void> {
    const { namespace } = (await world.json(['context', '-C', project])) as { readonly namespace: string };
    expect(await takeOut(world, { namespace, volume: 'npm', run })).toMatchObject({ layers: { length: left } });
  }

  /** Returns the lines of the bucket with npm's manifests of `left`, without the parts that vary. */
  async function bucket(): Promise<readonly string[]> {
    const script = 'cd ~/.npm/_cacache/index-v5; cat $(grep -rl "/left\\",")';
    const { stdout } = await world.run(['sh', '-ec', script], { cwd: project, options: ['--mode=read'] });
    return stdout.split('\n').filter((line) => line !== '');
  }

  const view = ['view', 'left', 'version', '--prefer-online'] as const;

  test('for two answers of the registry to one URL', async () => {
    const r = await npm(...view);
    const [ofR] = await bucket();
    await npm('ci', '--prefer-online');
    expect(await bucket()).toEqual([ofR, expect.stringContaining('"application/vnd.npm.install-v1+json')]);

    await remove(r);
    expect(await bucket()).toEqual([expect.stringContaining('"application/vnd.npm.install-v1+json')]);
    expect(await offline('ci')).toMatchObject({ code: 0 });
    const gone = await offline('view', 'left', 'version');
    expect(gone.stderr).toContain('ENOTCACHED');
    expect(gone.code).not.toBe(0);
  });

  test.each(['first', 'second'])('for two states of one package, and the %s is removed', async (which) => {
    const r = await npm(...view);
    const [ofR] = await bucket();
    registry.publish({ name: 'left', version: '2.0.0' });
    const s = await npm(...view);
    const [ofS] = await bucket();
    expect(ofS).not.toBe(ofR);
    expect(await offline('view', 'left', 'version')).toMatchObject({ stdout: '2.0.0\n' });

    await remove(which === 'first' ? r : s);
    expect(await bucket()).toEqual([which === 'first' ? ofS : ofR]);
    const left = which === 'first' ? '2.0.0\n' : '1.0.0\n';
    expect(await offline('view', 'left', 'version')).toMatchObject({ code: 0, stdout: left });
    const verified = await world.run(['npm', 'cache', 'verify'], { cwd: project, options: ['--mode=read'] });
    expect(verified.stdout).toContain('Index entries: 1\n');
    expect(verified.stdout).not.toContain('Missing content');
  });

  test('whose lines name one content: it is removed with its run, and so are all lines that name it', async () => {
    const tarball = `${registry.url}left/-/left-1.0.0.tgz`;
    const r = await npm('cache', 'add', tarball);
    // The same content at another URL: only the line is new.
    await npm('cache', 'add', `${tarball}?again`);
    expect((await offline('cache', 'ls')).stdout.trim().split('\n')).toHaveLength(2);

    // The other layer is empty now, too.
    await remove(r, { left: 0 });
    expect((await offline('cache', 'ls')).stdout).toBe('');
    await npm('cache', 'add', `${tarball}?again`);
    expect(await offline('cache', 'add', `${tarball}?again`)).toMatchObject({ code: 0 });
  });
});
