import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fetchTool } from '@cachelane/testkit';
import { describe, expect, inject, test } from 'vitest';
import { openWorld, type World } from './cli.fixture.ts';
import { ask, connectTo, startEngine } from './serve.fixture.ts';

const [node, bundle] = inject('cachelaneProgram');
const whoAmI = '{ context { namespace } }';
const namespaceOf = (answer: unknown): unknown =>
  (answer as { data: { context: { namespace: string } } }).data.context.namespace;

/** A shell command line for this program. */
const self = `"${node}" "${bundle}"`;

describe('the published client of Dagger, unchanged, under `serve`', () => {
  const client = fetchTool({
    name: '@dagger.io/dagger',
    version: '0.21.9',
    program: '@dagger.io/dagger/dist/src/index.js',
  });

  /** Returns the output of a program that imports `connection` and `dag` and runs this body. */
  const run = async (world: World, cwd: string, body: string): Promise<readonly string[]> => {
    world.write({ 'p.mjs': `import { connection, dag } from ${JSON.stringify(client)};\n${body}` });
    const { code, stdout, stderr } = await world.cachelane(['serve', '--', node, join(world.dir, 'p.mjs')], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    return stdout.trimEnd().split('\n');
  };

  test.skipIf(client === null)('two projects have two volumes, and two clones of one project share one', async () => {
    using world = openWorld();
    const places = ['web', 'web-again', 'api'].map((name) => world.project(name, { 'package.json': '{}' }));
    const remotes = ['https://github.com/acme/web', 'git@github.com:acme/web.git', 'https://github.com/acme/api'];
    for (const [index, place] of places.entries()) world.gitInit(place, remotes[index]);
    const print = `await connection(async () => { process.stdout.write(await dag.cacheVolume('npm').id()); });`;
    const ids: string[] = [];
    for (const place of places) ids.push((await run(world, place, print))[0] ?? '');
    expect(ids[0]).toMatch(/^\S+$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test.skipIf(client === null)('an unknown field fails with its name', async () => {
    using world = openWorld();
    const lines = await run(
      world,
      world.project('web'),
      `await connection(async () => {
        await dag.container().from('alpine').withExec(['true']).stdout().catch((error) => process.stdout.write(error.name + ' ' + error.message));
      });`,
    );
    expect(lines).toEqual([expect.stringContaining('GraphQLRequestError')]);
    expect(lines[0]).toContain('Cannot query field "container" on type "Query"');
  });
});

describe('serve -- COMMAND', () => {
  test('the command finds the engine in its environment, and its token is nowhere else', async () => {
    using world = openWorld();
    const script = [
      'test "$CACHELANE_ENGINE" = "http://127.0.0.1:$DAGGER_SESSION_PORT"',
      'test "$CACHELANE_ENGINE_TOKEN" = "$DAGGER_SESSION_TOKEN"',
      'echo "$CACHELANE_ENGINE_TOKEN"',
      'for pid in $PPID $$; do tr "\\0" " " </proc/$pid/cmdline; done',
    ].join(' && ');
    const { code, stdout, stderr } = await world.cachelane(['serve', '--', 'sh', '-c', script]);
    const [token = '', ...commandLines] = stdout.split('\n');
    expect([code, stderr]).toEqual([0, '']);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(commandLines.join('\n')).toContain('serve');
    expect(commandLines.join('\n')).not.toContain(token);
    const line = 'echo "$CACHELANE_ENGINE_TOKEN" && echo "$CACHELANE_CONTEXT"';
    const other = (await world.cachelane(['serve', '-n', 'acme/web', '--', 'sh', '-c', line])).stdout.split('\n');
    expect(other[0]).toMatch(/^[\w-]{43}$/);
    expect(other[0]).not.toBe(token);
    expect(JSON.parse(other[1] ?? '')).toMatchObject({ namespace: 'acme/web' });
  });

  test('it ends with the command, with the command’s exit code', async () => {
    using world = openWorld();
    const ended = await world.cachelane(['serve', '--', 'sh', '-c', 'exit 7']);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([7, '', '']);
    const killed = world.start([
      'serve',
      '--',
      'sh',
      '-c',
      'trap "echo told; exit 3" TERM; echo ready; while :; do sleep 0.1; done',
    ]);
    await killed.said('ready');
    killed.child.kill('SIGTERM');
    expect(await killed.finished).toMatchObject({ code: 3, stdout: 'ready\ntold\n' });
    expect(await world.cachelane(['serve', '--', 'no-such-command'])).toMatchObject({ code: 127 });
    expect(await world.cachelane(['serve', '--keep', '--', 'true'])).toMatchObject({ code: 125 });
  });

  test('cachelane query in it asks that engine for the current project, and opens no session of its own', async () => {
    using world = openWorld();
    const cwd = world.project('web', { 'cachelane.yaml': 'namespace: acme/web\n', 'q.graphql': whoAmI });
    const within = async (line: string): Promise<Awaited<ReturnType<World['cachelane']>>> =>
      await world.cachelane(['serve', '--', 'sh', '-c', line], { cwd });
    const api = world.project('api', { 'cachelane.yaml': 'namespace: acme/api\n' });
    const ask = `CACHELANE_HOME=not-absolute ${self} query`;
    for (const [line, namespace] of [
      [`${ask} q.graphql`, 'acme/web'],
      [`cd ${api} && ${ask} ${join(cwd, 'q.graphql')}`, 'acme/api'],
      [`${ask} -C ${api} q.graphql`, 'acme/api'],
      [`${ask} -C ${api} -n acme/other q.graphql`, 'acme/other'],
    ] as const) {
      const asked = await within(line);
      expect(asked).toMatchObject({ code: 0, stderr: '' });
      expect(namespaceOf(JSON.parse(asked.stdout))).toBe(namespace);
    }

    const wrong = await within(`CACHELANE_ENGINE_TOKEN=wrong ${self} query q.graphql`);
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      errors: [
        {
          extensions: {
            code: 'E_ENGINE_DENIED',
            hint: expect.stringMatching(/^set CACHELANE_ENGINE_TOKEN to the token/),
          },
        },
      ],
    });
    writeFileSync(join(cwd, 'events.graphql'), 'subscription { events { type } }');
    const stream = await within(`${self} query events.graphql`);
    expect([stream.code, JSON.parse(stream.stdout)]).toMatchObject([
      1,
      {
        errors: [
          { extensions: { code: 'E_USAGE', hint: expect.stringContaining('cachelane query prints one answer') } },
        ],
      },
    ]);
    const gone = await within(`CACHELANE_ENGINE=unix:/no/such.sock ${self} query q.graphql`);
    expect([gone.code, gone.stderr]).toEqual([
      1,
      expect.stringContaining('the engine of CACHELANE_ENGINE does not answer'),
    ]);
    const elsewhere = await within(`CACHELANE_ENGINE=http://192.0.2.1:80 ${self} query q.graphql`);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('not the address of an engine')]);
  });

  test('cachelane query leaves no session behind, and with a confined token it has that session’s rights', async () => {
    using world = openWorld();
    const web = world.project('web', { 'cachelane.yaml': 'namespace: acme/web\n', 'q.graphql': whoAmI });
    const api = world.project('api', { 'cachelane.yaml': 'namespace: acme/api\n', 'q.graphql': whoAmI });
    const engine = await startEngine(world, ['--listen', '127.0.0.1:0'], { cwd: web });
    const query = async (cwd: string, token: string, ...argv: string[]): ReturnType<World['cachelane']> =>
      await world.cachelane(['query', ...argv], {
        cwd,
        env: { CACHELANE_ENGINE: engine.address, CACHELANE_ENGINE_TOKEN: token },
      });
    const token = engine.token ?? '';
    const idOf = '{ cacheVolume(key: "data") { id } }';
    const { data } = (await ask(engine, idOf)).answer as { data: { cacheVolume: { id: string } } };
    world.write({ 'attach.graphql': `mutation { attach(volumes: [{ volume: "${data.cacheVolume.id}" }]) { id } }` });
    const attached = await query(web, token, join(world.dir, 'attach.graphql'));
    expect(attached.stdout).toContain('"id": "');
    expect((await ask(engine, '{ sessions { id } }')).answer).toEqual({ data: { sessions: [] } });

    const opened = await ask(engine, 'mutation { openSession(namespace: "acme/web", confine: true) { token } }');
    const { token: confined } = (opened.answer.data as { openSession: { token: string } }).openSession;
    expect(namespaceOf(JSON.parse((await query(api, confined, 'q.graphql')).stdout))).toBe('acme/web');
    expect(namespaceOf(JSON.parse((await query(api, token, 'q.graphql')).stdout))).toBe('acme/api');
    const chosen = await query(web, confined, '-C', api, 'q.graphql');
    expect(chosen.code).toBe(1);
    expect(JSON.parse(chosen.stdout)).toMatchObject({ errors: [{ extensions: { code: 'E_ENGINE_DENIED' } }] });
  });
});

