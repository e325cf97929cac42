import { describe, expect, test } from 'vitest';
import { attachQuery, idOf, type ForkFacts } from './mutations-killed.fixture.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

const web = 'github.com/acme/web';
const shared = 'github.com/acme/shared';

async function openSession(on: TestWorld, args: string): Promise<string> {
  const { openSession: opened } = await on.data(`mutation { openSession(${args}) { token } }`);
  return (opened as { readonly token: string }).token;
}

const confined = async (on: TestWorld): Promise<string> =>
  await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');

async function grant(on: TestWorld, args: string): Promise<object> {
  return await on.data(`mutation { grant(namespace: "${shared}", to: "${web}", ${args}) { access trust by } }`);
}

async function withdraw(on: TestWorld, args: string): Promise<object> {
  return await on.data(`mutation { withdrawGrant(namespace: "${shared}", to: "${web}", ${args}) { key } }`);
}

async function attach(on: TestWorld, session: string, volumes: readonly object[]): Promise<ForkFacts> {
  const { attach: fork } = await on.data(attachQuery, { variables: { volumes }, session });
  return fork as ForkFacts;
}

const filesIn = (on: TestWorld, fork: ForkFacts, index = 0): readonly string[] =>
  ['own', 'theirs', 'pip'].filter((file) => on.directory(fork.volumes[index]?.directory ?? '').exists(file));

async function commit(on: TestWorld, session: string, fork: string): Promise<readonly object[]> {
  const query = 'mutation ($fork: ID!) { commit(fork: $fork) { key added skipped } }';
  return (await on.data(query, { variables: { fork }, session }))['commit'] as readonly object[];
}

async function codeOf(on: TestWorld, query: string, session: string | null = null): Promise<string | undefined> {
  return (await on.ask(query, { session })).errors?.[0]?.extensions.code;
}

/** A project, and a parent that grants it volumes. */
async function twoProjects(parents: readonly string[] = []): Promise<TestWorld> {
  const on = testWorld({ parents });
  await on.save('/web', 'npm', { own: '1' });
  await on.save('/shared', 'npm', { theirs: '1' });
  await on.save('/shared', 'pip', { pip: '1' });
  return on;
}

describe('a grant', () => {
  test('is created, replaced, repeated and withdrawn', async () => {
    await using on = await twoProjects();
    const read = { grant: { access: 'READ', trust: 'T1', by: 'ann' } };
    expect(await grant(on, 'key: "npm", dryRun: true')).toEqual(read);
    const listed = `{ namespace(path: "${shared}") { grants { namespace key to access at } } to: namespace(path: "${web}") { grants { key } granted { namespace key to } } }`;
    const none = { namespace: { grants: [] }, to: { grants: [], granted: [] } };
    expect(await on.data(listed)).toEqual(none);
    expect(await grant(on, 'key: "npm"')).toEqual(read);
    const before = await on.data(listed);
    expect(before).toEqual({
      namespace: { grants: [{ namespace: shared, key: 'npm', to: web, access: 'READ', at: expect.any(String) }] },
      to: { grants: [], granted: [{ namespace: shared, key: 'npm', to: web }] },
    });
    expect(await grant(on, 'key: "npm"')).toEqual(read);
    expect(await on.data(listed)).toEqual(before);
    expect(await grant(on, 'key: "npm", access: WRITE')).toEqual({
      grant: { access: 'WRITE', trust: 'T1', by: 'ann' },
    });
    expect(await withdraw(on, 'all: true')).toEqual({ withdrawGrant: [] });
    expect(await withdraw(on, 'key: "npm", dryRun: true')).toEqual({ withdrawGrant: [{ key: 'npm' }] });
    expect(await withdraw(on, 'key: "npm"')).toEqual({ withdrawGrant: [{ key: 'npm' }] });
    expect(await on.data(listed)).toEqual(none);
  });

  test('makes its owner permanent, and is removed with it', async () => {
    await using on = testWorld();
    await on.data('mutation { grant(namespace: "teams/site", all: true, to: "github.com/acme/**") { by } }');
    expect(await on.data('{ namespace(path: "teams/site") { grants { key to } } }')).toEqual({
      namespace: { grants: [{ key: null, to: 'github.com/acme/**' }] },
    });
  });

  test.each([
    [`key: "npm", to: "${web}"`, 'E_USAGE'],
    [`to: "teams/x"`, 'E_USAGE'],
    [`key: "npm", all: true, to: "teams/x"`, 'E_USAGE'],
    [`key: "npm", to: "teams/x", access: WRITE, trust: T0`, 'E_USAGE'],
    [`key: "npm", to: "teams/x", access: WRITE, trust: T2`, 'E_USAGE'],
    [`key: "npm", to: "Teams X"`, 'E_NAMESPACE'],
    [`key: "npm", to: "teams/*"`, 'E_NAMESPACE'],
  ])('(%s) is refused', async (args, code) => {
    await using on = await twoProjects();
    expect(await codeOf(on, `mutation { grant(${args}) { by } }`)).toBe(code);
    expect(await on.data(`{ namespace(path: "${web}") { grants { key } } }`)).toEqual({ namespace: { grants: [] } });
  });

  test('can be given by a confined session for its own project only, which is recorded', async () => {
    await using on = await twoProjects();
    const session = await confined(on);
    const query = 'mutation { grant(key: "npm", to: "teams/x") { by } }';
    expect(await on.data(query, { session })).toEqual({ grant: { by: `a session confined to ${web}` } });
    expect(await codeOf(on, query.replace('key:', `namespace: "${shared}", key:`), session)).toBe('E_NOT_FOUND');
    const fork = await openSession(on, 'directory: "/fork"');
    expect(await codeOf(on, query, fork)).toBe('E_USAGE');
  });
});

