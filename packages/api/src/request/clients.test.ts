import { parseNamespace, type NamespaceId } from '@cachelane/core';
import { noAbort, type MemoryVolume } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openApi } from '../execute/api.ts';
import { sessionIdleMs } from './clients.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';
import type { ProjectPlace } from './world.ts';

const aNamespaceId = `ns_${'a'.repeat(32)}` as NamespaceId;

async function openSession(on: TestWorld, args: string): Promise<string> {
  const { openSession } = await on.data(`mutation { openSession(${args}) { token } }`);
  return (openSession as { readonly token: string }).token;
}

const codeOf = async (on: TestWorld, query: string, session: string | null): Promise<string | undefined> =>
  (await on.ask(query, { session })).errors?.[0]?.extensions.code;

describe('a session', () => {
  test('acts for its own project, beside others on one engine', async () => {
    await using on = testWorld();
    await on.save('/api', 'npm', { a: '1' });
    const session = await openSession(on, 'directory: "/api"');
    const query = '{ context { namespace } cacheVolume(key: "npm") { namespace head { generation } } }';
    expect(await on.data(query, { session })).toEqual({
      context: { namespace: 'github.com/acme/api' },
      cacheVolume: { namespace: 'github.com/acme/api', head: { generation: 1 } },
    });
    expect(await on.data(query)).toEqual({
      context: { namespace: 'github.com/acme/web' },
      cacheVolume: { namespace: 'github.com/acme/web', head: null },
    });
  });

  test("has the environment of its program, not the engine's", async () => {
    await using on = testWorld();
    const inCi = await openSession(on, 'environment: [{ name: "TEST_LANE", value: "t1:pr:12" }]');
    const plain = await openSession(on, 'environment: []');
    const lane = async (session: string): Promise<unknown> => await on.data('{ context { lane } }', { session });
    expect(await lane(inCi)).toEqual({ context: { lane: 't1:pr:12' } });
    expect(await lane(plain)).toEqual({ context: { lane: 't1:local' } });
  });

  test('is refused if all environments together are too large, and accepted after others ended', async () => {
    await using on = testWorld();
    const open = 'mutation ($value: String!) { openSession(environment: [{ name: "V", value: $value }]) { token } }';
    const variables = { value: 'x'.repeat(12_000_000) };
    const tokens: string[] = [];
    for (let count = 0; count < 2; count++) {
      const { openSession } = await on.data(open, { variables });
      tokens.push((openSession as { readonly token: string }).token);
    }
    expect((await on.ask(open, { variables })).errors?.[0]?.extensions).toMatchObject({
      code: 'E_LIMIT',
      retryable: true,
    });
    await on.data('mutation { closeSession }', { session: tokens[0] ?? null });
    expect((await on.ask(open, { variables })).errors).toBeUndefined();
  });

  test('ends when it is closed, and a minute after its last request', async () => {
    await using on = testWorld();
    const closed = await openSession(on, 'directory: "/api"');
    expect(await on.data('mutation { closeSession }', { session: closed })).toEqual({ closeSession: true });
    expect(await codeOf(on, '{ context { lane } }', closed)).toBe('E_SESSION_GONE');

    const [idle, busy] = [await openSession(on, 'directory: "/api"'), await openSession(on, 'directory: "/api"')];
    on.pass(sessionIdleMs - 10_000);
    await on.data('{ context { lane } }', { session: busy });
    on.pass(15_000);
    await on.api.sweep();
    expect(await codeOf(on, '{ context { lane } }', idle)).toBe('E_SESSION_GONE');
    expect(await codeOf(on, '{ context { lane } }', busy)).toBeUndefined();
    expect(on.api.sessionCount).toBe(1);
  });

  test('is not closed by a caller without one', async () => {
    await using on = testWorld();
    expect(await on.data('mutation { closeSession }')).toEqual({ closeSession: false });
  });

  test('with a relative directory is refused', async () => {
    await using on = testWorld();
    expect(await codeOf(on, 'mutation { openSession(directory: "../api") { token } }', null)).toBe('E_USAGE');
    expect(on.api.sessionCount).toBe(0);
  });
});

