import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedGoBuild } from '../real-tools/go-project.fixture.ts';
import { buildSdk, openSdkWorld, pathsOf, type BuiltSdk } from './sdk-world.fixture.ts';

// Programs as users write them: the package is installed, and `cachelane` is on the PATH.

let sdk: BuiltSdk;
beforeAll(() => {
  sdk = buildSdk();
});
afterAll(() => {
  sdk[Symbol.dispose]();
});

const document = readFileSync(join(import.meta.dirname, '../../docs/howto/sdk.md'), 'utf8');
const examples = [...document.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);

test('the examples of the document work as described', async () => {
  await using on = openSdkWorld(sdk);
  const runnable = examples.filter((code) => code.includes('await using engine'));
  expect(runnable.length).toBeGreaterThanOrEqual(7);
  const files = Object.fromEntries(runnable.map((code, index) => [`example-${index}.ts`, code]));
  const directory = on.acme('web', files);
  for (const file of Object.keys(files)) {
    const { code, stderr } = await on.program(directory, file).finished;
    expect({ file, code, stderr }).toEqual({ file, code: 0, stderr: '' });
  }
  const look = `
import { connect } from '@cachelane/sdk/node';
await using engine = await connect();
const volumes = [engine.cacheVolume('notes'), engine.cacheVolume('objects', { compat: { compiler: 'gcc-14' } })];
for (const volume of volumes) for await (const { path } of volume.entries()) process.stdout.write(path + '\\n');
`;
  on.acme('web', { 'look.mjs': look });
  expect((await on.program(directory, 'look.mjs').finished).stdout).toBe('today.txt\nbuilt\n');
});

requireCommands(
  'bwrap',
  'flock',
  'go',
)('examples/program', () => {
  test('compiles once, and counts', async () => {
    await using on = openSdkWorld(sdk);
    const dir = join(import.meta.dirname, '../../examples/program');
    const names = ['package.json', 'build.mjs', 'words/go.mod', 'words/main.go'];
    const directory = on.acme(
      'web',
      Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name), 'utf8')])),
    );
    // Go adds its index of a directory later if the directory has just changed.
    on.world.exec(['find', directory, '-exec', 'touch', '-d', '1 hour ago', '{}', '+']);
    await seedGoBuild(on.world, directory);
    const outputs = [];
    for (let times = 0; times < 2; times++) {
      const { code, stdout, stderr } = await on.program(directory, 'build.mjs').finished;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      outputs.push(stdout.split('\n'));
    }
    expect(outputs[0]?.[0]).toBe('github.com/acme/web on t1:local');
    expect(outputs[0]?.[1]).toMatch(/^go-build: [1-9]\d* paths more$/);
    expect(outputs[1]?.slice(1)).toEqual(['go-build: 0 paths more', 'built 2 times', '']);
  });
});

const facts = `
import { connect } from '@cachelane/sdk/node';
await using engine = await connect();
const npm = await engine.cacheVolume('npm').info();
process.stdout.write(JSON.stringify({ address: engine.address, namespace: npm.namespace, id: npm.id }) + '\\n');
`;

interface Facts {
  readonly address: string;
  readonly namespace: string;
  readonly id: string;
}

test('programs that start at once without an engine share one, with a volume for each project', async () => {
  await using on = openSdkWorld(sdk);
  const [web, api] = [on.acme('web', { 'p.mjs': facts }), on.acme('api', { 'p.mjs': facts })];
  const started = [web, api, web, api].map((directory) => on.program(directory, 'p.mjs'));
  const told = await Promise.all(
    started.map(async ({ finished }) => {
      const { code, stdout, stderr } = await finished;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout) as Facts;
    }),
  );
  expect(new Set(told.map(({ address }) => address)).size).toBe(1);
  expect(told.map(({ namespace }) => namespace)).toEqual(
    ['web', 'api', 'web', 'api'].map((name) => `github.com/acme/${name}`),
  );
  expect(told[0]?.id).toBe(told[2]?.id);
  expect(told[0]?.id).not.toBe(told[1]?.id);
});

test('a program under cachelane serve uses the engine in its environment', async () => {
  await using on = openSdkWorld(sdk);
  const directory = on.acme('web', { 'p.mjs': facts });
  const { code, stdout } = await on.world.cachelane(['serve', '--', on.node, 'p.mjs'], { cwd: directory });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    namespace: 'github.com/acme/web',
  });
});

