import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { openWorld } from './cli.fixture.ts';
import { openSdkWorld } from './sdk/sdk-world.fixture.ts';
import { ask, startEngine, type Asked } from './serve.fixture.ts';

test('explain shows what a run here would read: in a confined session only what its grants allow, and nothing its files name later', async () => {
  using world = openWorld();
  const yaml = 'namespace: acme/web\nparents: [teams/payments]\n';
  const cwd = world.project('web', { 'cachelane.yaml': yaml });
  const engine = await startEngine(world, [], { cwd });
  const opened = await ask(engine, 'mutation { openSession(namespace: "acme/web", confine: true) { token } }');
  const { token } = (opened.answer.data as { openSession: { token: string } }).openSession;
  const query =
    '{ context { readChain { namespace lane } } cacheVolume(key: "npm") { explain { readChain { namespace lane } } } }';
  const confined = async (): Promise<Asked['answer']> =>
    (await ask(engine, query, { 'cachelane-session': token })).answer;
  const links = ['acme/web', 'teams/payments'].map((namespace) => ({ namespace, lane: 't1:local' }));
  const reads = (readChain: typeof links): object => ({
    context: { readChain },
    cacheVolume: { explain: { readChain } },
  });
  expect((await ask(engine, query)).answer).toEqual({ data: reads(links) });
  expect(await confined()).toEqual({ data: reads(links.slice(0, 1)) });
  const payments = ['--all', '-n', 'teams/payments', '--to', 'acme/web'];
  expect(await world.cachelane(['grant', ...payments], { cwd })).toMatchObject({ code: 0 });
  expect(await confined()).toEqual({ data: reads(links) });
  expect(await world.cachelane(['grant', 'rm', ...payments], { cwd })).toMatchObject({ code: 0 });
  expect(await confined()).toEqual({ data: reads(links.slice(0, 1)) });
  // Errors do not quote files that the session may not read.
  world.write({ 'home/private.yaml': 'token-of-ann: hunter2\n' });
  for (const change of [
    () => writeFileSync(join(cwd, 'cachelane.yaml'), 'namespace: acme/secret\n'),
    () => {
      rmSync(join(cwd, 'cachelane.yaml'));
      symlinkSync(join(world.home, 'private.yaml'), join(cwd, 'cachelane.yaml'));
    },
  ]) {
    change();
    expect(await confined()).toEqual({ data: reads(links.slice(0, 1)) });
  }
});

test('files in its directory do not name a confined session, and the engine runs no program from that directory', async () => {
  await using on = openSdkWorld();
  const ran = join(on.world.dir, 'tmp/ran');
  const directory = on.acme('web', {
    'cachelane.yaml': 'namespace: acme/secret\n',
    'node_modules/.bin/uv': `#!/bin/sh\ntouch "${ran}"\necho uv 0.1.2\n`,
  });
  const bin = join(directory, 'node_modules/.bin');
  chmodSync(join(bin, 'uv'), 0o755);
  writeFileSync(join(directory, '.git/HEAD'), 'c'.repeat(40));
  // `npm run` sets PATH like this, also for the engine.
  on.world.env['PATH'] = [bin, 'node_modules/.bin', on.world.env['PATH']].join(delimiter);
  await on.serve('-C', directory);
  await expect(on.session(directory, { confine: true })).rejects.toMatchObject({
    code: 'E_USAGE',
    message: 'a confined session needs an explicit namespace',
  });
  const confined = await on.session(directory, { namespace: 'github.com/acme/web', confine: true });
  expect((await confined.context()).namespace).toBe('github.com/acme/web');
  const told = await confined.cacheVolume('uv').info();
  expect(Object.fromEntries(told.compat.map(({ name, value }) => [name, value]))['uv']).not.toBe('0.1.2');
  await confined.cacheVolume('uv').explain();
  await using fork = await confined.attach([confined.cacheVolume('uv')]);
  writeFileSync(join(fork.directory, 'a'), 'a');
  expect(fork.volumes).toMatchObject([{ namespace: 'github.com/acme/web' }]);
  await fork.commit();
  expect((await confined.cacheVolume('uv').heads())[0]?.run).toMatchObject({ lane: 't1:local', revision: null });
  expect(existsSync(ran)).toBe(false);
  const plain = await on.session(directory);
  await plain.cacheVolume('uv').info();
  expect(existsSync(ran)).toBe(true);
});

