import { describe, expect, test } from 'vitest';
import { testWorld } from '../execute/test-world.fixture.ts';

describe('a volume', () => {
  test('belongs to its project: two projects have two, and repeated queries get the same', async () => {
    await using on = testWorld();
    const { web, again, api } = (await on.data(`{
      web: cacheVolume(key: "npm") { id namespace }
      again: cacheVolume(key: "npm", sharing: LOCKED) { id }
      api: cacheVolume(key: "npm", namespace: "github.com/acme/api") { id namespace }
    }`)) as Record<string, { readonly id: string; readonly namespace: string }>;
    expect(web?.namespace).toBe('github.com/acme/web');
    expect(again?.id).toBe(web?.id);
    expect(api?.namespace).toBe('github.com/acme/api');
    expect(api?.id).not.toBe(web?.id);
  });

  test('keeps its id at its first use and at a rename of its namespace', async () => {
    await using on = testWorld();
    const idOf = async (): Promise<unknown> => await on.data('{ cacheVolume(key: "npm") { id } }');
    const before = await idOf();
    await on.save('/web', 'npm', { a: '1' });
    expect(await idOf()).toEqual(before);
    await on.data(
      'mutation { renameNamespace(from: "github.com/acme/web", to: "github.com/acme/site") { namespace } }',
    );
    expect(await idOf()).toEqual(before);
    const found = await on.data('{ cacheVolume(key: "npm") { namespace head { generation } } }');
    expect(found).toEqual({ cacheVolume: { namespace: 'github.com/acme/site', head: { generation: 1 } } });
  });

  test('of a library is in a scope of the namespace, whatever its name', async () => {
    await using on = testWorld();
    expect(await on.data('{ cacheVolume(key: "cache", scope: ["npm", "@acme/build"]) { namespace } }')).toEqual({
      cacheVolume: { namespace: 'github.com/acme/web/scope%2Fnpm/%40acme%2Fbuild' },
    });
  });

  test('may have any text as a key', async () => {
    await using on = testWorld();
    const query = 'query ($key: String!) { cacheVolume(key: $key) { key tool } }';
    expect(await on.data(query, { variables: { key: 'my cache/v1' } })).toEqual({
      cacheVolume: { key: 'my%20cache%2Fv1', tool: 'directory' },
    });
    const { errors } = await on.ask(query, { variables: { key: '' } });
    expect(errors?.[0]?.extensions.code).toBe('E_VOLUME');
  });

  test('requested with another sharing is the same one, and a warning names both requests', async () => {
    await using on = testWorld();
    const ask = async (sharing: string): Promise<unknown> =>
      (await on.data(`{ cacheVolume(key: "npm", sharing: ${sharing}) { warnings } }`))['cacheVolume'];
    expect(await ask('SHARED')).toEqual({ warnings: [] });
    expect(await ask('SHARED')).toEqual({ warnings: [] });
    expect(await ask('LOCKED')).toEqual({
      warnings: [
        expect.stringMatching(
          /^github.com\/acme\/web requested it with sharing SHARED at 2023-.*Z, and this request has sharing LOCKED: it is the same volume/,
        ),
      ],
    });
  });

  test('shows its contents and their history', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { 'a/x': '1', b: '22' });
    await on.save('/web', 'npm', { b: '333' });
    const data = await on.data(`{ cacheVolume(key: "npm") {
      key compat { name value } tool sizeBytes
      head { lane generation files sizeBytes
        layers { added changed entries { nodes { path } } }
        snapshots { generation added layers run { revision } }
        entries { nodes { path type sizeBytes origins } pageInfo { hasNextPage } }
        volume { key } }
      blame(path: "b") { isSeen lane runs { revision } }
      explain { why }
    } }`);
    expect(data).toMatchObject({
      cacheVolume: {
        key: 'npm',
        compat: [{ name: 'os', value: 'linux' }],
        tool: 'npm',
        sizeBytes: 6,
        explain: null,
        head: {
          lane: 't1:local',
          generation: 2,
          files: 3,
          sizeBytes: 6,
          layers: [
            { entries: { nodes: [{ path: 'b' }] } },
            { entries: { nodes: [{ path: 'a' }, { path: 'a/x' }, { path: 'b' }] } },
          ],
          snapshots: [
            { generation: 2, run: { revision: 'abc123' } },
            { generation: 1, added: 2 },
          ],
          entries: {
            nodes: [
              { path: 'a', type: 'DIRECTORY' },
              { path: 'a/x', type: 'FILE', sizeBytes: 1 },
              { path: 'b', type: 'FILE', sizeBytes: 3 },
            ],
            pageInfo: { hasNextPage: false },
          },
          volume: { key: 'npm' },
        },
        blame: [
          { isSeen: true, lane: 't1:local' },
          { isSeen: false, lane: 't1:local' },
        ],
      },
    });
  });
});