test('a program finds the engine of its home, wherever the home is set', async () => {
  await using on = openSdkWorld(sdk);
  const directory = on.acme('web', { 'p.mjs': facts.replace('connect()', 'connect({ program: null })') });
  const long = join(on.world.dir, 'a'.repeat(100));
  const homes = [
    {},
    { CACHELANE_HOME: undefined },
    { CACHELANE_HOME: undefined, XDG_CACHE_HOME: on.world.dir },
    { CACHELANE_HOME: long },
  ];
  for (const env of homes) {
    const engine = on.world.start(['serve', '--json'], { env });
    await engine.said('\n');
    const { address } = JSON.parse(engine.stdout()) as Facts;
    const { stdout, stderr } = await on.program(directory, 'p.mjs', env).finished;
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ address });
    engine.child.kill('SIGTERM');
    await engine.finished;
  }
  const { code, stderr } = await on.program(directory, 'p.mjs').finished;
  expect(code).toBe(1);
  expect(stderr).toContain('E_ENGINE_GONE');
});

test('a program without cachelane gets an error that names it', async () => {
  await using on = openSdkWorld(sdk);
  const directory = on.acme('web', {
    'p.mjs': facts.replace('connect()', "connect({ program: ['no-such-program'] })"),
  });
  const { code, stderr } = await on.program(directory, 'p.mjs').finished;
  expect(code).toBe(1);
  expect(stderr).toContain('E_COMMAND');
  expect(stderr).toContain('install cachelane');
});

test('a program that does not close its session still ends', async () => {
  await using on = openSdkWorld(sdk);
  const text = `
import { connect } from '@cachelane/sdk/node';
const engine = await connect();
const fork = await engine.attach([engine.cacheVolume('data')]);
process.stdout.write(fork.directory + '\\n');
`;
  const { code, stdout, stderr } = await on.program(on.acme('web', { 'p.mjs': text }), 'p.mjs').finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(on.world.store);
});

test('a program ends although it stopped reading events, but not while it waits for one', async () => {
  await using on = openSdkWorld(sdk);
  const begin = `
import { connect } from '@cachelane/sdk/node';
const engine = await connect();
const events = engine.events();
await events.opened;
`;
  const waits = `
setTimeout(() => void engine.attach([engine.cacheVolume('data')]), 500).unref();
for await (const { type } of events) if (type === 'ATTACHED') break;
process.stdout.write('told');
await engine.close();
`;
  const directory = on.acme('web', { 'leaves.mjs': begin, 'waits.mjs': begin + waits });
  await on.serve('--keep');
  expect(await on.program(directory, 'leaves.mjs').finished).toMatchObject({ code: 0, stderr: '' });
  expect(await on.program(directory, 'waits.mjs').finished).toMatchObject({ code: 0, stderr: '', stdout: 'told' });
});

test('a program continues when the engine that it started has ended', async () => {
  await using on = openSdkWorld(sdk);
  const text = `
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from '@cachelane/sdk/node';
const pids = [];
for (const signal of ['SIGKILL', 'SIGTERM', null]) {
  const engine = await connect();
  const pid = Number(readFileSync(process.env.TMPDIR + '/engines', 'utf8').trim().split('\\n').at(-1));
  pids.push(pid);
  if (signal === null) await engine.close();
  else process.kill(pid, signal);
  for (;;) {
    try { process.kill(pid, 0); } catch { break; }
    await wait(50);
  }
  await wait(200);
}
process.stdout.write(String(new Set(pids).size));
`;
  const directory = on.acme('web', { 'p.mjs': text });
  expect(await on.program(directory, 'p.mjs').finished).toMatchObject({ code: 0, stderr: '', stdout: '3' });
});

test('a program sends its environment to no socket that other users can replace', async () => {
  await using on = openSdkWorld(sdk);
  const directory = on.acme('web', { 'p.mjs': facts });
  // Too long for a socket path, so the socket is in a directory for temporary files.
  const env = { CACHELANE_HOME: join(on.world.dir, 'a'.repeat(100)), XDG_RUNTIME_DIR: undefined };
  const place = join(on.world.env['TMPDIR'] ?? '', `cachelane-${process.geteuid?.()}`);
  mkdirSync(place);
  chmodSync(place, 0o777);
  const { code, stderr } = await on.program(directory, 'p.mjs', env).finished;
  expect(code).toBe(1);
  expect(stderr).toContain('E_ENGINE_DENIED');
  rmdirSync(place);
  const elsewhere = join(on.world.dir, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o700 });
  symlinkSync(elsewhere, place);
  expect((await on.program(directory, 'p.mjs', env).finished).stderr).toContain('E_ENGINE_DENIED');
  rmSync(place);
  expect(await on.program(directory, 'p.mjs', env).finished).toMatchObject({ code: 0, stderr: '' });
});