describe('a confined session', () => {
  test('finds granted volumes by address, read-only, and nothing else of their owner', async () => {
    await using on = await twoProjects();
    await grant(on, 'key: "npm"');
    const session = await confined(on);
    const id = await idOf(on, 'npm', shared);
    const fork = await attach(on, session, [{ volume: id, mode: 'READ' }]);
    expect(filesIn(on, fork)).toEqual(['theirs']);
    expect(await codeOf(on, `{ cacheVolume(key: "pip", namespace: "${shared}") { id } }`, session)).toBe('E_NOT_FOUND');
    const { errors } = await on.ask(attachQuery, { variables: { volumes: [{ volume: id }] }, session });
    expect(errors?.[0]?.extensions.code).toBe('E_GRANT');
    await withdraw(on, 'key: "npm"');
    // The session keeps reading its open volumes.
    expect(filesIn(on, fork)).toEqual(['theirs']);
    expect(await commit(on, session, fork.id)).toEqual([{ key: 'npm', added: 0, skipped: 'mode read' }]);
    expect(await codeOf(on, `{ cacheVolume(key: "npm", namespace: "${shared}") { id } }`, session)).toBe('E_NOT_FOUND');
  });

  test('reads granted volumes of its parents, as long as they are granted', async () => {
    await using on = await twoProjects([shared]);
    const [npm, pip] = [await idOf(on, 'npm'), await idOf(on, 'pip')];
    const inAll = async (session: string): Promise<readonly (readonly string[])[]> => {
      const fork = await attach(on, session, [{ volume: npm }, { volume: pip }]);
      return [filesIn(on, fork, 0), filesIn(on, fork, 1)];
    };
    const chain = async (session: string): Promise<unknown> =>
      (await on.data('{ context { readChain { namespace } } }', { session }))['context'];
    const [before, own] = [await confined(on), { namespace: web }];
    expect(await inAll(before)).toEqual([['own'], []]);
    expect(await chain(before)).toEqual({ readChain: [own] });
    await grant(on, 'key: "npm"');
    expect(await inAll(before)).toEqual([['own', 'theirs'], []]);
    expect(await chain(before)).toEqual({ readChain: [own, { namespace: shared }] });
    const blame = 'query ($id: ID!) { node(id: $id) { ... on CacheVolume { blame(path: "theirs") { lane } } } }';
    expect(await on.data(blame, { variables: { id: npm }, session: before })).toEqual({
      node: { blame: [{ lane: 't1:local' }] },
    });
    await withdraw(on, 'key: "npm"');
    expect(await inAll(before)).toEqual([['own'], []]);
    expect(await on.data(blame, { variables: { id: npm }, session: before })).toEqual({ node: { blame: [] } });
    // An unconfined session needs no grant for its parents.
    expect(await inAll(await openSession(on, 'directory: "/web"'))).toEqual([['own', 'theirs'], ['pip']]);
  });

  test('does not inherit grants that its grantor received, in a circle or not', async () => {
    await using on = await twoProjects();
    await on.save('/far', 'npm', { pip: '1' });
    const [first, last] = [shared, 'github.com/acme/far'];
    for (const [from, to] of [
      [first, web],
      [last, first],
      [web, last],
    ] as const) {
      await on.data(`mutation { grant(namespace: "${from}", all: true, to: "${to}", access: WRITE) { by } }`);
    }
    const session = await confined(on);
    const listed = await on.data('{ volumes { nodes { namespace } } }', { session });
    const namespaces = (listed['volumes'] as { nodes: readonly { namespace: string }[] }).nodes.map(
      (each) => each.namespace,
    );
    expect(new Set(namespaces)).toEqual(new Set([web, first]));
    expect(await codeOf(on, `{ cacheVolume(key: "npm", namespace: "${last}") { id } }`, session)).toBe('E_NOT_FOUND');
  });

  test("can be seeded from a granted volume only, also by its project's file", async () => {
    await using on = await twoProjects();
    const session = await confined(on);
    const volumes = [{ volume: await idOf(on, 'npm'), source: { volume: await idOf(on, 'npm', shared) } }];
    const { errors } = await on.ask(attachQuery, { variables: { volumes }, session });
    expect(errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
    await grant(on, 'all: true');
    expect(filesIn(on, await attach(on, session, volumes))).toEqual(['own', 'theirs']);
  });

  test('saves to a writable volume on its own lane, until the grant is withdrawn', async () => {
    await using on = await twoProjects();
    await grant(on, 'key: "npm", access: WRITE');
    const session = await confined(on);
    const volumes = [{ volume: await idOf(on, 'npm', shared) }, { volume: await idOf(on, 'npm') }];
    const write = async (file: string): Promise<ForkFacts> => {
      const fork = await attach(on, session, volumes);
      for (const { directory } of fork.volumes) on.directory(directory).write(file, '1');
      return fork;
    };
    const first = await write('one');
    const saved = { key: 'npm', added: 1, skipped: null };
    expect(await commit(on, session, first.id)).toEqual([saved, saved]);
    const heads = async (namespace: string): Promise<unknown> =>
      (await on.data(`{ cacheVolume(key: "npm", namespace: "${namespace}") { heads { lane generation } } }`))[
        'cacheVolume'
      ];
    expect(await heads(shared)).toEqual({ heads: [{ lane: 't1:local', generation: 2 }] });

    const second = await write('two');
    await withdraw(on, 'key: "npm"');
    const why = `${web} has no grant to write ${shared}:npm on lane t1:local`;
    const outcome = [{ key: 'npm', added: 0, skipped: why }, saved];
    expect(await commit(on, session, second.id)).toEqual(outcome);
    // After a lost answer it gets the same result, even without the grant.
    expect(await commit(on, session, second.id)).toEqual(outcome);
    expect(await heads(shared)).toEqual({ heads: [{ lane: 't1:local', generation: 2 }] });
    expect(await heads(web)).toEqual({ heads: [{ lane: 't1:local', generation: 3 }] });
  });

  test("saves to other projects' volumes on lanes of the granted level only", async () => {
    await using on = await twoProjects();
    await on.data(
      `mutation { grant(namespace: "${shared}", to: "${web}", key: "npm", access: WRITE, trust: T1) { by } }`,
    );
    const session = await openSession(
      on,
      'directory: "/web", namespace: "github.com/acme/web", confine: true, environment: [{ name: "TEST_LANE", value: "t2:ref:main" }]',
    );
    const variables = { volumes: [{ volume: await idOf(on, 'npm', shared) }] };
    const { errors } = await on.ask(attachQuery, { variables, session });
    expect(errors?.[0]).toMatchObject({
      message: `${web} has no grant to write ${shared}:npm on lane t2:ref:main`,
      extensions: { code: 'E_GRANT' },
    });
  });

  test('with a read grant gets a hint to attach in read mode', async () => {
    await using on = await twoProjects();
    await grant(on, 'key: "npm"');
    const session = await confined(on);
    const volume = await idOf(on, 'npm', shared);
    const { errors } = await on.ask(attachQuery, { variables: { volumes: [{ volume }] }, session });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'E_GRANT',
      hint: expect.stringMatching(/^attach it with mode READ, which saves nothing; .* --to .* --write$/) as unknown,
    });
    expect((await attach(on, session, [{ volume, mode: 'READ' }])).volumes).toHaveLength(1);
  });

  test('gets a warning about a grant that was withdrawn during its work', async () => {
    await using on = await twoProjects();
    await grant(on, 'key: "npm", access: WRITE');
    const session = await confined(on);
    const fork = await attach(on, session, [{ volume: await idOf(on, 'npm', shared) }]);
    const { signal, ...stop } = endless();
    const events = on.api.stream(
      { query: 'subscription { events { type code message } }', variables: {}, operationName: null },
      session,
      signal,
    );
    const heard = events.next();
    await withdraw(on, 'key: "npm"');
    await commit(on, session, fork.id);
    expect((await heard).value).toMatchObject({ data: { events: { type: 'WARNING', code: 'E_GRANT' } } });
    stop.end();
  });

  test('shares no directory with a session that may see more', async () => {
    await using on = await twoProjects([shared]);
    const volumes = [{ volume: await idOf(on, 'npm'), sharing: 'SHARED' }];
    const kept = keptKeys(on);
    await attach(on, await openSession(on, 'directory: "/web"'), volumes);
    const one = await confined(on);
    await attach(on, one, volumes);
    await attach(on, await confined(on), volumes);
    await grant(on, 'key: "npm"');
    await attach(on, one, volumes);
    const [plain, bounded, same, granted] = kept;
    expect(same).toBe(bounded);
    expect(new Set([plain, bounded, granted]).size).toBe(3);
  });
});