test('a confined session sees a person’s names only for the namespaces above it', async () => {
  await using on = openSdkWorld();
  on.world.write({
    'home/.config/cachelane/config.yaml': 'catalogs: { mine: github.com/acme, theirs: github.com/secret }\n',
  });
  await on.serve();
  const directory = on.acme('web', { 'cachelane.yaml': 'catalogs: { ours: github.com/acme }\n' });
  const confined = await on.session(directory, { namespace: 'github.com/acme/web', confine: true });
  const refused = async (named: string): Promise<unknown> =>
    await confined
      .catalog(named)
      .cacheVolume('npm')
      .id()
      .catch((error: unknown) => String(error));
  expect(await refused('mine')).toContain('github.com/acme');
  expect(await refused('ours')).toContain('github.com/acme');
  expect(await refused('theirs')).not.toContain('secret');
  expect(String(await refused('theirs')).replaceAll('theirs', 'nobody')).toBe(await refused('nobody'));
  const plain = await on.session(directory);
  await expect(plain.catalog('theirs').cacheVolume('npm').id()).rejects.toMatchObject({
    message: expect.stringContaining('secret'),
  });
});

test('tool settings in its directory reveal neither the environment nor the user’s files to a confined session', async () => {
  await using on = openSdkWorld();
  on.world.env['TOKEN_OF_ANN'] = 'hunter2';
  on.world.write({ 'home/private/pnpm': 'storeDir: /secret-place\n' });
  const directory = on.acme('web', { '.npmrc': 'cache=/x/${TOKEN_OF_ANN}\n', 'package.json': '{}' });
  symlinkSync(join(on.world.home, 'private/pnpm'), join(directory, 'pnpm-workspace.yaml'));
  await on.serve();
  const told = async (confine: boolean): Promise<readonly (string | undefined)[]> => {
    const engine = await on.session(directory, { namespace: 'github.com/acme/web', confine });
    const paths: (string | undefined)[] = [];
    for (const key of ['npm', 'pnpm']) paths.push((await engine.cacheVolume(key).explain())?.path);
    return paths;
  };
  expect(await told(false)).toEqual(['/x/hunter2', expect.stringContaining('/secret-place')]);
  expect(await told(true)).toEqual([join(on.world.home, '.npm'), expect.stringContaining(on.world.home)]);
  // The same for a client that leaves the environment to the engine.
  const { address } = await on.session(directory);
  const opened = await ask(
    { address, token: null },
    `mutation { openSession(directory: "${directory}", namespace: "github.com/acme/web", confine: true) { token } }`,
  );
  const { token } = (opened.answer.data as { openSession: { token: string } }).openSession;
  const explained = await ask({ address, token: null }, '{ cacheVolume(key: "npm") { explain { path } } }', {
    'cachelane-session': token,
  });
  expect(explained.answer).toEqual({ data: { cacheVolume: { explain: { path: join(on.world.home, '.npm') } } } });
});

test('a confined session sees the parents from a person’s file only if they share something with it', async () => {
  await using on = openSdkWorld();
  on.world.write({
    'home/.config/cachelane/config.yaml': "parents: { 'github.com/acme/**': [teams/payments, teams/secret] }\n",
  });
  const directory = on.acme('web');
  await on.serve();
  const session = await on.session(directory, { namespace: 'github.com/acme/web', confine: true });
  const told = async (): Promise<string> => JSON.stringify(await session.context());
  expect(await told()).not.toMatch(/teams|config\.yaml/);
  const payments = ['grant', '--all', '-n', 'teams/payments', '--to', 'github.com/acme/web'];
  expect(await on.world.cachelane(payments, { cwd: directory })).toMatchObject({ code: 0 });
  expect(await told()).toContain('"value":"teams/payments"');
  expect(await told()).not.toContain('secret');
});