test('query without an engine rejects mutations that would end with the answer', async () => {
  using world = openWorld();
  const cwd = world.project('web', { 'cachelane.yaml': 'namespace: acme/web\n' });
  const asked = async (input: string): Promise<unknown> => {
    const { code, stdout } = await world.cachelane(['query'], { cwd, input });
    return [code, JSON.parse(stdout)];
  };
  const [, { data }] = (await asked('{ cacheVolume(key: "npm") { id } }')) as [
    number,
    { data: { cacheVolume: { id: string } } },
  ];
  const refused = { code: 'E_USAGE', hint: expect.stringContaining('cachelane serve -- COMMAND') };
  for (const field of [
    `attach(volumes: [{ volume: "${data.cacheVolume.id}", mode: WRITE }]) { id }`,
    'openSession { token }',
  ]) {
    expect(await asked(`mutation { ${field} }`)).toMatchObject([1, { errors: [{ extensions: refused }] }]);
  }
});

const socketOf = (world: World): string => join(world.store, 'engine/engine.sock');

describe('at the socket of the home', () => {
  test('one engine serves its user alone, and a second one gets its address', async () => {
    using world = openWorld();
    const engine = await startEngine(world, ['--keep']);
    expect(engine).toMatchObject({ address: `unix:${socketOf(world)}`, token: null, protocolVersion: 1 });
    expect(engine.pid).toBe(engine.started.child.pid);
    expect(statSync(socketOf(world)).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(socketOf(world))).mode & 0o777).toBe(0o700);
    const second = await world.cachelane(['serve']);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringContaining(`already listens at unix:${socketOf(world)}`),
    ]);
    expect((await ask(engine, whoAmI)).status).toBe(200);
    engine.started.child.kill('SIGTERM');
    expect(await engine.started.finished).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(socketOf(world))).toBe(false);
  });

  test('the next engine replaces a killed one; of many that start together, one serves', async () => {
    using world = openWorld();
    const killed = await startEngine(world, ['--keep']);
    const before = (await ask(killed, whoAmI)).answer;
    killed.started.child.kill('SIGKILL');
    await killed.started.finished;
    expect(existsSync(socketOf(world))).toBe(true);
    const all = Array.from({ length: 4 }, () => world.start(['serve', '--json', '--keep']));
    const ended = await Promise.all(
      all.map(async ({ said, finished }) => await Promise.race([said('"address"').then(() => null), finished])),
    );
    const refused = ended.filter((end) => end !== null);
    expect(refused.map(({ code }) => code)).toEqual([1, 1, 1]);
    for (const { stdout } of refused) expect(JSON.parse(stdout)).toEqual({ taken: `unix:${socketOf(world)}` });
    expect((await ask(killed, whoAmI)).answer).toEqual(before);
  });
});

