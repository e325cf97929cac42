import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld, type TestWorldOptions } from '../execute/test-world.fixture.ts';

type Data = Readonly<Record<string, unknown>>;

const acme = 'github.com/acme';

async function publish(on: TestWorld, definitions: string, namespace = acme, more = ''): Promise<Data> {
  const { publishCatalog } = await on.data(
    `mutation { publishCatalog(namespace: "${namespace}", content: { docs: "Ours.", definitions: [${definitions}] }${more}) { namespace version isNew changes { name kind breaks what } } }`,
  );
  return publishCatalog as Data;
}

const own = '{ name: "npm-cache", tool: "npm", docs: "Packages." }';
const ours = '{ name: "ours", tool: "npm", tier: CATALOG, sharing: LOCKED }';

async function confined(on: TestWorld, directory = '/web'): Promise<string> {
  const place = `directory: "${directory}", namespace: "github.com/acme${directory}"`;
  const { openSession } = await on.data(`mutation { openSession(${place}, confine: true) { token } }`);
  return (openSession as { readonly token: string }).token;
}

interface Failed {
  readonly message: string;
  readonly code: string;
}

async function failure(on: TestWorld, query: string, session: string | null = null): Promise<Failed> {
  const { errors } = await on.ask(query, { session });
  const [error] = errors ?? [];
  return { message: error?.message ?? '', code: error?.extensions.code ?? '' };
}

interface Asked {
  readonly id: string;
  readonly key: string;
  readonly namespace: string;
  readonly tool: string;
  readonly sharing: string | null;
  readonly warnings: readonly string[];
}

async function volumeOf(on: TestWorld, name: string, more = '', session: string | null = null): Promise<Asked> {
  const query = `{ catalog(namespace: "${acme}") { cacheVolume(name: "${name}"${more}) { id key namespace tool sharing warnings } } }`;
  const { catalog } = await on.data(query, { session });
  return (catalog as { readonly cacheVolume: Asked }).cacheVolume;
}

const publishing = (definitions: string, more = ''): string =>
  `mutation { publishCatalog(namespace: "${acme}", content: { definitions: [${definitions}] }${more}) { version } }`;

describe('a catalog', () => {
  test('is published, and shown with its definitions, versions and changes', async () => {
    await using on = testWorld();
    expect(await publish(on, own)).toEqual({
      namespace: acme,
      version: 1,
      isNew: true,
      changes: [{ name: 'npm-cache', kind: 'ADDED', breaks: false, what: ['Packages.'] }],
    });
    expect(await publish(on, own)).toMatchObject({ version: 1, isNew: false, changes: [] });
    await publish(on, `${own}, ${ours}`);
    const definitions = 'definitions { name tool key tier sharing compat { name value } docs deprecated }';
    const query = `{ catalog(namespace: "${acme}") { namespace version isLatest docs publishedBy ${definitions} versions { version } changes { name kind } } first: catalog(namespace: "${acme}", version: 1) { version isLatest changes { name } } }`;
    const plain = { tool: 'npm', compat: [], deprecated: null };
    expect(await on.data(query)).toEqual({
      catalog: {
        namespace: acme,
        version: 2,
        isLatest: true,
        docs: 'Ours.',
        publishedBy: 'github.com/acme/web',
        definitions: [
          { ...plain, name: 'npm-cache', key: 'npm-cache', tier: 'PROJECT', sharing: null, docs: 'Packages.' },
          { ...plain, name: 'ours', key: 'ours', tier: 'CATALOG', sharing: 'LOCKED', docs: '' },
        ],
        versions: [{ version: 2 }, { version: 1 }],
        changes: [{ name: 'ours', kind: 'ADDED' }],
      },
      first: { version: 1, isLatest: false, changes: [{ name: 'npm-cache' }] },
    });
  });

  test('is refused with the errors, and for breaking changes unless they are allowed', async () => {
    await using on = testWorld();
    await publish(on, own);
    expect(await failure(on, publishing(`${own}, ${own}`))).toEqual({
      code: 'E_CATALOG',
      message: 'the catalog defines "npm-cache" twice',
    });
    expect((await failure(on, publishing('{ name: "nonsense" }'))).code).toBe('E_CATALOG');
    expect((await failure(on, publishing(ours))).message).toContain('npm-cache was removed');
    expect(await on.data(publishing(ours, ', breaking: true'))).toEqual({ publishCatalog: { version: 2 } });
  });

  test("follows the project's alias of its namespace", async () => {
    await using on = testWorld({ aliases: { 'my-org': acme } });
    await publish(on, own);
    const query = '{ catalog(namespace: "my-org") { namespace cacheVolume(name: "npm-cache") { key } } }';
    expect(await on.data(query)).toEqual({ catalog: { namespace: acme, cacheVolume: { key: 'npm-cache' } } });
  });
});

