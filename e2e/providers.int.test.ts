import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { requireCommands, startDockerRegistry, tarArchive } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from './cli.fixture.ts';
import { configure, hostCache, pipelineIn } from './provided-volumes.fixture.ts';
import { buildSdk, openSdkWorld, type BuiltSdk } from './sdk/sdk-world.fixture.ts';
import { allowSudo } from './sudo-rule.fixture.ts';

// The place where the code runs chooses the provider. The code does not change.

let sdk: BuiltSdk;
beforeAll(() => {
  sdk = buildSdk();
});
afterAll(() => sdk[Symbol.dispose]());

requireCommands('bwrap')('one pipeline, independent of where it runs', () => {
  test('without settings: the project has its own volume', async () => {
    await using on = openSdkWorld(sdk);
    const pipeline = pipelineIn(on);
    expect(await pipeline.pass('a')).toMatchObject({ program: '', step: 'a.p' });
    expect(await pipeline.pass('b')).toMatchObject({ program: 'a.p a.s', step: 'a.p a.s b.p' });
    expect(await pipelineIn(on, 'api').pass('c')).toMatchObject({ program: '', step: 'c.p' });
    expect(hostCache(on)).toBe('');
  });

  test('dir: the command works in that directory, and nothing is stored', async () => {
    await using on = openSdkWorld(sdk);
    mkdirSync(join(on.world.dir, 'shared'));
    configure(on, `providers: { pip: 'dir:${on.world.dir}/shared' }\n`);
    expect(await pipelineIn(on).pass('a')).toMatchObject({ program: '', step: 'a.p' });
    const again = await pipelineIn(on, 'api').pass('b');
    expect(again).toMatchObject({ program: 'a.p a.s', step: 'a.p a.s b.p' });
    expect(again.said).toContain(
      `pip uses directory ${on.world.dir}/shared, which cachelane does not save (provider dir:`,
    );
    expect(again.said).toContain('.config/cachelane/config.yaml:1)');
    expect(readdirSync(join(on.world.dir, 'shared')).toSorted()).toEqual(['a.p', 'a.s', 'b.p', 'b.s']);
    expect(await on.world.json(['ls', '--json'])).toEqual([]);
    expect(hostCache(on)).toBe('');
  });

  test('none: it starts empty and keeps nothing', async () => {
    await using on = openSdkWorld(sdk);
    on.world.env['CACHELANE_PROVIDERS'] = 'npm=host:, pip=none:';
    const pipeline = pipelineIn(on);
    for (const name of ['a', 'b']) expect(await pipeline.pass(name)).toMatchObject({ program: '', step: '' });
    expect(await on.world.json(['ls', '--json'])).toEqual([]);
    expect(hostCache(on)).toBe('');
    expect(readdirSync(join(on.world.store, 'kept')).filter((name) => name !== 'sessions')).toEqual([]);
  });

  test('host: it starts with a copy of the machine’s cache, which stays unchanged', async () => {
    await using on = openSdkWorld(sdk);
    on.world.write({ 'home/.cache/pip/wheel': 'from the host' });
    configure(on, "providers: { pip: 'host:' }\n");
    const pipeline = pipelineIn(on);
    expect(await pipeline.pass('a')).toMatchObject({ program: 'wheel', step: 'a.p wheel' });
    expect(await pipeline.pass('b')).toMatchObject({ program: 'a.p a.s wheel', step: 'a.p a.s b.p wheel' });
    expect(hostCache(on)).toBe('wheel');
    configure(on, '');
    expect((await pipeline.pass('c')).program).toBe('a.p a.s b.p b.s');
  });

  test('host: an empty cache of the machine is fine', async () => {
    await using on = openSdkWorld(sdk);
    configure(on, "providers: { pip: 'host:' }\n");
    expect(await pipelineIn(on).pass('a')).toMatchObject({ program: '', step: 'a.p' });
  });

  test('project: two projects share one volume', async () => {
    await using on = openSdkWorld(sdk);
    configure(on, "providers: { pip: 'project:github.com/acme/shared:pip-cache' }\n");
    expect(await pipelineIn(on).pass('a')).toMatchObject({ program: '', step: 'a.p' });
    expect(await pipelineIn(on, 'api').pass('b')).toMatchObject({ program: 'a.p a.s', step: 'a.p a.s b.p' });
    expect(await on.world.json(['ls', '--json'])).toMatchObject([
      { namespace: 'github.com/acme/shared', volume: 'pip-cache' },
    ]);
  });

  test('catalog: all projects of an organisation that offers pip-cache share one volume', async () => {
    await using on = openSdkWorld(sdk);
    const organisation = on.world.project('catalog', {
      'cachelane.catalog.yaml':
        'volumes:\n  pip-cache: { tool: pip, tier: catalog, docs: Wheels for all projects. }\n  own-cache: { tool: pip, tier: project, docs: Wheels of one project. }\n',
    });
    const published = await on.world.cachelane(['catalog', 'publish', '-n', 'github.com/acme'], { cwd: organisation });
    expect(published).toMatchObject({ code: 0 });
    configure(on, "catalogs: { my-org: github.com/acme }\nproviders: { pip: 'catalog:my-org/pip-cache' }\n");
    expect(await pipelineIn(on).pass('a')).toMatchObject({ program: '', step: 'a.p' });
    const { said, ...found } = await pipelineIn(on, 'api').pass('b');
    expect(found).toEqual({ program: 'a.p a.s', step: 'a.p a.s b.p' });
    expect(said).toContain('(volume github.com/acme:pip-cache, provider catalog:github.com/acme/pip-cache, ');
    expect(await on.world.json(['ls', '--json'])).toMatchObject([
      { namespace: 'github.com/acme', volume: 'pip-cache' },
    ]);
    expect(await on.world.json(['catalog', 'consumers', 'github.com/acme', '--json'])).toMatchObject([
      { definition: 'pip-cache', namespace: 'github.com/acme/api' },
      { definition: 'pip-cache', namespace: 'github.com/acme/web' },
    ]);
    // The definition names this volume, and each project has its own.
    on.world.env['CACHELANE_PROVIDERS'] = 'pip=catalog:github.com/acme/own-cache';
    expect(await pipelineIn(on).pass('c')).toMatchObject({ program: '', step: 'c.p' });
    expect(await pipelineIn(on, 'api').pass('d')).toMatchObject({ program: '', step: 'd.p' });
    on.world.env['CACHELANE_PROVIDERS'] = 'pip=catalog:github.com/acme/gone';
    const gone = await on.world.run(['true'], { cwd: on.acme('web'), options: ['-v', 'pip'] });
    expect(gone.stderr).toMatch(/warning: pip by catalog:github.com\/acme\/gone .*it has: own-cache, pip-cache/);
  });

  test('catalog: a repository file can name what its organisation offers, and needs a grant for other organisations', async () => {
    await using on = openSdkWorld(sdk);
    const file = 'volumes:\n  pip-cache: { tool: pip, tier: catalog, docs: Wheels. }\n';
    const catalog = on.world.project('catalog', { 'cachelane.catalog.yaml': file });
    for (const namespace of ['github.com/acme', 'github.com/other']) {
      expect(await on.world.cachelane(['catalog', 'publish', '-n', namespace], { cwd: catalog })).toMatchObject({
        code: 0,
      });
    }
    const runWith = async (provider: string, more = '') => {
      const cwd = on.acme('web', {
        'cachelane.yaml': `${more}volumes: { pip: { provider: 'catalog:${provider}' } }\n`,
      });
      return await on.world.cachelane(['run', '--strict', '--', 'true'], { cwd });
    };
    expect(await runWith('github.com/acme/pip-cache')).toMatchObject({ code: 0 });
    const refused = {
      code: 125,
      stderr: expect.stringContaining('no grant to read github.com/other:pip-cache') as string,
    };
    expect(await runWith('github.com/other/pip-cache')).toMatchObject(refused);
    // An alias from the repository has only the repository's trust, also when the user refers to it.
    const alias = 'catalogs: { my-org: github.com/other }\n';
    expect(await runWith('my-org/pip-cache', alias)).toMatchObject(refused);
    on.world.env['CACHELANE_PROVIDERS'] = 'pip=catalog:my-org/pip-cache';
    expect(await runWith('github.com/acme/pip-cache', alias)).toMatchObject(refused);
    on.world.env['CACHELANE_PROVIDERS'] = 'pip=catalog:github.com/other/pip-cache';
    expect(await runWith('github.com/acme/pip-cache', alias)).toMatchObject({ code: 0 });
  });

  test('catalog: a locked volume works in a store that never saw the catalog, as in CI', async () => {
    await using on = openSdkWorld(sdk);
    const offered = 'volumes:\n  pip-cache: { tool: pip, key: wheels }\n';
    const catalog = on.world.project('catalog', { 'cachelane.catalog.yaml': offered });
    const project = {
      'cachelane.yaml':
        "catalogs: { my-org: github.com/acme }\nvolumes: { pip: { provider: 'catalog:my-org/pip-cache' } }\n",
    };
    const cwd = on.acme('web', project);
    const strictly = async (): Promise<{ readonly code: number | null; readonly stderr: string }> =>
      await on.world.cachelane(['run', '--strict', '--', 'sh', '-c', 'echo a > ~/.cache/pip/a'], { cwd });
    const nothing = await strictly();
    expect([nothing.code, nothing.stderr]).toEqual([
      125,
      expect.stringContaining('there is no catalog of github.com/acme'),
    ]);
    expect(nothing.stderr).toContain('cachelane add github.com/acme');
    const here = on.world.env['CACHELANE_HOME'] ?? '';
    for (const argv of [
      ['catalog', 'publish', '-n', 'github.com/acme', '-C', catalog],
      ['add', 'github.com/acme'],
    ])
      expect(await on.world.cachelane(argv, { cwd })).toMatchObject({ code: 0 });
    on.world.env['CACHELANE_HOME'] = `${here}-of-ci`;
    const first = await strictly();
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).not.toContain('warning');
    expect(await on.world.json(['ls', '--json'])).toMatchObject([
      { namespace: 'github.com/acme/web', volume: 'wheels' },
    ]);
    const { definition } = (await on.world.json(['explain', '--verbose', 'pip', '--json'], { cwd })) as {
      readonly definition: unknown;
    };
    expect(definition).toEqual({
      name: 'pip-cache',
      namespace: 'github.com/acme',
      version: 1,
      isLocked: true,
      isInStore: false,
    });
  });

  test('a user’s module adds a provider kind', async () => {
    await using on = openSdkWorld(sdk);
    on.world.write({
      'team/wheel': '',
      'home/.config/cachelane/team.mjs': `export default { kind: 'team', provide: async ({ argument }) => ({ kind: 'seed', directory: '${on.world.dir}/' + argument }) };`,
    });
    configure(on, "providers: { pip: 'team:team' }\nprovider-modules: [./team.mjs]\n");
    const { program, step, said } = await pipelineIn(on).pass('a');
    expect({ program, step }).toEqual({ program: 'wheel', step: 'a.p wheel' });
    expect(said).toContain('above what is in team:team, provider team:team, ');
  });
});

