import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

const asking = `query ($source: SourceInput, $owner: String, $key: String = "data") {
  cacheVolume(key: $key, source: $source, owner: $owner) { id owner source { directory volume } warnings }
}`;

interface Asked {
  readonly id: string;
  readonly owner: string | null;
  readonly source: object | null;
  readonly warnings: readonly string[];
}

interface Asking {
  readonly session?: string | null;
  readonly source?: object;
  readonly owner?: string;
  readonly key?: string;
}

async function ask(on: TestWorld, { session = null, ...variables }: Asking): Promise<Asked> {
  return (await on.data(asking, { variables, session }))['cacheVolume'] as Asked;
}

async function refusal(on: TestWorld, { session = null, ...variables }: Asking): Promise<string> {
  const { errors } = await on.ask(asking, { variables, session });
  return `${errors?.[0]?.extensions.code ?? 'nothing'}: ${errors?.[0]?.message ?? ''}`;
}

async function openSession(on: TestWorld, args: string): Promise<string> {
  const { openSession } = await on.data(`mutation { openSession(${args}) { token } }`);
  return (openSession as { readonly token: string }).token;
}

const long = (end: string): object => ({ directory: `/${'x'.repeat(4000)}${end}` });

const at = 'at 2023-11-14T';

describe('a volume with a source', () => {
  test('is the same one with another source or none, and a warning names both requests', async () => {
    await using on = testWorld();
    const plain = await ask(on, {});
    const [one, two] = [{ directory: '/seed' }, { directory: '/other' }];
    const first = await ask(on, { source: one });
    expect(first).toEqual({ ...plain, source: { directory: '/seed', volume: null }, warnings: [] });
    const second = await ask(on, { source: two });
    expect(second.id).toBe(plain.id);
    expect(second.warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^github.com/acme/web requested it with source /seed ${at}.*Z, and this request has source /other: it is the same volume, and both requests see the saved files on top of their own source$`,
        ),
      ),
    ]);
    // The same client gets its warning again. Another client is compared with the latest request.
    expect((await ask(on, { source: two })).warnings).toEqual(second.warnings);
    expect((await ask(on, {})).warnings).toEqual([]);
    const session = await openSession(on, 'directory: "/web"');
    expect((await ask(on, { source: two, session })).warnings).toEqual([]);
    const { warnings } = await ask(on, { source: one, session });
    expect(warnings).toEqual([expect.stringContaining('with source /other at')]);
  });

  test('is stored compactly, however long its name is', async () => {
    await using on = testWorld();
    await ask(on, { source: long('a') });
    const { warnings } = await ask(on, { source: long('b') });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.length).toBeLessThan(700);
    expect(await ask(on, { source: long('b'), session: await openSession(on, 'directory: "/web"') })).toMatchObject({
      warnings: [],
    });
  });

  test('and an owner give separate warnings', async () => {
    await using on = testWorld();
    await ask(on, { source: { directory: '/seed' }, owner: '1000:1000' });
    expect((await ask(on, { source: { directory: '/seed' } })).warnings).toEqual([]);
    const { owner, warnings } = await ask(on, { owner: 'node' });
    expect(owner).toBe('node');
    expect(warnings).toEqual([
      expect.stringMatching(
        /^.* requested it with owner 1000:1000 at .*Z, and this request has owner node: it is the same volume/,
      ),
    ]);
  });

  test.each([
    [{ source: {} }, 'a source is either a directory or a volume'],
    [{ source: { directory: '/a', volume: 'x' } }, 'a source is either a directory or a volume'],
    [{ source: { directory: './a' } }, 'it is not absolute'],
    [{ source: { directory: '/a/../b' } }, 'is not a plain path'],
    [{ owner: '1000:1000:1000' }, 'is not an owner'],
  ])('%j is refused', async (asked, why) => {
    await using on = testWorld();
    expect(await refusal(on, asked)).toMatch(/^E_USAGE: /);
    expect(await refusal(on, asked)).toContain(why);
  });

  test("of another volume shows its id, and blames that volume's runs for the contents below", async () => {
    await using on = testWorld();
    await on.save('/web', 'stock', { a: '1', b: '2' });
    await on.save('/web', 'data', { a: 'own' });
    const stock = await ask(on, { key: 'stock' });
    const source = { volume: stock.id };
    expect((await ask(on, { source })).source).toEqual({ directory: null, volume: stock.id });
    expect(await refusal(on, { source: { volume: 'no id' } })).toBe('E_NOT_FOUND: there is no volume with this id');
    const query = `query ($source: SourceInput, $path: String!) {
      cacheVolume(key: "data", source: $source) { blame(path: $path) { isSeen isSeed lane entry { sizeBytes } runs { id } } }
    }`;
    const blame = async (path: string): Promise<unknown> =>
      (await on.data(query, { variables: { source, path } }))['cacheVolume'];
    const lane = { lane: 't1:local', runs: [{ id: expect.any(String) }] };
    expect(await blame('a')).toEqual({
      blame: [
        { ...lane, isSeen: true, isSeed: false, entry: { sizeBytes: 3 } },
        { ...lane, isSeen: false, isSeed: true, entry: { sizeBytes: 1 } },
      ],
    });
    expect(await blame('b')).toEqual({ blame: [{ ...lane, isSeen: true, isSeed: true, entry: { sizeBytes: 1 } }] });
  });
});

describe('a confined session', () => {
  test('cannot use a directory as a source, whether it exists or not', async () => {
    await using on = testWorld({ seeds: new Map([['/seed', []]]) });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const message = 'E_USAGE: a confined session cannot seed a volume from a directory';
    for (const directory of ['/seed', '/none', 'x']) {
      expect(await refusal(on, { session, source: { directory } })).toBe(message);
    }
    const { id } = await ask(on, { session });
    const attach =
      'mutation ($id: ID!, $source: SourceInput) { attach(volumes: [{ volume: $id, source: $source }]) { id } }';
    const { errors } = await on.ask(attach, { variables: { id, source: { directory: '/seed' } }, session });
    expect(`${errors?.[0]?.extensions.code}: ${errors?.[0]?.message}`).toBe(message);
  });

  test('cannot use an invisible volume as a source, and gets the same answer for a missing one', async () => {
    await using on = testWorld();
    for (const directory of ['/web', '/secret']) await on.save(directory, 'npm', { a: '1' });
    const { secret, none, own } = (await on.data(`{
      secret: cacheVolume(key: "npm", namespace: "github.com/acme/secret") { id }
      none: cacheVolume(key: "npm", namespace: "github.com/acme/none") { id }
      own: cacheVolume(key: "npm") { id }
    }`)) as unknown as Record<'secret' | 'none' | 'own', { readonly id: string }>;
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const of = async (volume: string): Promise<string> => await refusal(on, { session, source: { volume } });
    expect(await of(secret.id)).toBe('E_NOT_FOUND: this session knows of no volume github.com/acme/secret:npm');
    expect(await of(none.id)).toBe((await of(secret.id)).replace('secret', 'none'));
    expect(await of(own.id)).toBe('nothing: ');
    const attach =
      'mutation ($id: ID!, $volume: ID!) { attach(volumes: [{ volume: $id, source: { volume: $volume } }]) { id } }';
    const { errors } = await on.ask(attach, { variables: { id: own.id, volume: secret.id }, session });
    expect(errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
  });

  test('learns only about contradictions between visible requests', async () => {
    await using on = testWorld({ parents: ['github.com/acme/shared'] });
    await on.save('/shared', 'npm', { a: '1' });
    await on.data(
      'mutation { grant(namespace: "github.com/acme/shared", key: "npm", to: "github.com/acme/web") { by } }',
    );
    await on.save('/web', 'stock', { a: '1' });
    const outside = await openSession(on, 'directory: "/secret"');
    const query = `query ($source: SourceInput) {
      cacheVolume(key: "npm", namespace: "github.com/acme/shared", owner: "x", source: $source) { warnings }
    }`;
    await on.data(query.replace('"x"', '"1000"'), {
      session: outside,
      variables: { source: { directory: '/secret-seed' } },
    });
    const session = await openSession(on, 'directory: "/web", namespace: "github.com/acme/web", confine: true');
    const { id } = await ask(on, { session, key: 'stock' });
    const { cacheVolume } = await on.data(query, { session, variables: { source: { volume: id } } });
    const { warnings } = cacheVolume as { readonly warnings: readonly string[] };
    expect(warnings).toEqual([]);
    const other = await on.data(query.replace('"x"', '"y"'), { session, variables: { source: { volume: id } } });
    expect(other['cacheVolume']).toEqual({
      warnings: [expect.stringContaining('github.com/acme/web requested it with owner x at 2023-')],
    });
  });
});