const fieldsOf = (text: string): unknown[] => JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];

describe('the volume of a definition', () => {
  test('belongs to the project or the publisher, with the rules of its tool', async () => {
    await using on = testWorld();
    await publish(on, `${own}, ${ours}`);
    expect(await volumeOf(on, 'npm-cache')).toMatchObject({
      key: 'npm-cache',
      namespace: 'github.com/acme/web',
      tool: 'npm',
      sharing: null,
      warnings: [],
    });
    expect(await volumeOf(on, 'npm-cache', ', namespace: "teams/site", scope: ["lib"]')).toMatchObject({
      namespace: 'teams/site/scope%2Flib',
    });
    expect(await volumeOf(on, 'ours', ', scope: ["lib"]')).toMatchObject({
      namespace: acme,
      tool: 'npm',
      sharing: 'LOCKED',
    });
  });

  test('is the same volume as by its key, with the same contents', async () => {
    await using on = testWorld();
    await publish(on, own);
    const { id } = await volumeOf(on, 'npm-cache');
    const attach = `mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id volumes { key namespace directory } } }`;
    const opened = (await on.data(attach, { variables: { id } }))['attach'] as {
      readonly id: string;
      readonly volumes: readonly { readonly directory: string }[];
    };
    on.directory(opened.volumes[0]?.directory ?? '').write('a', '1');
    await on.data('mutation ($fork: ID!) { commit(fork: $fork) { key } }', { variables: { fork: opened.id } });
    const heads = 'heads { lane files } tool';
    const query = `query ($id: ID!) { node(id: $id) { ... on CacheVolume { ${heads} } } cacheVolume(key: "npm-cache") { heads { lane files } } volumes(key: "npm-cache") { nodes { tool } } }`;
    expect(await on.data(query, { variables: { id } })).toEqual({
      node: { heads: [{ lane: 't1:local', files: 1 }], tool: 'npm' },
      cacheVolume: { heads: [{ lane: 't1:local', files: 1 }] },
      volumes: { nodes: [{ tool: 'npm' }] },
    });
  });

  test('reports a deprecation when it is requested and when it is attached', async () => {
    await using on = testWorld();
    await publish(on, '{ name: "old", tool: "npm", deprecated: "use new" }');
    const { id, warnings } = await volumeOf(on, 'old');
    const text = `old of ${acme} is deprecated: use new`;
    expect(warnings).toEqual([text]);
    const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { volumes { warnings } } }';
    expect(await on.data(attach, { variables: { id } })).toEqual({ attach: { volumes: [{ warnings: [text] }] } });
  });

  test('that is missing gives E_CATALOG with similar names', async () => {
    await using on = testWorld();
    await publish(on, own);
    const query = `{ catalog(namespace: "${acme}") { cacheVolume(name: "npm-cach") { id } } }`;
    expect(await failure(on, query)).toEqual({
      code: 'E_CATALOG',
      message: `version 1 of the catalog of ${acme} has no "npm-cach"; did you mean npm-cache?`,
    });
  });

  test('of a removed version: a fork finishes, and no new one starts', async () => {
    await using on = testWorld();
    await publish(on, own);
    const { id } = await volumeOf(on, 'npm-cache');
    const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id volumes { directory } } }';
    const opened = (await on.data(attach, { variables: { id } }))['attach'] as {
      readonly id: string;
      readonly volumes: readonly { readonly directory: string }[];
    };
    on.directory(opened.volumes[0]?.directory ?? '').write('a', '1');
    await on.data(`mutation { removeCatalog(namespace: "${acme}", version: 1) { wasThere } }`);
    const commit = 'mutation ($fork: ID!) { commit(fork: $fork) { key added } }';
    expect(await on.data(commit, { variables: { fork: opened.id } })).toEqual({
      commit: [{ key: 'npm-cache', added: 1 }],
    });
    const { errors } = await on.ask(attach, { variables: { id } });
    expect(errors?.[0]).toMatchObject({ message: `there is no catalog of ${acme}` });
    expect(
      await on.data('query ($id: ID!) { node(id: $id) { ... on CacheVolume { tool } } }', { variables: { id } }),
    ).toEqual({
      node: { tool: 'npm' },
    });
  });

  test('does not match an id of another definition', async () => {
    await using on = testWorld();
    await publish(on, `${own}, { name: "plain", tool: "directory" }`);
    const [{ id }, other] = [await volumeOf(on, 'npm-cache'), await volumeOf(on, 'plain')];
    const forged = [...fieldsOf(id).slice(0, 4), ...fieldsOf(other.id).slice(4)];
    const variables = { id: Buffer.from(JSON.stringify(forged)).toString('base64url') };
    const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id } }';
    expect((await on.ask(attach, { variables })).errors?.[0]?.message).toContain(
      'now means another volume than this id',
    );
  });
});

