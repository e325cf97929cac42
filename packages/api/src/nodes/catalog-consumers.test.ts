import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

/* A confined publisher sees that a consumer exists, but not its volumes. */

type Data = Readonly<Record<string, unknown>>;

const acme = 'github.com/acme';
const web = 'github.com/acme/web';

async function open(on: TestWorld, place: string): Promise<string> {
  const { openSession } = await on.data(`mutation { openSession(${place}) { token } }`);
  return (openSession as { readonly token: string }).token;
}

/** A person's run in `/web`, which may also use the volume of tier `catalog`. */
async function use(on: TestWorld, name: string): Promise<void> {
  const session = await open(on, 'directory: "/web"');
  const query = `{ catalog(namespace: "${acme}") { cacheVolume(name: "${name}") { id } } }`;
  const { catalog } = await on.data(query, { session });
  const { id } = (catalog as { readonly cacheVolume: { readonly id: string } }).cacheVolume;
  const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id volumes { directory } } }';
  const { attach: fork } = await on.data(attach, { variables: { id }, session });
  const opened = fork as { readonly id: string; readonly volumes: readonly { readonly directory: string }[] };
  on.directory(opened.volumes[0]?.directory ?? '').write('a', '1');
  const commit = 'mutation ($fork: ID!) { commit(fork: $fork) { key } }';
  await on.data(commit, { variables: { fork: opened.id }, session });
}

async function used(): Promise<TestWorld> {
  const on = testWorld();
  const definitions = '{ name: "npm-cache", tool: "npm" }, { name: "ours", tool: "npm", tier: CATALOG }';
  const content = `content: { definitions: [${definitions}] }`;
  await on.data(`mutation { publishCatalog(namespace: "${acme}", ${content}) { version } }`);
  for (const name of ['npm-cache', 'ours']) await use(on, name);
  return on;
}

async function told(on: TestWorld, name: string, place: string): Promise<Data> {
  const session = await open(on, `${place}, confine: true`);
  const selection =
    'consumers { namespace sizeBytes volume { key heads { layers { id } } } } volumes { key } usage { consumers volumes sizeBytes }';
  const query = `{ definition(namespace: "${acme}", name: "${name}") { ${selection} } }`;
  return (await on.data(query, { session }))['definition'] as Data;
}

describe('a confined session sees the consumers of a definition', () => {
  test("of its own catalog with totals, but not others' volumes", async () => {
    await using on = await used();
    const place = `namespace: "${acme}"`;
    expect(await told(on, 'npm-cache', place)).toEqual({
      consumers: [{ namespace: web, sizeBytes: 1, volume: null }],
      volumes: [],
      usage: { consumers: 1, volumes: 1, sizeBytes: 1 },
    });
    await on.data(`mutation { grant(namespace: "${web}", key: "npm-cache", to: "${acme}") { by } }`);
    expect(await told(on, 'npm-cache', place)).toMatchObject({
      consumers: [{ volume: { key: 'npm-cache' } }],
      volumes: [{ key: 'npm-cache' }],
    });
  });

  test("including itself, but the publisher's volume only with a grant", async () => {
    await using on = await used();
    const place = `directory: "/web", namespace: "${web}"`;
    const nothing = {
      consumers: [{ namespace: web, sizeBytes: 0, volume: null }],
      volumes: [],
      usage: { consumers: 1, volumes: 0, sizeBytes: 0 },
    };
    expect(await told(on, 'ours', place)).toEqual(nothing);
    const grant = `namespace: "${acme}", key: "ours", to: "${web}"`;
    await on.data(`mutation { grant(${grant}) { by } }`);
    expect(await told(on, 'ours', place)).toMatchObject({
      consumers: [{ sizeBytes: 1, volume: { key: 'ours', heads: [{ layers: [{}] }] } }],
      usage: { volumes: 1, sizeBytes: 1 },
    });
    await on.data(`mutation { withdrawGrant(${grant}) { by } }`);
    expect(await told(on, 'ours', place)).toEqual(nothing);
  });
});
