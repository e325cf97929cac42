import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { openWorld } from './cli.fixture.ts';
import { openSdkWorld } from './sdk/sdk-world.fixture.ts';
import { ask, startEngine, type Asked } from './serve.fixture.ts';

test('what is explained is what a run here would read: in a confined session as far as it was granted, and nothing of what its files name since', async () => {
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
  const readChain = links.slice(0, 1);
  writeFileSync(join(cwd, 'cachelane.yaml'), 'namespace: acme/secret\n');
  expect(await confined()).toMatchObject({
    data: { context: { readChain }, cacheVolume: { explain: null } },
    errors: [{ extensions: { code: 'E_CONFIG' } }],
  });
});

test('a confined session is called by no file of its directory, and no program that the directory names runs in the engine', async () => {
  await using on = openSdkWorld();
  const ran = join(on.world.dir, 'tmp/ran');
  const directory = on.acme('web', {
    'cachelane.yaml': 'namespace: acme/secret\n',
    'node_modules/.bin/uv': `#!/bin/sh\ntouch "${ran}"\necho uv 0.1.2\n`,
  });
  const bin = join(directory, 'node_modules/.bin');
  chmodSync(join(bin, 'uv'), 0o755);
  writeFileSync(join(directory, '.git/HEAD'), 'c'.repeat(40));
  // As `npm run` has it, for the engine as well.
  on.world.env['PATH'] = [bin, 'node_modules/.bin', on.world.env['PATH']].join(delimiter);
  await on.serve('-C', directory);
  await expect(on.session(directory, { confine: true })).rejects.toMatchObject({
    code: 'E_USAGE',
    message: 'a confined session is told its namespace, and takes it from no directory',
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

test('what a person calls other namespaces is told to a confined session only of those above it', async () => {
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