async function usedBy(on: TestWorld, directory: string): Promise<void> {
  const { openSession } = await on.data(`mutation { openSession(directory: "${directory}") { token } }`);
  const { token: session } = openSession as { readonly token: string };
  const { id } = await volumeOf(on, 'npm-cache', '', session);
  const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id volumes { directory } } }';
  const opened = (await on.data(attach, { variables: { id }, session }))['attach'] as {
    readonly id: string;
    readonly volumes: readonly { readonly directory: string }[];
  };
  on.directory(opened.volumes[0]?.directory ?? '').write('a', '1');
  await on.data('mutation ($fork: ID!) { commit(fork: $fork) { key } }', { variables: { fork: opened.id }, session });
}

const consumer = (name: string): object => ({
  namespace: `github.com/acme/${name}`,
  version: 1,
  usedAt: expect.any(String),
  sizeBytes: 1,
  volume: { namespace: `github.com/acme/${name}`, key: 'npm-cache' },
});

const npmCacheOf = (name: string): object => ({ namespace: `github.com/acme/${name}`, key: 'npm-cache' });

const usageOf = (count: number): object => ({
  consumers: count,
  volumes: count,
  sizeBytes: expect.any(Number),
  lastUsedAt: expect.any(String),
});

describe('consumers', () => {
  const query = `{ definition(namespace: "${acme}", name: "npm-cache") { consumers { namespace version usedAt sizeBytes volume { namespace key } } volumes { namespace key } usage { consumers volumes sizeBytes lastUsedAt } } }`;

  test('are listed with their sizes; a confined session sees itself only, or all in its own catalog', async () => {
    await using on = testWorld();
    await publish(on, own);
    await usedBy(on, '/web');
    await usedBy(on, '/api');
    const all = {
      consumers: [consumer('api'), consumer('web')],
      volumes: [npmCacheOf('api'), npmCacheOf('web')],
      usage: usageOf(2),
    };
    expect(await on.data(query)).toEqual({ definition: all });
    const mine = { consumers: [consumer('web')], volumes: [npmCacheOf('web')], usage: usageOf(1) };
    expect(await on.data(query, { session: await confined(on) })).toEqual({ definition: mine });
    const { openSession } = await on.data(`mutation { openSession(namespace: "${acme}", confine: true) { token } }`);
    const { token: session } = openSession as { readonly token: string };
    const { definition } = await on.data(query, { session });
    expect((definition as Data)['usage']).toEqual(usageOf(2));
  });
});