const removing = (args: string): string => `mutation ($id: ID!) { remove(volume: $id, ${args}) { generation } }`;

const scoped = (names: string): string =>
  `{ cacheVolume(key: "npm", scope: ${names}) { id namespace heads { lane } } }`;

describe('a confined session', () => {
  test('sees its own project, and gets the same answer for existing and missing others, parents included', async () => {
    await using on = testWorld({ parents: ['github.com/acme'] });
    for (const directory of ['/web', '/secret']) await on.save(directory, 'npm', { a: '1' });
    const ids = (await on.data(`{
      secret: cacheVolume(key: "npm", namespace: "github.com/acme/secret") { id head { id layers { id } } }
      none: cacheVolume(key: "npm", namespace: "github.com/acme/none") { id }
    }`)) as unknown as { secret: { id: string; head: { id: string; layers: { id: string }[] } }; none: { id: string } };
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');

    const ask = async (name: string): Promise<unknown> =>
      (await on.ask(`{ cacheVolume(key: "npm", namespace: "github.com/acme/${name}") { id } }`, { session })).errors;
    const [secret, none] = [await ask('secret'), await ask('none')];
    expect(JSON.stringify(secret).replaceAll('secret', 'none')).toBe(JSON.stringify(none));
    expect(secret).toMatchObject([{ extensions: { code: 'E_NOT_FOUND' } }]);

    for (const id of [ids.secret.id, ids.none.id, ids.secret.head.id, ids.secret.head.layers[0]?.id]) {
      const query = 'query ($id: ID!) { node(id: $id) { id } }';
      expect(await on.data(query, { variables: { id }, session })).toEqual({ node: null });
      const removal = 'mutation ($id: ID!) { remove(volume: $id, dryRun: true) { lane } }';
      const removed = await on.ask(removal, { variables: { id }, session });
      expect(removed.errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
    }
    const listed = await on.data(
      '{ namespaces { nodes { path } } volumes { nodes { namespace } } usage { namespace } namespace(path: "github.com/acme/secret") { id } sessions { id } }',
      { session },
    );
    expect(JSON.stringify(listed)).not.toContain('secret');
    expect(listed).toMatchObject({ namespaces: { nodes: [{ path: 'github.com/acme/web' }] }, namespace: null });
    expect(await codeOf(on, '{ policies(namespace: "github.com/acme/secret") { key } }', session)).toBe('E_NOT_FOUND');
    expect(await codeOf(on, '{ cacheVolume(key: "npm", namespace: "github.com/acme") { id } }', session)).toBe(
      'E_NOT_FOUND',
    );
    expect(await on.data('{ context { readChain { namespace } } }', { session })).toEqual({
      context: { readChain: [{ namespace: 'github.com/acme/web' }] },
    });
    expect(await codeOf(on, '{ cacheVolume(key: "x", scope: ["lib"]) { id } }', session)).toBeUndefined();
  });

  test('may know a layer that another project fed to its tier, and nothing else of that project', async () => {
    const acme = parseNamespace('github.com/acme');
    await using on = testWorld({ parents: [acme] });
    const { metadata } = on.world.deps;
    const { namespace } = await metadata.createNamespace({ path: acme, freshId: aNamespaceId, atMs: 0 }, noAbort);
    const from = { namespace: parseNamespace('github.com/acme/api'), below: false };
    const rule = { tierId: namespace.id, from, volume: null, lanes: 'default', atMs: 0, by: 'ann' } as const;
    await metadata.putFeed(rule, noAbort);
    const to = { namespace: parseNamespace('github.com/acme/web'), below: false };
    const shared = {
      ownerId: namespace.id,
      volume: null,
      to,
      access: 'read',
      trust: 'T1',
      atMs: 0,
      by: 'ann',
    } as const;
    await metadata.putGrant(shared, noAbort);
    for (const directory of ['/api', '/secret']) await on.save(directory, 'npm', { [directory.slice(1)]: '1' });
    const layersOf = async (name: string): Promise<readonly { readonly id: string }[]> => {
      const query = `{ cacheVolume(key: "npm", namespace: "github.com/acme/${name}") { head { layers { id } } } }`;
      const { cacheVolume } = await on.data(query);
      return (cacheVolume as { readonly head: { readonly layers: readonly { readonly id: string }[] } }).head.layers;
    };
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const query = 'query ($id: ID!) { node(id: $id) { id } }';
    const [fed, secret] = [(await layersOf('api'))[0]?.id, (await layersOf('secret'))[0]?.id];
    expect(await on.data(query, { variables: { id: fed }, session })).toEqual({ node: { id: fed } });
    expect(await on.data(query, { variables: { id: secret }, session })).toEqual({ node: null });
    expect(await codeOf(on, '{ cacheVolume(key: "npm", namespace: "github.com/acme/api") { id } }', session)).toBe(
      'E_NOT_FOUND',
    );
  });

  test.each([
    ['github.com/acme', '/web'],
    ['github.com/acme/web', '/web/services/api'],
  ])('of %s does not see projects below it, such as %s', async (namespace, below) => {
    await using on = testWorld();
    await on.save(below, 'npm', { a: '1' });
    const inner = `github.com/acme${below}`;
    const session = await openSession(on, `namespace: "${namespace}", confine: true`);
    const id = 'mutation ($id: ID!) { remove(volume: $id, dryRun: true) { lane } }';
    const { cacheVolume } = await on.data(`{ cacheVolume(key: "npm", namespace: "${inner}") { id } }`);
    const variables = cacheVolume as { readonly id: string };
    expect((await on.ask(id, { variables, session })).errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
    for (const [asked, code] of [
      [`{ cacheVolume(key: "npm", namespace: "${inner}") { id } }`, 'E_NOT_FOUND'],
      [`mutation { setPolicy(namespace: "${inner}", key: "keep-pr", value: "1d") { key } }`, 'E_USAGE'],
    ] as const) {
      expect(await codeOf(on, asked, session)).toBe(code);
    }
    const listed =
      '{ namespaces { nodes { path } } volumes { nodes { key } } under: volumes(under: "github.com") { nodes { key } } usage { namespace } }';
    const nothing = { nodes: [] };
    expect(await on.data(listed, { session })).toEqual({
      namespaces: nothing,
      volumes: nothing,
      under: nothing,
      usage: [],
    });
  });

  test('cannot set policies, even of its own namespace, since they apply to projects below it and other lanes', async () => {
    await using on = testWorld();
    const acme = 'github.com/acme';
    await on.data(`mutation { setPolicy(namespace: "${acme}", key: "keep-branch", value: "20d") { key } }`);
    const session = await openSession(on, `namespace: "${acme}", confine: true`);
    const below = `{ policies(namespace: "${acme}/web") { key value } }`;
    const before = await on.data(below);
    expect(before).toMatchObject({ policies: expect.arrayContaining([{ key: 'keep-branch', value: '20d' }]) });
    const asked = ['key: "keep-branch", value: "1d"', 'key: "keep-branch"', 'key: "volume-budget:npm", value: "1B"'];
    for (const args of [...asked, ...asked.map((each) => `namespace: "${acme}", ${each}`)]) {
      const { errors } = await on.ask(`mutation { setPolicy(${args}) { key } }`, { session });
      expect(errors?.[0]).toMatchObject({
        message: 'a confined session cannot set policies',
        extensions: { code: 'E_USAGE', hint: expect.stringContaining('cachelane.yaml') },
      });
    }
    expect(await on.data(below)).toEqual(before);
  });

  test('has its own scopes, which do not reach projects below it', async () => {
    await using on = testWorld();
    await on.save('/web/services/api', 'npm', { a: '1' });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const { cacheVolume } = await on.data(scoped('["services", "api"]'), { session });
    expect(cacheVolume).toMatchObject({ namespace: 'github.com/acme/web/scope%2Fservices/api', heads: [] });
    const variables = cacheVolume as { readonly id: string };
    expect(await on.data(removing('dryRun: true'), { variables, session })).toEqual({ remove: [] });
    const own = '{ cacheVolume(key: "npm", namespace: "github.com/acme/web/scope%2Fservices/api") { id } }';
    expect(await on.data(own, { session })).toEqual({ cacheVolume: { id: variables.id } });
  });

  test('cannot change volumes that it may only read', async () => {
    await using on = testWorld({ parents: ['github.com/acme/shared'] });
    await on.save('/shared', 'npm', { a: '1' });
    await on.data(
      'mutation { grant(namespace: "github.com/acme/shared", key: "npm", to: "github.com/acme/web") { by } }',
    );
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const { cacheVolume } = await on.data(
      '{ cacheVolume(key: "npm", namespace: "github.com/acme/shared") { id head { generation } } }',
      { session },
    );
    const { id, head } = cacheVolume as { readonly id: string; readonly head: object };
    expect(head).toEqual({ generation: 1 });
    const outside = 'E_USAGE: a confined session cannot change anything outside github.com/acme/web';
    const ungranted = 'E_GRANT: github.com/acme/web has no grant to write github.com/acme/shared:npm on lane t1:local';
    const noPolicy = 'E_USAGE: a confined session cannot set policies';
    const unknown = 'E_NOT_FOUND: this session knows of no namespace github.com/acme/shared';
    for (const [field, refusal] of [
      ['remove(volume: $id) { lane }', outside],
      ['rollback(volume: $id) { lane }', outside],
      ['prune(volume: $id) { command }', outside],
      ['attach(volumes: [{ volume: $id }]) { id }', ungranted],
      ['attach(volumes: [{ volume: $id, mode: WRITE_ONLY }]) { id }', ungranted],
      ['setPolicy(namespace: "github.com/acme/shared", key: "keep-pr", value: "1d") { key }', noPolicy],
      ['grant(namespace: "github.com/acme/shared", key: "pip", to: "github.com/acme/web") { by }', unknown],
      ['addFeed(namespace: "github.com/acme/shared", from: "github.com/acme/web") { by }', unknown],
    ] as const) {
      const query = field.includes('$id') ? `mutation ($id: ID!) { ${field} }` : `mutation { ${field} }`;
      const { errors } = await on.ask(query, { variables: { id }, session });
      expect(`${errors?.[0]?.extensions.code}: ${errors?.[0]?.message}`).toBe(refusal);
    }
  });

  test.each(['allLanes: true', 'lane: "t2:ref:main"'])(
    'writes its own lane only: remove(%s) is refused',
    async (args) => {
      await using on = testWorld();
      await on.save('/web', 'npm', { a: '1' });
      const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
      const { cacheVolume } = await on.data('{ cacheVolume(key: "npm") { id } }', { session });
      const asking = { variables: cacheVolume as { readonly id: string }, session };
      expect((await on.ask(removing(args), asking)).errors?.[0]).toMatchObject({
        message: 'a confined session can remove only lane t1:local',
        extensions: { code: 'E_USAGE' },
      });
      expect(await on.data(removing('lane: "t1:local"'), asking)).toEqual({ remove: [{ generation: 1 }] });
    },
  );

  test('is not told whether others have the same layer', async () => {
    await using on = testWorld();
    for (const directory of ['/web', '/secret']) await on.save(directory, 'npm', { a: directory });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const { metadata } = on.world.deps;
    const { signal } = new AbortController();
    const namespace = await metadata.findNamespace(parseNamespace('github.com/acme/web'), signal);
    const volumes = await metadata.listVolumes(signal);
    const heads = await metadata.listHeads(signal);
    const own = volumes.find(({ namespaceId }) => namespaceId === namespace?.id);
    const mine = heads.find(({ volumeId }) => volumeId === own?.id);
    const other = heads.find(({ volumeId }) => volumeId !== own?.id);
    if (mine === undefined || other === undefined) throw new Error('both have a head');
    const query = '{ usage { namespace sizeBytes uniqueBytes } }';
    const before = await on.data(query, { session });
    await metadata.commit(
      {
        ...other,
        expectedGeneration: other.generation,
        layers: [...other.layers, ...mine.layers],
        layer: null,
        rewritten: [],
        counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
        atMs: other.updatedAtMs + 1,
      },
      signal,
    );
    expect(await on.data(query, { session })).toEqual(before);
    expect(await on.data(query)).toMatchObject({
      usage: expect.arrayContaining([{ namespace: 'github.com/acme/web', sizeBytes: 4, uniqueBytes: 0 }]),
    });
  });

  test('gets its namespace from the caller, and reads no directory', async () => {
    await using on = testWorld();
    const opened: unknown[] = [];
    const openProject = on.world.openProject.bind(on.world);
    Object.assign(on.world, {
      openProject: async (place: ProjectPlace) => {
        opened.push(place.directory);
        return await openProject(place);
      },
    });
    for (const place of ['', 'directory: "/secret", ', 'directory: "/secret", environment: [], ']) {
      const { errors } = await on.ask(`mutation { openSession(${place}confine: true) { token } }`);
      expect(errors).toMatchObject([
        {
          message: 'a confined session needs an explicit namespace',
          extensions: { code: 'E_USAGE', hint: expect.stringContaining('namespace') },
        },
      ]);
    }
    expect(opened).not.toContain('/secret');
    expect(on.api.sessionCount).toBe(0);
  });

  test("gets the namespace of the engine's start if it names no directory", async () => {
    await using on = testWorld();
    const teams = parseNamespace('teams/site');
    await using api = openApi(on.world, { directory: '/web', namespace: teams, environment: null, isConfined: false });
    const open = async (args: string): Promise<unknown> => {
      const query = `mutation { openSession(${args}) { context { namespace } } }`;
      const { data, errors } = await api.execute({ query, variables: {}, operationName: null }, null, noAbort);
      return errors?.[0]?.extensions.code ?? data;
    };
    const context = { namespace: teams };
    expect(await open('confine: true')).toEqual({ openSession: { context } });
    expect(await open('confine: false')).toEqual({ openSession: { context } });
    expect(await open('directory: "/api", confine: true')).toBe('E_USAGE');
    expect(await open('directory: "/api"')).toEqual({ openSession: { context: { namespace: 'github.com/acme/api' } } });
  });

  test("cannot make the engine run a tool's command", async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const ran: MemoryVolume[] = [];
    on.onCommand((volume) => void ran.push(volume));
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const { cacheVolume } = await on.data('{ cacheVolume(key: "npm") { id } }', { session });
    const variables = cacheVolume as { readonly id: string };
    for (const dryRun of [true, false]) {
      const query = `mutation ($id: ID!) { prune(volume: $id, dryRun: ${dryRun}) { command } }`;
      const { errors } = await on.ask(query, { variables, session });
      expect(errors?.[0]).toMatchObject({
        message: "a confined session cannot run a tool's clean-up command",
        extensions: { code: 'E_USAGE' },
      });
    }
    expect(ran).toEqual([]);
  });

  test("stays bound to its project, even if the project's files change", async () => {
    await using on = testWorld();
    await on.save('/secret', 'npm', { a: '1' });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    on.turnInto('/web', '/secret');
    const query = '{ context { namespace } cacheVolume(key: "npm") { head { generation } } volumes { nodes { key } } }';
    expect(await on.data(query, { session })).toEqual({
      context: { namespace: 'github.com/acme/web' },
      cacheVolume: { head: null },
      volumes: { nodes: [] },
    });
  });

  test.each([
    ['opens no other session', 'mutation { openSession(directory: "/secret") { token } }'],
    [
      'renames nothing',
      'mutation { renameNamespace(from: "github.com/acme/web", to: "github.com/acme/secret") { namespace } }',
    ],
    ['adopts nothing', 'mutation { adopt(from: "github.com/acme/secret") { namespace } }'],
    [
      'reveals nothing about others',
      'mutation { setPolicy(namespace: "github.com/acme/secret", key: "keep-pr", value: "1d") { key } }',
    ],
  ])('%s', async (_, query) => {
    await using on = testWorld();
    await on.save('/secret', 'npm', { a: '1' });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    expect(await codeOf(on, query, session)).toMatch(/^E_(USAGE|NOT_FOUND|ENGINE_DENIED)$/);
  });
});