test('an engine with a removed home keeps the socket of its successor', async () => {
  using world = openWorld();
  const first = await startEngine(world, ['--keep']);
  rmSync(world.store, { recursive: true });
  const second = await startEngine(world, ['--keep']);
  first.started.child.kill('SIGTERM');
  await first.started.finished;
  expect((await ask(second, whoAmI)).status).toBe(200);
  second.started.child.kill('SIGTERM');
  expect(await second.started.finished).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(dirname(socketOf(world)))).toEqual(['engine.sock.lock']);
});

test('a session for a missing directory fails with the API’s message', async () => {
  using world = openWorld();
  const engine = await startEngine(world);
  const { answer } = await ask(engine, 'mutation { openSession(directory: "/no/such") { token } }');
  expect(answer.errors?.[0]).toMatchObject({
    message: 'directory "/no/such": there is no such directory',
    extensions: { code: 'E_USAGE' },
  });
});

describe('an engine stops', () => {
  test('after its last client left, or when no client ever came', async () => {
    using world = openWorld();
    const engine = await startEngine(world, ['--idle-timeout', '3']);
    const client = await connectTo(engine);
    client.write('POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    await once(client, 'data');
    const until = performance.now() + 4000;
    while (performance.now() < until) {
      await wait(500);
      expect((await ask(engine, whoAmI)).status).toBe(200);
    }
    client.destroy();
    expect(await engine.started.finished).toMatchObject({ code: 0, stderr: '' });
    expect(await (await startEngine(world, ['--idle-timeout', '0.1'])).started.finished).toMatchObject({ code: 0 });
  });

  test('at a signal with --keep, and not for lack of clients', async () => {
    using world = openWorld();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const engine = await startEngine(world, ['--keep', '--idle-timeout', '0']);
      await ask(engine, whoAmI);
      await wait(200);
      engine.started.child.kill(signal);
      expect(await engine.started.finished).toMatchObject({ code: 0, stderr: '' });
    }
  });
});