const namesOf = ({ catalogs }: Data): readonly string[] =>
  (catalogs as { readonly nodes: readonly { readonly namespace: string }[] }).nodes.map((each) => each.namespace);

const show = (place: string): string => `{ catalog(namespace: "${place}") { version } }`;

const questionsOf = (place: string): readonly string[] => [
  `{ catalog(namespace: "${place}") { version } }`,
  `{ catalog(namespace: "${place}", version: 7) { version } }`,
  `{ definition(namespace: "${place}", name: "npm-cache") { name } }`,
  `mutation { publishCatalog(namespace: "${place}", content: { definitions: [] }) { version } }`,
  `mutation { removeCatalog(namespace: "${place}", version: 1) { version } }`,
];

const withdrawing = (place: string): string =>
  `mutation { publishCatalog(namespace: "${place}", breaking: true, content: { definitions: [] }) { version } }`;

describe('a confined session', () => {
  const places = [acme, 'github.com/acme/web', 'github.com/other', 'github.com/acme/api', 'teams/site'];

  async function offering(options: TestWorldOptions = {}): Promise<TestWorld> {
    const on = testWorld(options);
    for (const place of places) await publish(on, own, place);
    return on;
  }

  test('sees catalogs of its project and the namespaces above, whatever parents its files name', async () => {
    await using on = await offering({ parents: ['teams/site'] });
    const session = await confined(on);
    const list = '{ catalogs { nodes { namespace } } }';
    expect(namesOf(await on.data(list))).toEqual(places.toSorted());
    expect(namesOf(await on.data(list, { session }))).toEqual([acme, 'github.com/acme/web']);
    expect(await on.data(show(acme), { session })).toEqual({ catalog: { version: 1 } });
    for (const place of ['github.com/other', 'github.com/acme/api', 'teams/site', 'github.com/none']) {
      expect(await failure(on, show(place), session)).toEqual({
        code: 'E_NOT_FOUND',
        message: `there is no catalog of ${place}`,
      });
    }
  });

  test('gets its answer after the same work, whether a catalog exists or not', async () => {
    const calls: string[] = [];
    const life = {
      wrap: <T extends object>(port: T): T =>
        new Proxy(port, {
          get(target, name, receiver) {
            calls.push(String(name));
            return Reflect.get(target, name, receiver) as unknown;
          },
        }),
    };
    await using on = await offering({ life });
    const session = await confined(on);
    const workOf = async (query: string): Promise<readonly string[]> => {
      calls.length = 0;
      await on.ask(query, { session });
      return [...calls];
    };
    for (const [index, query] of questionsOf('github.com/other').entries()) {
      const none = questionsOf('github.com/none')[index] ?? '';
      const [theirs, nobodys] = [await workOf(query), await workOf(none)];
      expect(theirs, query).toEqual(nobodys);
      expect(theirs).toContain('findNamespace');
      const [a, b] = [await failure(on, query, session), await failure(on, none, session)];
      expect(a).toEqual({ ...b, message: b.message.replace('github.com/none', 'github.com/other') });
    }
  });

  test('publishes and removes in its own namespace only', async () => {
    await using on = await offering();
    const session = await confined(on);
    expect(await on.data(withdrawing('github.com/acme/web'), { session })).toEqual({ publishCatalog: { version: 2 } });
    expect((await on.ask(withdrawing(acme), { session })).errors).toHaveLength(1);
    const remove = `mutation { removeCatalog(namespace: "${acme}", version: 1) { wasThere } }`;
    expect((await on.ask(remove, { session })).errors).toHaveLength(1);
  });
});