const library = (name: string): Readonly<Record<string, string>> => ({
  [`node_modules/${name}/package.json`]: `{ "name": "${name}", "type": "module", "exports": "./lib/index.mjs" }`,
  [`node_modules/${name}/lib/package.json`]: '{ "type": "module" }',
  [`node_modules/${name}/lib/index.mjs`]:
    'export const cache = async (engine) => (await engine.scope(import.meta).cacheVolume("cache").info()).namespace;',
});

test('libraries have their own namespaces, by their names', async () => {
  await using on = openSdkWorld(sdk);
  const program = `
import { connect } from '@cachelane/sdk/node';
import { cache as one } from '@acme/build';
import { cache as other } from 'lib-b';
await using engine = await connect();
process.stdout.write(JSON.stringify([await one(engine), await other(engine), await other(engine.withNamespace('teams/site'))]) + '\\n');
`;
  const directory = on.acme('web', { ...library('@acme/build'), ...library('lib-b'), 'p.mjs': program });
  const { stdout, stderr } = await on.program(directory, 'p.mjs').finished;
  expect(stderr).toBe('');
  const [one, other, elsewhere] = JSON.parse(stdout) as [string, string, string];
  expect(one).toMatch(/^github\.com\/acme\/web\/.*build/);
  expect(other).toMatch(/^github\.com\/acme\/web\/.*lib-b$/);
  expect(elsewhere).toMatch(/^teams\/site\/.*lib-b$/);
});

/** For an engine with an idle time of three seconds. */
const quickly = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'quick-clock.fixture.ts')}` };

describe('a session that is idle for a minute', () => {
  const holding = `
import { writeFileSync } from 'node:fs';
import { connect } from '@cachelane/sdk/node';
const engine = await connect();
const fork = await engine.attach([engine.cacheVolume('data', { sharing: 'LOCKED' })]);
writeFileSync(fork.directory + '/lost', 'lost');
process.stdout.write(fork.directory + '\\n');
setInterval(() => undefined, 1000);
`;
  test('ends after its program was killed: its fork is discarded and the next waiter gets the lock', async () => {
    await using on = openSdkWorld(sdk);
    const directory = on.acme('web', { 'p.mjs': holding });
    await on.serveWith(quickly, '--keep');
    const engine = await on.session(directory);
    const locked = engine.cacheVolume('data', { sharing: 'LOCKED' });
    {
      await using fork = await engine.attach([{ volume: locked, variable: 'DIR' }]);
      await on.world.execAsync(['sh', '-c', 'echo kept > "$DIR/kept"'], { env: fork.environment });
      await fork.commit();
    }
    const holder = on.program(directory, 'p.mjs');
    await holder.said('\n');
    const lost = holder.stdout().trim();
    const waiting = engine.attach([locked], { lockTimeoutSeconds: 2400 });
    holder.child.kill('SIGKILL');
    await using fork = await waiting;
    expect([existsSync(join(fork.directory, 'kept')), existsSync(join(fork.directory, 'lost'))]).toEqual([true, false]);
    expect(lost === fork.directory || !existsSync(lost)).toBe(true);
    expect(await pathsOf(locked.entries())).toEqual(['kept']);
  });

  test('does not end while its program is busy with an open fork', async () => {
    await using on = openSdkWorld(sdk);
    const busy = `