describe('pages', () => {
  test('continue after the previous one, and say when there is no more', async () => {
    await using on = testWorld();
    const files = Object.fromEntries(
      Array.from({ length: 25 }, (_, index) => [`f${String(index).padStart(2, '0')}`, 'x']),
    );
    await on.save('/web', 'npm', files);
    const seen: string[] = [];
    const query = `query ($after: String) { cacheVolume(key: "npm") { head { entries(first: 10, after: $after) {
      nodes { path } pageInfo { hasNextPage endCursor } } } } }`;
    let after: string | null = null;
    for (let page = 0; page < 3; page++) {
      const data = (await on.data(query, { variables: { after } })) as unknown as EntryPage;
      const { nodes, pageInfo } = data.cacheVolume.head.entries;
      seen.push(...nodes.map(({ path }) => path));
      expect(pageInfo.hasNextPage).toBe(page < 2);
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(Object.keys(files));
  });

  test.each(['first: 0', 'first: -1', 'first: 10001', 'after: "no cursor"'])('refuse %s', async (argument) => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const { errors } = await on.ask(`{ cacheVolume(key: "npm") { head { entries(${argument}) { nodes { path } } } } }`);
    expect(errors?.[0]?.extensions.code).toMatch(/^E_(LIMIT|USAGE)$/);
  });

  test('of a subtree have that part only', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { 'a/x': '1', ab: '2', b: '3' });
    const slashed = '{ cacheVolume(key: "npm") { head { entries(under: "a/") { nodes { path } } } } }';
    expect(await on.data(slashed)).toEqual(await on.data(slashed.replace('a/', 'a')));
    expect((await on.ask(slashed.replace('a/', 'a/../b'))).errors).toMatchObject([
      { message: expect.stringContaining('not a path inside a volume'), extensions: { code: 'E_USAGE' } },
    ]);
    expect(await on.data('{ cacheVolume(key: "npm") { head { entries(under: "a") { nodes { path } } } } }')).toEqual({
      cacheVolume: { head: { entries: { nodes: [{ path: 'a' }, { path: 'a/x' }] } } },
    });
  });
});

interface EntryPage {
  readonly cacheVolume: {
    readonly head: {
      readonly entries: {
        readonly nodes: readonly { readonly path: string }[];
        readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
      };
    };
  };
}

describe('listings', () => {
  test('show key and namespace, sorted, with their children', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    await on.save('/web', 'data', { a: '1' });
    await on.save('/api', 'npm', { a: '1' });
    const listed = async (args: string): Promise<unknown> => {
      const { volumes } = await on.data(`{ volumes${args} { nodes { namespace key } } }`);
      return (volumes as { readonly nodes: readonly { namespace: string; key: string }[] }).nodes.map(
        ({ namespace, key }) => `${namespace}:${key}`,
      );
    };
    const all = ['github.com/acme/api:npm', 'github.com/acme/web:data', 'github.com/acme/web:npm'];
    expect(await listed('')).toEqual(all);
    expect(await listed('(under: "github.com/acme")')).toEqual(all);
    expect(await listed('(under: "github.com/ac")')).toEqual([]);
    expect(await listed('(key: "npm")')).toEqual([all[0], all[2]]);
    expect(await listed('(namespace: "github.com/acme/web")')).toEqual([all[1], all[2]]);
    expect(await listed('(first: 1)')).toEqual([all[0]]);
  });

  test('of namespaces have ids, and who uses them', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '11' });
    await on.save('/api', 'npm', { a: '333' });
    const { namespaces, usage } = (await on.data(`{
      namespaces { nodes { id path aliases volumes { nodes { key } } policies { key } } }
      usage { namespace lane volumes heads sizeBytes uniqueBytes }
    }`)) as unknown as { namespaces: { nodes: readonly { id: string; path: string }[] }; usage: unknown };
    expect(namespaces.nodes.map(({ path }) => path)).toEqual(['github.com/acme/api', 'github.com/acme/web']);
    expect(usage).toEqual([
      { namespace: 'github.com/acme/api', lane: null, volumes: 1, heads: 1, sizeBytes: 3, uniqueBytes: 3 },
      { namespace: 'github.com/acme/web', lane: null, volumes: 1, heads: 1, sizeBytes: 2, uniqueBytes: 2 },
    ]);
    const id = namespaces.nodes[0]?.id;
    expect(
      await on.data('query ($id: ID!) { node(id: $id) { id ... on Namespace { path } } }', { variables: { id } }),
    ).toEqual({
      node: { id, path: 'github.com/acme/api' },
    });
  });
});

