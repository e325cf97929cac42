import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld } from './cli.fixture.ts';
import { configure } from './provided-volumes.fixture.ts';
import { openSdkWorld } from './sdk/sdk-world.fixture.ts';

requireCommands('bwrap')('a provider choice', () => {
  test('in a repository file may be none, but reaches nothing outside the project', async () => {
    using world = openWorld();
    const dir = world.project('web', { 'cachelane.yaml': 'volumes:\n  npm: { provider: none }\n' });
    const options = { cwd: dir };
    const found = await world.run(['sh', '-c', 'ls ~/.npm; echo a > ~/.npm/a'], options);
    expect([found.code, found.stdout, found.volume('npm').provider]).toEqual([
      0,
      '',
      { provider: 'none:', chosenBy: 'cachelane.yaml:2', kind: 'nothing', gives: 'an empty directory' },
    ]);
    for (const provider of ['dir:/etc', 'host:', 'oci:127.0.0.1:1/x', 'docker-volume:x', 'team:x']) {
      writeFileSync(join(dir, 'cachelane.yaml'), `volumes:\n  npm: { provider: '${provider}' }\n`);
      const { code, stderr } = await world.cachelane(['run', '--strict', '--', 'true'], options);
      expect([code, stderr]).toEqual([125, expect.stringContaining('cannot be set in the repository')]);
    }
    writeFileSync(join(dir, 'cachelane.yaml'), "volumes:\n  npm: { provider: 'project:github.com/acme/api:npm' }\n");
    const { code, stderr } = await world.cachelane(['run', '--strict', '--', 'true'], options);
    expect([code, stderr]).toEqual([125, expect.stringContaining('no grant to read github.com/acme/api:npm')]);
  });

  test('comes from the flag, then the environment, the user’s file and the repository; explain lists all of them', async () => {
    using world = openWorld();
    const dir = world.project('web', { 'cachelane.yaml': 'volumes:\n  npm: { provider: none }\n' });
    world.gitInit(dir, 'https://github.com/acme/web.git');
    const providerOf = async (...argv: readonly string[]) =>
      (
        (await world.json(['explain', '--verbose', 'npm', '--json', ...argv], { cwd: dir })) as {
          readonly provider: unknown;
        }
      ).provider;
    expect(await providerOf()).toMatchObject({ provider: 'none:', chosenBy: 'cachelane.yaml:2', overridden: [] });
    const config = join(world.home, '.config/cachelane/config.yaml');
    world.write({ 'home/.config/cachelane/config.yaml': "providers: { npm: 'project:a' }\n" });
    expect(await providerOf()).toMatchObject({ provider: 'project:a', chosenBy: `${config}:1` });
    world.env['CACHELANE_PROVIDERS'] = 'npm=project:b';
    expect(await providerOf('--provider', 'npm=project:c')).toEqual({
      provider: 'project:c',
      chosenBy: '--provider',
      kind: 'volume',
      gives: 'volume github.com/acme/web:c',
      overridden: [
        { provider: 'project:b', chosenBy: 'CACHELANE_PROVIDERS' },
        { provider: 'project:a', chosenBy: `${config}:1` },
        { provider: 'none:', chosenBy: 'cachelane.yaml:2' },
      ],
    });
    const { stdout } = await world.cachelane(['explain', '--verbose', 'npm'], { cwd: dir });
    expect(stdout).toMatch(/^provider: +project:b \(CACHELANE_PROVIDERS\): volume github.com\/acme\/web:b$/m);
    expect(stdout).toMatch(/^overridden: +none: \(cachelane.yaml:2\)$/m);
  });

  test('that is unavailable gives a warning, and the run continues without it', async () => {
    using world = openWorld();
    const options = ['-v', 'data:data', '--provider', `data=dir:${world.dir}/none`];
    const run = await world.run(['sh', '-c', 'exit 3'], { options });
    expect([run.code, run.stderr]).toEqual([3, expect.stringMatching(/warning: data by dir:.*there is no directory/)]);
    const strict = await world.cachelane(['run', '--strict', ...options, '--', 'true']);
    expect(strict.code).toBe(125);
    const wrong = await world.cachelane(['run', '-v', 'data:data', '--provider', 'data', '--', 'true']);
    expect([wrong.code, wrong.stderr]).toEqual([125, expect.stringContaining('--provider does not name a volume')]);
    const prune = await world.cachelane(['prune', 'npm', '--provider', 'npm=none:']);
    expect([prune.code, prune.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('cachelane does not store it'),
    ]);
  });

  test('tells a program what a fork of its volume contains: another volume, a directory, or nothing', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const directory = on.acme('web');
    const told = async (reference: string) => {
      configure(on, `providers: { pip: '${reference}' }\n`);
      const engine = await on.session(directory, { environment: { ...on.world.env } });
      const { provider, namespace } = await engine.cacheVolume('pip').info();
      expect(namespace).toBe('github.com/acme/web');
      expect(provider).toMatchObject({ reference, chosenBy: expect.stringContaining('config.yaml:1'), problem: null });
      const found = provider?.volume;
      await using fork = await engine.attach([found ? engine.volume(found.id) : engine.cacheVolume('pip')]);
      writeFileSync(join(fork.directory, 'a'), 'a');
      await fork.commit();
      return { kind: provider?.kind, namespace: found?.namespace, key: found?.key };
    };
    const namespace = 'github.com/acme/shared';
    expect(await told(`project:${namespace}:pip-cache`)).toEqual({ kind: 'VOLUME', namespace, key: 'pip-cache' });
    mkdirSync(join(on.world.dir, 'shared'));
    expect(await told(`dir:${on.world.dir}/shared`)).toMatchObject({ kind: 'DIRECTORY', key: undefined });
    expect(await told('none:')).toMatchObject({ kind: 'NOTHING', key: undefined });
    expect(await on.world.json(['ls', '--json'])).toMatchObject([{ namespace, volume: 'pip-cache' }]);
  });

  test('by a user’s module is checked like a user’s own, and Ctrl-C ends a run that waits for it', async () => {
    using world = openWorld();
    world.write({
      'home/.config/cachelane/config.yaml': "providers: { pip: 'team:' }\nprovider-modules: [./team.mjs]\n",
    });
    const team = (body: string) =>
      world.write({
        'home/.config/cachelane/team.mjs': `export default { kind: 'team', async provide() { ${body} } };\n`,
      });
    const options = ['-v', 'pip', '-v', 'npm'];
    for (const directory of [world.store, join(world.dir, 'none')]) {
      team(`return { kind: 'directory', directory: '${directory}' };`);
      const run = await world.run(['sh', '-c', 'echo x > ~/.cache/pip-was-here; echo a >> ~/.npm/a'], { options });
      expect(run.volume('pip')).toMatchObject({ mounter: null, skipped: expect.stringContaining('pip by team:') });
      expect(run.volume('npm').mounter).not.toBeNull();
    }
    expect((await world.run(['sh', '-c', 'cat ~/.npm/a'], { options })).stdout).toBe('a\na\n');
    team("process.stdout.write('asked\\n'); return await new Promise(() => setInterval(() => {}, 1000));");
    const run = world.start(['run', ...options, '--', 'true']);
    await run.said('asked');
    run.child.kill('SIGINT');
    expect(await run.finished).toMatchObject({ signal: 'SIGINT' });
  });

  test('in a user’s file that is invalid gives a warning, also without a remote', async () => {
    using world = openWorld({ env: { CACHELANE_REMOTE: 'none' } });
    world.write({ 'home/.config/cachelane/config.yaml': "providers: { npm: 'none:' }\nnonsense: 1\n" });
    const run = await world.run(['true'], { options: ['-v', 'npm'] });
    expect([run.code, run.stderr]).toEqual([
      0,
      expect.stringMatching(/warning: .*config\.yaml:2.*the file is ignored/),
    ]);
    const strict = await world.cachelane(['run', '--strict', '-v', 'npm', '--', 'true']);
    expect([strict.code, strict.stderr]).toEqual([125, expect.stringContaining('config.yaml:2')]);
  });

  test('reaches no further for a confined session than for a repository file, whatever home the session claims', async () => {
    await using on = openSdkWorld();
    on.world.write({
      'evil/cachelane/config.yaml': "providers: { pip: 'evil:' }\nprovider-modules: [./evil.mjs]\n",
      'evil/cachelane/evil.mjs': `import { writeFileSync } from 'node:fs'; writeFileSync('${on.world.dir}/ran', ''); export default { kind: 'evil', provide: async () => ({ kind: 'nothing' }) };`,
      'home/secret/x': 'x',
    });
    await on.serve();
    const directory = on.acme('web');
    const attach = async (environment: Readonly<Record<string, string>>) => {
      const engine = await on.session(directory, {
        namespace: 'github.com/acme/web',
        confine: true,
        environment: { ...on.world.env, ...environment },
      });
      await using fork = await engine.attach([engine.cacheVolume('pip')]);
      return { directory: fork.directory, files: readdirSync(fork.directory) };
    };
    const away = { XDG_CONFIG_HOME: join(on.world.dir, 'evil'), HOME: join(on.world.dir, 'evil') };
    expect(await attach(away)).toMatchObject({ directory: expect.stringContaining(on.world.store), files: [] });
    expect(existsSync(join(on.world.dir, 'ran'))).toBe(false);
    for (const provider of [`dir:${on.world.home}/secret`, 'host:', 'evil:', 'oci:127.0.0.1:1/x']) {
      await expect(attach({ CACHELANE_PROVIDERS: `pip=${provider}` })).rejects.toMatchObject({ code: 'E_CONFIG' });
    }
    const others = { CACHELANE_PROVIDERS: 'pip=project:github.com/acme/api:pip' };
    await expect(attach(others)).rejects.toMatchObject({ code: 'E_GRANT' });
    expect(await attach({ CACHELANE_PROVIDERS: 'pip=none:' })).toMatchObject({ files: [] });
    // A lock file that the session wrote describes its own volumes, and opens no others.
    const shared = 'volumes:\n  secret: { tool: pip, tier: catalog }\n  own: { tool: pip }\n';
    const elsewhere = on.acme('elsewhere', { 'cachelane.catalog.yaml': shared });
    const env = { CACHELANE_HOME: join(on.world.dir, 'another-home') };
    for (const namespace of ['github.com/acme', 'github.com/other']) {
      for (const argv of [
        ['catalog', 'publish', '-n', namespace],
        ['add', namespace],
      ])
        expect(await on.world.start(argv, { cwd: elsewhere, env }).finished).toMatchObject({ code: 0 });
    }
    copyFileSync(join(elsewhere, 'cachelane.lock'), join(directory, 'cachelane.lock'));
    for (const namespace of ['github.com/acme', 'github.com/other', 'acme', 'other']) {
      const provided = (name: string) => ({ CACHELANE_PROVIDERS: `pip=catalog:${namespace}/${name}` });
      await expect(attach(provided('secret'))).rejects.toMatchObject({ code: 'E_GRANT' });
      expect(await attach(provided('own'))).toMatchObject({ files: [] });
    }
    // The user's settings for this machine hold, except those that a program could redirect.
    configure(on, "providers: { pip: 'host:' }\n");
    await expect(attach({ PIP_CACHE_DIR: join(on.world.home, 'secret') })).rejects.toMatchObject({ code: 'E_USAGE' });
    mkdirSync(join(on.world.dir, 'shared'));
    configure(on, `providers: { pip: 'dir:${on.world.dir}/shared' }\n`);
    expect(await attach({})).toEqual({ directory: join(on.world.dir, 'shared'), files: [] });
  });
});