requireCommands('bwrap', 'docker-registry')('the same pipeline', () => {
  test('oci: it starts with the contents of an image', async () => {
    await using on = openSdkWorld(sdk);
    await using registry = await startDockerRegistry();
    const low = tarArchive([
      { name: 'old', content: 'old' },
      { name: 'wheel', content: 'low' },
    ]);
    const high = gzipSync(tarArchive([{ name: 'wheel', content: 'high' }, { name: '.wh.old' }]));
    await registry.push({ repository: 'team/pip', tag: '1', layers: [low, high] });
    configure(on, `providers: { pip: 'oci:${registry.host}/team/pip:1' }\n`);
    const pipeline = pipelineIn(on);
    const told = await on.world.json(['explain', '--verbose', 'pip'], { cwd: pipeline.directory });
    expect(JSON.stringify(told)).toContain(`above what is in oci:${registry.host}/team/pip:1`);
    expect(existsSync(join(on.world.store, 'images'))).toBe(false);
    const { said, ...found } = await pipeline.pass('a');
    expect(found).toEqual({ program: 'wheel', step: 'a.p wheel' });
    expect(said).toContain(`above what is in oci:${registry.host}/team/pip:1, `);
    const read = await on.world.run(['sh', '-c', 'cat ~/.cache/pip/wheel'], {
      cwd: pipeline.directory,
      options: ['-v', 'pip'],
    });
    expect(read.stdout).toBe('high');
    const images = join(on.world.store, 'images');
    const [kept = ''] = readdirSync(images).filter((name) => name.startsWith('sha256-'));
    mkdirSync(join(images, 'new-half/tree'), { recursive: true });
    expect((await on.world.cachelane(['du'])).stdout).toMatch(/^images of registries: .* of that/m);
    expect(await on.world.json(['gc', '--dry-run'])).toMatchObject({ images: [] });
    const longAgo = Date.now() / 1000 - 31 * 86_400;
    for (const name of readdirSync(images)) utimesSync(join(images, name), longAgo, longAgo);
    const there = readdirSync(images).map((name) => `images/${name}`);
    expect(there).toEqual(expect.arrayContaining([`images/${kept}`, 'images/new-half']));
    expect(await on.world.json(['gc', '--dry-run'])).toMatchObject({ images: there });
    expect((await on.world.cachelane(['gc'])).stdout).toMatch(/^removed .*2 images of registries$/m);
    expect(readdirSync(images)).toEqual([]);
    await registry.push({ repository: 'team/bad', tag: '1', layers: [tarArchive([{ name: '../out', content: '' }])] });
    configure(on, `providers: { pip: 'oci:${registry.host}/team/bad:1' }\n`);
    const bad = await on.world.run(['true'], { cwd: pipeline.directory, options: ['-v', 'pip'] });
    expect(bad.stderr).toMatch(/warning: pip by oci:.*leads out of its directory/);
    expect(existsSync(join(on.world.store, 'out'))).toBe(false);
  });
});