test('a symlink to another user’s cachelane.yaml or cachelane.lock reveals nothing to a confined session', async () => {
  await using on = openSdkWorld();
  on.world.write({
    'home/private/cachelane.yaml': 'parents: [teams/secret]\n',
    'home/private/cachelane.lock': 'what only Ann may read',
  });
  const directory = on.acme('web');
  for (const name of ['cachelane.yaml', 'cachelane.lock'])
    symlinkSync(join(on.world.home, 'private', name), join(directory, name));
  await on.serve();
  const told = async (confine: boolean): Promise<string> =>
    JSON.stringify(await (await on.session(directory, { namespace: 'github.com/acme/web', confine })).context());
  expect(await told(true)).not.toContain('secret');
  expect(await told(true)).toContain('cachelane.lock cannot be read');
  // The error for a lock file reveals nothing either.
  const environment = { ...on.world.env, CACHELANE_PROVIDERS: 'npm=catalog:mine/npm' };
  const provided = await on.session(directory, { namespace: 'github.com/acme/web', confine: true, environment });
  const thrown = await provided.attach([provided.cacheVolume('npm')]).catch(String);
  expect(thrown).not.toContain('JSON');
  expect(thrown).toContain('cachelane.lock cannot be read');
  expect(await told(false)).not.toContain('cachelane.lock cannot be read');
  writeFileSync(join(on.world.home, 'private/cachelane.yaml'), 'token-of-ann: hunter2\n');
  await expect(told(false)).rejects.toMatchObject({ message: expect.stringContaining('token-of-ann') });
  const { length } = await told(true);
  expect(length).toBeGreaterThan(0);
});

test('a confined session without a trusted namespace sees only the namespaces above it, whatever its project was granted', async () => {
  const env = { GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'external_pull_request_event', CI_PIPELINE_ID: '7' };
  using world = openWorld({ env });
  const cwd = world.project('web', { 'cachelane.yaml': 'parents: [teams/payments]\n' });
  world.gitInit(cwd, 'https://github.com/acme/web.git');
  const own = { cwd, env: { GITLAB_CI: '' } };
  const payments = ['--all', '-n', 'teams/payments', '--to', 'github.com/acme/web'];
  expect(await world.cachelane(['grant', ...payments], own)).toMatchObject({ code: 0 });
  const save = ['run', '-n', 'teams/payments', '-v', 'data:d', '--', 'sh', '-c', 'echo x > d/x'];
  expect(await world.cachelane(save, own)).toMatchObject({ code: 0 });
  const engine = await startEngine(world, [], { cwd });
  const opened = await ask(
    engine,
    `mutation { openSession(namespace: "github.com/acme/web", directory: ${JSON.stringify(cwd)}, confine: true) { token } }`,
  );
  const { token } = (opened.answer.data as { openSession: { token: string } }).openSession;
  const asked = async (namespace: string): Promise<string> => {
    const query = `{ cacheVolume(key: "data", namespace: "${namespace}") { heads { lane } } }`;
    return JSON.stringify((await ask(engine, query, { 'cachelane-session': token })).answer);
  };
  const told = await asked('teams/payments');
  expect(told).toContain('this session knows of no volume teams/payments:data');
  expect(told.replaceAll('teams/payments', 'teams/nobody')).toBe(await asked('teams/nobody'));
  const context = await ask(engine, '{ context { trust readChain { namespace } } }', { 'cachelane-session': token });
  expect(context.answer).toMatchObject({ data: { context: { trust: 'T0' } } });
  expect(JSON.stringify(context.answer)).not.toContain('payments');
});