import { writeFileSync } from 'node:fs';
import { connect } from '@cachelane/sdk/node';
await using engine = await connect();
await using fork = await engine.attach([engine.cacheVolume('data')]);
writeFileSync(fork.directory + '/kept', 'kept');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4500);
process.stdout.write(JSON.stringify(await fork.commit()) + '\\n');
`;
    const directory = on.acme('web', { 'p.mjs': busy });
    const served = await on.serveWith(quickly, '--keep');
    const { code, stdout, stderr } = await on.program(directory, 'p.mjs').finished;
    const engine = await served.stop();
    expect({ code, stderr, engine }).toMatchObject({ code: 0, stderr: '', engine: { code: 0, stderr: '' } });
    expect(JSON.parse(stdout)).toMatchObject([{ key: 'data', added: 1 }]);
  });
});

const child = `
import { connect } from '@cachelane/sdk/node';
await using engine = await connect();
const { namespace } = await engine.context();
const other = engine.withNamespace('github.com/acme/other').cacheVolume('data');
const told = await other.id().then(() => 'known', ({ code }) => code);
process.stdout.write([namespace, told].join(' '));
`;
const parent = `
import { spawnSync } from 'node:child_process';
import { connect } from '@cachelane/sdk/node';
await using engine = await connect({ namespace: 'github.com/acme/web', confine: true });
const own = await engine.environment();
if (Object.values(own).includes(process.env.CACHELANE_ENGINE_TOKEN)) throw new Error('the token of the engine is passed on');
const env = { PATH: process.env.PATH, ...own };
const { stdout, stderr } = spawnSync(process.execPath, ['child.mjs'], { cwd: import.meta.dirname, env, encoding: 'utf8' });
process.stdout.write(stdout + stderr + '\\n');
const query = spawnSync('cachelane', ['query'], { input: 'mutation { openSession { token } }', env, encoding: 'utf8' });
process.stdout.write(JSON.parse(query.stdout).errors[0].message + '\\n');
process.stdout.write((await engine.context()).namespace + '\\n');
`;

test('a child can use the session passed to it or a narrower one, and neither after the session ended', async () => {
  await using on = openSdkWorld(sdk);
  const look = `
import { connect } from '@cachelane/sdk/node';
const told = async (options) => {
  try {
    await using engine = await connect(options);
    const seen = new Set();
    for await (const { namespace } of engine.volumes()) seen.add(namespace);
    return [(await engine.context()).namespace, ...seen].join(' ');
  } catch ({ code }) {
    return code;
  }
};
const asked = [{}, { namespace: 'github.com/acme/other', confine: true }, { confine: true }, { namespace: 'teams/site' }, { directory: '/no/such' }];
for (const options of asked) process.stdout.write((await told(options)) + '\\n');
`;
  const hand = `
import { spawnSync } from 'node:child_process';
import { connect } from '@cachelane/sdk/node';
await using other = await connect();
for (const confine of [false, true]) {
  const engine = await connect({ namespace: 'github.com/acme/web', confine });
  const env = { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...(await engine.environment()) };
  const cwd = process.argv[2];
  const child = spawnSync(process.execPath, ['look.mjs'], { cwd, env, encoding: 'utf8' });
  process.stdout.write(child.stdout + child.stderr);
  const query = () => {
    const { stdout } = spawnSync('cachelane', ['query'], { cwd, input: '{ namespaces { nodes { path } } context { namespace } }', env, encoding: 'utf8' });
    const { data, errors } = JSON.parse(stdout);
    return errors?.[0].extensions.code ?? [data.context.namespace, ...data.namespaces.nodes.map(({ path }) => path)].join(' ');
  };
  process.stdout.write(query() + '\\n');
  await engine.close();
  process.stdout.write(query() + '\\n');
}
`;
  const web = on.acme('web', { 'hand.mjs': hand });
  const other = on.acme('other', { 'look.mjs': look });
  const volume = ['-v', `data:${join(on.world.dir, 'tmp/data')}`];
  for (const cwd of [web, other])
    await on.world.run(['touch', join(on.world.dir, 'tmp/data/x')], { cwd, options: volume });
  await on.serve('--keep');
  const [mine, theirs] = ['github.com/acme/web', 'github.com/acme/other'];
  const { stdout, stderr } = await on.program(web, `hand.mjs`, {}, [other]).finished;
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    `${mine} ${theirs} ${mine}`,
    `${theirs} ${theirs}`,
    'E_USAGE',
    `teams/site ${theirs} ${mine}`,
    'E_USAGE',
    `${mine} ${theirs} ${mine}`,
    'E_SESSION_GONE',
    `${mine} ${mine}`,
    'E_ENGINE_DENIED',
    'E_ENGINE_DENIED',
    'E_ENGINE_DENIED',
    'E_ENGINE_DENIED',
    `${mine} ${mine}`,
    'E_SESSION_GONE',
    '',
  ]);
});

test('a child process has its parent’s session with its limits, and never the engine’s token', async () => {
  await using on = openSdkWorld(sdk);
  const directory = on.acme('web', { 'parent.mjs': parent, 'child.mjs': child });
  await on.world.run(['true'], { cwd: on.acme('other'), options: ['-v', `data:${join(on.world.dir, 'tmp/data')}`] });
  const { code, stdout, stderr } = await on.world.cachelane(['serve', '--', on.node, 'parent.mjs'], { cwd: directory });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toEqual([
    'github.com/acme/web E_NOT_FOUND',
    'a confined session cannot open sessions',
    'github.com/acme/web',
    '',
  ]);
});