describe('a query by id', () => {
  test('finds every kind of object', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const data = (await on.data('{ cacheVolume(key: "npm") { id head { id layers { id } } } }')) as unknown as {
      cacheVolume: { id: string; head: { id: string; layers: readonly { id: string }[] } };
    };
    const { id, head } = data.cacheVolume;
    for (const [each, type] of [
      [id, 'CacheVolume'],
      [head.id, 'Head'],
      [head.layers[0]?.id, 'Layer'],
    ] as const) {
      expect(
        await on.data('query ($id: ID!) { node(id: $id) { __typename id } }', { variables: { id: each } }),
      ).toEqual({
        node: { __typename: type, id: each },
      });
    }
  });

  test.each(['', 'x', 'bm9uc2Vuc2U', Buffer.from('["v","../../..","npm",[]]').toString('base64url')])(
    'returns null for the invalid id %j',
    async (id) => {
      await using on = testWorld();
      expect(await on.data('query ($id: ID!) { node(id: $id) { id } }', { variables: { id } })).toEqual({ node: null });
    },
  );
});

const refuse = async (): Promise<never> => await Promise.reject(new Error('everything was listed'));

test('a query for one namespace lists no other namespace', async () => {
  await using on = testWorld();
  await on.save('/web', 'npm', { a: '1' });
  const { metadata } = on.world.deps;
  metadata.listVolumes = refuse;
  metadata.listHeads = refuse;
  metadata.listNamespaces = refuse;
  const { cacheVolume } = await on.data(
    '{ cacheVolume(key: "npm") { id sizeBytes heads { id layers { id } } blame(path: "a") { isSeen } } }',
  );
  const { id, heads } = cacheVolume as {
    readonly id: string;
    readonly heads: readonly { readonly id: string; readonly layers: readonly { readonly id: string }[] }[];
  };
  const node = 'query ($id: ID!) { node(id: $id) { id } }';
  for (const each of [id, heads[0]?.id, heads[0]?.layers[0]?.id]) {
    expect(await on.data(node, { variables: { id: each } })).toEqual({ node: { id: each } });
  }
  expect(
    await on.data(
      '{ namespace(path: "github.com/acme/web") { volumes { nodes { key } } } volumes(namespace: "github.com/acme/web") { nodes { key } } sessions { id } leases { kind } }',
    ),
  ).toEqual({
    namespace: { volumes: { nodes: [{ key: 'npm' }] } },
    volumes: { nodes: [{ key: 'npm' }] },
    sessions: [],
    leases: [],
  });
  await on.data('mutation ($id: ID!) { remove(volume: $id, dryRun: true) { lane } }', { variables: { id } });
  await on.data('mutation { renameNamespace(from: "github.com/acme/web", to: "a/b", dryRun: true) { volumes } }');
});

describe('two states', () => {
  test('are compared path by path', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1', b: '1' });
    await on.save('/web', 'npm', { b: '2', c: '1' });
    const { cacheVolume } = (await on.data('{ cacheVolume(key: "npm") { id } }')) as unknown as {
      cacheVolume: { id: string };
    };
    const query = `query ($volume: ID!, $first: Int!) {
      diff(before: { volume: $volume, generation: 1 }, after: { volume: $volume }, first: $first) {
        added changed removed isCut paths { path kind } } }`;
    const variables = { volume: cacheVolume.id, first: 1 };
    expect(await on.data(query, { variables })).toEqual({
      diff: { added: 1, changed: 1, removed: 0, isCut: true, paths: [{ path: 'b', kind: 'CHANGED' }] },
    });
    const { errors } = await on.ask(query.replace('generation: 1', 'generation: 9'), { variables });
    expect(errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
  });
});
