import { describe, expect, test } from 'vitest';
import { recorder } from '../request/confined.fixture.ts';
import { attachQuery, idOf, type ForkFacts } from '../mutations/mutations-killed.fixture.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

/*
 * Invariant: for a volume with a provider, the API shows what a fork would find, without any request outside the store.
 */

const web = 'github.com/acme/web';
const acme = 'github.com/acme';

interface Told {
  readonly reference: string;
  readonly chosenBy: string;
  readonly kind: string | null;
  readonly volume: {
    readonly id: string;
    readonly namespace: string;
    readonly key: string;
    readonly tool: string;
  } | null;
  readonly problem: string | null;
}

async function told(on: TestWorld, key = 'npm', session: string | null = null): Promise<Told | null> {
  const query = `{ cacheVolume(key: "${key}") { provider { reference chosenBy kind volume { id namespace key tool } problem } } }`;
  const { cacheVolume } = await on.data(query, { session });
  return (cacheVolume as { readonly provider: Told | null }).provider;
}

/** Returns what a fork of the key finds, or the error. */
async function found(on: TestWorld, id: string, session: string | null = null): Promise<unknown> {
  const { data, errors } = await on.ask(attachQuery, { variables: { volumes: [{ volume: id }] }, session });
  if (errors !== undefined) return errors[0]?.message;
  const { volumes } = (data as { readonly attach: ForkFacts }).attach;
  return ['a', 'b'].filter((file) => on.directory(volumes[0]?.directory ?? '').exists(file));
}

async function confined(on: TestWorld): Promise<string> {
  const place = `directory: "/web", namespace: "${web}"`;
  const { openSession } = await on.data(`mutation { openSession(${place}, confine: true) { token } }`);
  return (openSession as { readonly token: string }).token;
}

describe('the provider of a volume', () => {
  test('is null if none was chosen, and for a volume by its address', async () => {
    await using on = testWorld({ providers: { npm: ['none:', 'user'] } });
    expect(await told(on, 'data')).toBeNull();
    const query = `{ cacheVolume(key: "npm", namespace: "${acme}") { provider { reference } } }`;
    expect(await on.data(query)).toEqual({ cacheVolume: { provider: null } });
  });

  test('names the other volume, which a fork finds by the key', async () => {
    await using on = testWorld({ providers: { npm: [`project:${acme}/shared:npm`, 'user'] } });
    await on.save('/shared', 'npm', { b: 'theirs' });
    const provider = await told(on);
    expect(provider).toEqual({
      reference: `project:${acme}/shared:npm`,
      chosenBy: 'user',
      kind: 'VOLUME',
      volume: { id: await idOf(on, 'npm', `${acme}/shared`), namespace: `${acme}/shared`, key: 'npm', tool: 'npm' },
      problem: null,
    });
    for (const id of [await idOf(on, 'npm'), provider?.volume?.id ?? '']) expect(await found(on, id)).toEqual(['b']);
  });

  test.each([
    ['PROJECT', web],
    ['CATALOG', acme],
  ])('names the volume that a definition of tier %s means', async (tier, namespace) => {
    await using on = testWorld({ providers: { other: [`catalog:${acme}/npm-cache`, 'repository'] } });
    const content = `content: { definitions: [{ name: "npm-cache", tool: "npm", tier: ${tier} }] }`;
    await on.data(`mutation { publishCatalog(namespace: "${acme}", ${content}) { version } }`);
    await on.data(`mutation { grant(namespace: "${acme}", all: true, to: "${web}") { by } }`);
    const provider = await told(on, 'other');
    expect(provider).toMatchObject({
      kind: 'VOLUME',
      volume: { namespace, key: 'npm-cache', tool: 'npm' },
      problem: null,
    });
    const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id, mode: READ }]) { volumes { namespace } } }';
    for (const id of [await idOf(on, 'other'), provider?.volume?.id]) {
      const { attach: fork } = await on.data(attach, { variables: { id } });
      expect(fork).toEqual({ volumes: [{ namespace }] });
    }
  });

  test.each([
    ['none:', 'NOTHING'],
    ['dir:/mnt/none', 'DIRECTORY'],
    ['docker-volume:x', 'DIRECTORY'],
    ['team:x', null],
  ] as const)('%s gives no volume (%s), and is not asked', async (reference, kind) => {
    await using on = testWorld({ providers: { npm: [reference, 'user'] } });
    expect(await told(on)).toEqual({ reference, chosenBy: 'user', kind, volume: null, problem: null });
  });

  test.each(['host:', 'oci:127.0.0.1:1/x'])('%s is below the volume itself, and is not asked', async (reference) => {
    await using on = testWorld({ providers: { npm: [reference, 'user'] } });
    const volume = { id: await idOf(on, 'npm'), namespace: web, key: 'npm', tool: 'npm' };
    expect(await told(on)).toMatchObject({ kind: 'VOLUME', volume, problem: null });
  });

  test.each([
    ['dir:/mnt/pip', 'repository', 'DIRECTORY'],
    ['oci:127.0.0.1:1/x', 'repository', 'VOLUME'],
    [`project:${acme}/shared:npm`, 'repository', 'VOLUME'],
    [`catalog:${acme}/none`, 'user', 'VOLUME'],
  ] as const)('%s that a %s may not use says why, as attach does', async (reference, by, kind) => {
    await using on = testWorld({ providers: { npm: [reference, by] } });
    const problem = await found(on, await idOf(on, 'npm'));
    expect(problem).toContain(reference);
    expect(await told(on)).toEqual({ reference, chosenBy: by, kind, volume: null, problem });
  });

  test('tells a confined session the same about a volume without a grant, whether it exists or not', async () => {
    const { life, calls } = recorder();
    await using on = testWorld({ life, providers: { npm: [`project:${acme}/shared:npm`, 'repository'] } });
    const session = await confined(on);
    const asked = async (): Promise<object> => {
      calls.length = 0;
      return { told: await told(on, 'npm', session), done: [...calls] };
    };
    const before = await asked();
    await on.save('/shared', 'npm', { b: 'theirs' });
    expect(await asked()).toEqual(before);
    expect(before).toMatchObject({
      told: { volume: null, problem: expect.stringContaining(`has no grant to read ${acme}/shared:npm`) },
    });
    await on.data(`mutation { grant(namespace: "${acme}/shared", key: "npm", to: "${web}") { by } }`);
    expect(await told(on, 'npm', session)).toMatchObject({ volume: { namespace: `${acme}/shared` }, problem: null });
  });
});