test('the engine notices a new project name', async () => {
  using world = openWorld();
  const cwd = world.project('web', { 'cachelane.yaml': 'namespace: acme/web\n' });
  const engine = await startEngine(world, [], { cwd });
  const called = async (): Promise<unknown> => namespaceOf((await ask(engine, whoAmI)).answer);
  expect(await called()).toBe('acme/web');
  writeFileSync(join(cwd, 'cachelane.yaml'), 'namespace: acme/renamed\n');
  while ((await called()) !== 'acme/renamed') await wait(50);
  writeFileSync(join(cwd, 'cachelane.yaml'), 'namespace: [\n');
  for (;;) {
    const { answer } = await ask(engine, whoAmI);
    if (answer.errors?.[0]?.extensions.code === 'E_CONFIG') break;
    await wait(50);
  }
});

describe('an address that is unusable or open to other users', () => {
  test.each([
    [['--listen', '0.0.0.0:0', '--json'], 'is not a valid address'],
    [['--listen', '127.0.0.1', '--json'], 'is not a valid address'],
    [['--listen', '127.0.0.1:0'], 'printed only as JSON'],
    [['--listen', 'unix:open/engine.sock'], 'that only you can access'],
    [['--listen', `unix:${'x'.repeat(120)}`], "the limit of a socket's path is 107"],
    [['--listen', 'unix:own/file'], 'is not a socket'],
    [['--listen', 'unix:none/engine.sock'], 'there is no directory'],
    [['--listen', 'unix:link/engine.sock'], 'is a symlink'],
  ])('%j', async (argv, why) => {
    using world = openWorld();
    mkdirSync(join(world.dir, 'open'), { mode: 0o755 });
    mkdirSync(join(world.dir, 'own'), { mode: 0o700 });
    writeFileSync(join(world.dir, 'own/file'), '');
    symlinkSync('own', join(world.dir, 'link'));
    const { code, stdout, stderr } = await world.cachelane(['serve', ...argv]);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(why)]);
    expect(existsSync(join(world.dir, 'none'))).toBe(false);
  });

  test('a home with a long path has its socket elsewhere', async () => {
    using world = openWorld();
    const run = join(world.dir, 'run');
    mkdirSync(run);
    const env = { CACHELANE_HOME: join(world.dir, 'x'.repeat(100)), XDG_RUNTIME_DIR: run };
    const engine = await startEngine(world, [], { env });
    expect(engine.address).toMatch(new RegExp(`^unix:${run}/cachelane/[0-9a-f]{16}\\.sock$`));
    expect((await ask(engine, whoAmI)).status).toBe(200);
  });
});

const peakBytes = (pid: number): number =>
  Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

describe('hostile clients', () => {
  test('a thousand at once, most with wrong tokens, foreign pages or endless documents', async () => {
    using world = openWorld();
    const engine = await startEngine(world, ['--keep', '--listen', '127.0.0.1:0']);
    const deep = `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(12)} generation ${'} }'.repeat(12)} } } }`;
    const costly = '{ namespaces(first: 1000) { nodes { volumes(first: 1000) { nodes { key } } } } }';
    const kinds: readonly (() => Promise<number | string | undefined>)[] = [
      async () => (await ask({ ...engine, token: 'wrong' }, whoAmI)).status,
      async () => (await ask({ ...engine, token: null }, whoAmI)).status,
      async () => (await ask(engine, whoAmI, { origin: 'https://evil.example' })).status,
      async () => (await ask(engine, whoAmI, { host: 'evil.example' })).status,
      async () => (await ask(engine, ' '.repeat(300_000))).status,
      async () => (await ask(engine, deep)).answer.errors?.[0]?.extensions.code,
      async () => (await ask(engine, costly)).answer.errors?.[0]?.extensions.code,
      async () => (await ask(engine, '{ cacheVolume(key: "npm") { id } }')).status,
    ];
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => await kinds[index % kinds.length]?.()),
    );
    const wanted = [401, 401, 403, 403, 413, 'E_LIMIT', 'E_LIMIT', 200];
    expect(answers).toEqual(answers.map((_, index) => wanted[index % wanted.length]));
    expect(peakBytes(engine.pid)).toBeLessThan(512 << 20);
    engine.started.child.kill('SIGTERM');
    const { code, stdout, stderr } = await engine.started.finished;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split(String(engine.token))).toHaveLength(2);
  });

  test('five hundred that send nothing or half a request do not block other clients', async () => {
    using world = openWorld();
    const engine = await startEngine(world, ['--keep']);
    const slow = await Promise.all(Array.from({ length: 500 }, async () => await connectTo(engine)));
    for (const [index, socket] of slow.entries())
      if (index % 2 === 0) socket.write('POST /query HTTP/1.1\r\nHost: x\r\n');
    expect((await ask(engine, whoAmI)).status).toBe(200);
    await Promise.all(
      slow.map(async (socket) => await new Promise((resolve) => socket.resume().once('close', resolve))),
    );
    expect((await ask(engine, whoAmI)).status).toBe(200);
  });
});