interface Way {
  readonly name: string;
  readonly world: () => World;
}

allowSudo();

const ways: readonly Way[] = [
  ...worldUsers.map((user) => ({ name: `mounts by bubblewrap, as ${user}`, world: () => openWorld({ user }) })),
  ...(process.getuid?.() === 0
    ? [{ name: 'mounts by sudo', world: () => openWorld({ user: 'ordinary user', env: { CACHELANE_SUDO: '1' } }) }]
    : []),
];

requireCommands(
  'bwrap',
  'sudo',
  'unshare',
  'setpriv',
  'perl',
)('providers dir and none', () => {
  describe.each(ways)('$name', (way) => {
    test('mount at the tool’s path, beside a stored volume', async () => {
      using world = way.world();
      world.write({ 'shared/x': 'x', 'home/.cache/pip/host': '' });
      const options = ['-v', 'pip', '-v', 'npm', '-v', 'data:data'];
      const providers = ['--provider', `pip=dir:${world.dir}/shared`, '--provider', 'npm=none:'];
      const script = 'echo $(ls ~/.cache/pip), $(ls ~/.npm), $(ls data); touch ~/.cache/pip/a ~/.npm/b data/c';
      const first = await world.run(['sh', '-euc', script], { options: [...options, ...providers] });
      expect([first.code, first.stdout]).toEqual([0, 'x, ,\n']);
      expect(first.report.volumes.map(({ name, provider }) => [name, provider?.kind ?? null])).toEqual([
        ['pip', 'directory'],
        ['npm', 'nothing'],
        ['data', null],
      ]);
      const second = await world.run(['sh', '-euc', script], { options: [...options, ...providers] });
      expect(second.stdout).toBe('a x, , c\n');
      expect(readdirSync(join(world.dir, 'shared'))).toEqual(['a', 'x']);
      expect(readdirSync(join(world.dir, 'home/.cache/pip'))).toEqual(['host']);
      expect(existsSync(join(world.dir, 'home/.npm'))).toBe(false);
      expect(existsSync(join(world.dir, 'data'))).toBe(false);
    });
  });

  test('use the tool’s setting, or are skipped, where mounts are impossible', async () => {
    using world = openWorld();
    world.env['PATH'] =
      world.write({ 'bin/bwrap': '#!/bin/sh\necho no mounts here >&2; exit 1\n' }) + `/bin:${world.env['PATH'] ?? ''}`;
    world.exec(['chmod', '755', join(world.dir, 'bin/bwrap')]);
    world.write({ 'shared/x': 'x' });
    const provider = `dir:${world.dir}/shared`;
    const told = await world.run(['sh', '-c', 'echo "$npm_config_cache"; ls "$npm_config_cache"'], {
      options: ['-v', 'npm', '--provider', `npm=${provider}`],
    });
    expect(told.stdout).toBe(`${world.dir}/shared\nx\n`);
    const empty = await world.run(['sh', '-c', 'ls "$npm_config_cache"; echo a > "$npm_config_cache/a"'], {
      options: ['-v', 'npm', '--provider', 'npm=none:'],
    });
    expect([empty.code, empty.stdout]).toEqual([0, '']);
    const linked = await world.run(['sh', '-c', 'ls data; echo a > data/a'], {
      options: ['-v', 'data:data', '--provider', 'data=none:'],
    });
    expect([linked.code, linked.stdout]).toEqual([0, '']);
    expect(existsSync(join(world.dir, 'data'))).toBe(false);
    const left = await world.run(['sh', '-c', 'ls data'], {
      options: ['-v', 'data:data', '--provider', `data=${provider}`],
    });
    expect(left.stderr).toContain(`${world.dir}/shared cannot be shown at`);
    expect(left.volume('data')).toMatchObject({ mounter: null, provider: { kind: null } });
  });

  test('leave no mount behind when a run is killed and its processes are gone', async () => {
    using world = openWorld();
    const options = ['-v', 'data:data', '--provider', 'data=none:'];
    const kept = (): readonly string[] => readdirSync(join(world.store, 'kept')).filter((name) => name !== 'sessions');
    const wait = 'while [ ! -e stop ]; do sleep 0.1; done';
    const run = world.startRun(['sh', '-c', `echo a > data/a; echo there; ${wait}`], { options });
    await run.said('there');
    run.child.kill('SIGKILL');
    expect((await world.run(['sh', '-c', 'ls data'], { options })).stdout).toBe('');
    expect(kept()).toHaveLength(1);
    world.write({ stop: '' });
    await run.finished.catch(() => null);
    expect((await world.run(['sh', '-c', 'ls data'], { options })).stdout).toBe('');
    expect(kept()).toEqual([]);
  });
});
