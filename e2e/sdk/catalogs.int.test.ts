import { join } from 'node:path';
import { requireAlias } from '@cachelane/core';
import type { NodeEngine } from '@cachelane/sdk/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configure } from '../provided-volumes.fixture.ts';
import { buildSdk, openSdkWorld, pathsOf, type BuiltSdk, type SdkWorld } from './sdk-world.fixture.ts';

// The volumes that an organisation offers, as its projects' programs use them: locked, generated, and run by Node unchanged.

let sdk: BuiltSdk;
beforeAll(() => {
  sdk = buildSdk();
});
afterAll(() => {
  sdk[Symbol.dispose]();
});

interface Offered {
  readonly name: string;
  readonly tool: string;
  readonly key?: string;
  readonly tier?: 'PROJECT' | 'CATALOG';
  readonly docs?: string;
  readonly deprecated?: string;
}

async function publish(engine: NodeEngine, definitions: readonly Offered[]): Promise<void> {
  const document = `mutation ($content: CatalogInput!) {
    publishCatalog(namespace: "github.com/acme", content: $content, breaking: true) { version }
  }`;
  await engine.query(document, { content: { docs: 'Of acme.', definitions } });
}

async function cachelane(on: SdkWorld, cwd: string, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await on.world.start(argv, { cwd }).finished;
  if (code !== 0) throw new Error(`cachelane ${argv.join(' ')}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

const first: readonly Offered[] = [
  { name: 'pip-cache', tool: 'pip', docs: 'Wheels of all teams.' },
  { name: 'models', tool: 'directory', tier: 'CATALOG' },
  { name: 'old', tool: 'directory', deprecated: 'use models' },
];

const program = `
import { writeFile } from 'node:fs/promises';
import { connect } from '@cachelane/sdk/node';
import { withCatalogs } from './cachelane.generated.ts';

await using client = withCatalogs(await connect());
const offered: ReturnType<typeof client.myOrg> = client.myOrg();
await client.run(['sh', '-c', 'echo wheel > "$PIP_CACHE_DIR/by-run"; echo m > "$MODELS/m"'], {
  volumes: [offered.pipCache(), { volume: offered.models(), variable: 'MODELS' }],
});
await using fork = await client.attach([client.cacheVolume('stock', { source: { volume: offered.models() } })]);
process.stdout.write(JSON.stringify({
  pip: await offered.pipCache().info(),
  scoped: (await client.scope('npm', 'x').myOrg().pipCache().info()).namespace,
  models: (await offered.models().info()).namespace,
  warnings: fork.volumes.flatMap(({ warnings }) => warnings),
}));
`;

test('a generated client runs under Node unchanged, and its volumes behave like others', async () => {
  await using on = openSdkWorld(sdk);
  await on.serve();
  const web = on.acme('web', { 'build.ts': program });
  const engine = await on.session(web);
  await publish(engine, first);
  await cachelane(on, web, 'add', 'github.com/acme', '--as', 'my-org');
  await cachelane(on, web, 'generate');
  const { code, stdout, stderr } = await on.program(web, 'build.ts').finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    pip: expect.objectContaining({ key: 'pip-cache', tool: 'pip', namespace: 'github.com/acme/web', warnings: [] }),
    scoped: expect.stringContaining('github.com/acme/web/scope'),
    models: 'github.com/acme',
    warnings: [],
  });
  expect(await pathsOf(engine.catalog('github.com/acme').cacheVolume('models').entries())).toEqual(['m']);
  expect(await pathsOf(engine.cacheVolume('models').in('github.com/acme').entries())).toEqual(['m']);
  // By its alias alone, which the lock also has. A session from before the lock may see it a second later.
  const later = await on.session(web);
  expect((await later.catalog('my-org').cacheVolume('pip-cache').info()).tool).toBe('pip');
  const typed = await later.query<{ readonly myOrg: object }>('{ myOrg { pipCache { tool } models { namespace } } }');
  expect(typed.myOrg).toEqual({ pipCache: { tool: 'pip' }, models: { namespace: 'github.com/acme' } });
});

test('a missing definition is an error for programs without a compiler, and they get no empty volume instead', async () => {
  await using on = openSdkWorld(sdk);
  await on.serve();
  const attempt = `
import { connect } from '@cachelane/sdk/node';
import { withCatalogs } from './cachelane.generated.ts';
const tell = (...words) => process.stdout.write(words.join(' ') + '\\n');
await using client = withCatalogs(await connect());
for (const name of ['old', 'models', 'pipCache']) {
  try {
    const volume = client.acme()[name]();
    tell(name, (await volume.info()).key);
  } catch (error) {
    tell(name, error.code, error.message);
  }
}
`;
  const web = on.acme('web', { 'attempt.js': attempt });
  const engine = await on.session(web);
  await publish(engine, first);
  await cachelane(on, web, 'add', 'github.com/acme');
  await publish(engine, [
    { name: 'pip-cache', tool: 'pip' },
    { name: 'models', tool: 'directory', tier: 'CATALOG', key: 'models2' },
  ]);
  const told = await cachelane(on, web, 'add');
  expect(told).toContain('breaks code: old was removed in version 2: use models');
  expect(told).toContain('breaks code: models key models -> models2');
  await cachelane(on, web, 'generate');
  const { stdout } = await on.program(web, 'attempt.js').finished;
  expect(stdout).toBe(
    [
      'old E_CATALOG old was removed in version 2: use models',
      'models E_CATALOG models was changed to another volume in version 2: key models -> models2',
      'pipCache pip-cache',
      '',
    ].join('\n'),
  );
  await cachelane(on, web, 'add', 'github.com/acme', '--accept', 'models', '--accept', 'old');
  await cachelane(on, web, 'generate');
  const { stdout: after } = await on.program(web, 'attempt.js').finished;
  expect(after).toContain('models models2\n');
});

test('a version that vanished still works through the lock, also in an engine that never had it', async () => {
  await using on = openSdkWorld(sdk);
  await on.serve();
  const web = on.acme('web', { 'build.ts': program });
  const engine = await on.session(web);
  await publish(engine, first);
  await cachelane(on, web, 'add', 'github.com/acme', '--as', 'my-org');
  await cachelane(on, web, 'generate');
  await publish(engine, [{ name: 'pip-cache', tool: 'pip' }]);
  await engine.query('mutation { removeCatalog(namespace: "github.com/acme", version: 1) { version } }');
  const { code, stdout, stderr } = await on.program(web, 'build.ts').finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const note =
    'version 1 of the catalog of github.com/acme is not available as locked: its copy in cachelane.lock is used until cachelane add locks another version';
  expect(JSON.parse(stdout)).toMatchObject({
    pip: { key: 'pip-cache', tool: 'pip', warnings: [note] },
    models: 'github.com/acme',
  });
  const { code: fresh, stdout: answer } = await on.program(web, 'build.ts', {
    CACHELANE_HOME: join(on.world.dir, 'another-home'),
  }).finished;
  expect(fresh).toBe(0);
  // Nobody published it there. CI relies on the lock, so there is no warning.
  expect(JSON.parse(answer)).toMatchObject({ pip: { tool: 'pip', warnings: [] } });
});

test('an unreadable lock does not keep a program from its volumes', async () => {
  await using on = openSdkWorld(sdk);
  await on.serve();
  const web = on.acme('web', { 'cachelane.lock': '{}' });
  const engine = await on.session(web);
  expect((await engine.context()).warnings).toEqual([
    'cachelane.lock: it is not a lock file of cachelane: there are no typed catalogs',
  ]);
  expect((await engine.cacheVolume('npm').info()).key).toBe('npm');
});

test('no alias equals a method of the SDK’s engine, so a client can have both', async () => {
  await using on = openSdkWorld(sdk);
  await on.serve();
  const engine = await on.session(on.acme('web'));
  const names = Object.keys(engine);
  expect(names).toContain('run');
  for (const name of names) {
    // A new method also needs an entry in the list in method-name.ts.
    expect(() => requireAlias(name), name).toThrow(expect.objectContaining({ code: 'E_CATALOG' }));
  }
});

test('aliases of namespaces come from the engine user’s file, not from a home that a program claims', async () => {
  await using on = openSdkWorld(sdk);
  configure(on, 'catalogs: { my-org: github.com/acme }\n');
  on.world.write({ 'evil/cachelane/config.yaml': 'catalogs: { my-org: github.com/evil }\n' });
  on.world.write({ 'secret/cachelane/config.yaml': 'token-of-ann: hunter2\n' });
  await on.serve();
  const web = on.acme('web');
  await publish(await on.session(web), first);
  for (const home of ['evil', 'secret']) {
    const environment = { ...on.world.env, XDG_CONFIG_HOME: join(on.world.dir, home) };
    for (const confine of [false, true]) {
      const engine = await on.session(web, { namespace: 'github.com/acme/web', environment, confine });
      expect((await engine.catalog('my-org').cacheVolume('pip-cache').info()).tool).toBe('pip');
    }
  }
});