function endless(): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, end: () => controller.abort() };
}

/** The key of directories that runs share. */
function keptKeys(on: TestWorld): readonly string[] {
  const keys: string[] = [];
  const { live } = on.world.deps.mounters;
  const plain = live.attach.bind(live);
  live.attach = async (request, signal) => {
    keys.push(request.kept?.key ?? '');
    return await plain(request, signal);
  };
  return keys;
}

test('a feed rule is created once, listed with its tier and volumes, and removed', async () => {
  await using on = await twoProjects();
  const args = `namespace: "${shared}", from: "${web}", key: "npm"`;
  const rule = { namespace: shared, from: web, key: 'npm', lanes: 'default', by: 'ann' };
  const add = `mutation { addFeed(${args}) { namespace from key lanes by } }`;
  expect(await on.data(add)).toEqual({ addFeed: rule });
  expect(await on.data(add)).toEqual({ addFeed: rule });
  const listed = `{ namespace(path: "${shared}") { feeds { from key } } npm: cacheVolume(key: "npm", namespace: "${shared}") { feeds { from } } pip: cacheVolume(key: "pip", namespace: "${shared}") { feeds { from } } }`;
  expect(await on.data(listed)).toEqual({
    namespace: { feeds: [{ from: web, key: 'npm' }] },
    npm: { feeds: [{ from: web }] },
    pip: { feeds: [] },
  });
  for (const [refused, code] of [
    [`from: "${web}"`, 'E_USAGE'],
    [`namespace: "${shared}", from: "${web}", lanes: "t0:run:1"`, 'E_USAGE'],
    [`namespace: "${shared}", from: "${web}", lanes: "main"`, 'E_USAGE'],
  ] as const) {
    expect(await codeOf(on, `mutation { addFeed(${refused}) { by } }`), refused).toBe(code);
  }
  const remove = `mutation { removeFeed(${args}) { key } }`;
  expect(await on.data(remove)).toEqual({ removeFeed: [{ key: 'npm' }] });
  expect(await on.data(remove)).toEqual({ removeFeed: [] });
});

test("a confined session cannot add feed rules, which would accept others' saves without a grant", async () => {
  await using on = testWorld({ parents: [shared] });
  const { openSession } = await on.data(
    'mutation { openSession(directory: "/shared", namespace: "github.com/acme/shared", confine: true) { token } }',
  );
  const { token: session } = openSession as { readonly token: string };
  for (const dryRun of [true, false]) {
    const add = `mutation { addFeed(from: "${web}", key: "npm", dryRun: ${dryRun}) { by } }`;
    const { errors } = await on.ask(add, { session });
    expect(errors).toMatchObject([{ message: 'a confined session cannot add feeds' }]);
  }
  await on.save('/web', 'npm', { a: 'theirs' });
  expect(await on.data('{ volumes { nodes { key } } }', { session })).toEqual({ volumes: { nodes: [] } });
});
