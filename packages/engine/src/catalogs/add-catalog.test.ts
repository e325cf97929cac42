import {
  CachelaneError,
  catalogDigest,
  parseNamespace,
  readCatalog,
  type Catalog,
  type LockedCatalog,
  type Namespace,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { addCatalog, refreshCatalogs, type AddRequest, type CatalogSource } from './add-catalog.ts';

const acme = parseNamespace('github.com/acme');
const renamed = parseNamespace('github.com/acme-inc');

function catalogOf(namespace: Namespace, version: number, volumes: object): Catalog {
  const content = readCatalog({ volumes }, { source: 'the catalog', tools: null });
  return { ...content, namespace, version, digest: catalogDigest(content), publishedAtMs: 0 };
}

/** Returns a source of catalogs, by any name of their namespaces. */
function sourceOf(...all: readonly Catalog[]): CatalogSource {
  return async (asked, version) => {
    const name = asked === acme && all.some((each) => each.namespace === renamed) ? renamed : asked;
    const own = all.filter(({ namespace }) => namespace === name);
    const found = version === null ? own.at(-1) : own.find((each) => each.version === version);
    if (found !== undefined) return await Promise.resolve(found);
    throw new CachelaneError(own.length === 0 ? 'E_NOT_FOUND' : 'E_CATALOG', `nothing there of ${asked}`);
  };
}

const one = catalogOf(acme, 1, { npm: {}, pip: {} });
const two = catalogOf(acme, 2, { npm: {}, pip: { deprecated: 'use uv' } });
const three = catalogOf(acme, 3, { npm: {}, uv: {} });
const request = (more: Partial<AddRequest> = {}): AddRequest => ({
  locked: [],
  namespace: acme,
  alias: null,
  version: null,
  accepted: [],
  ...more,
});
const locked = async (): Promise<readonly LockedCatalog[]> => (await addCatalog(sourceOf(one), request())).locked;

const warningsWith = async (...all: readonly Catalog[]): Promise<readonly string[] | undefined> =>
  (await addCatalog(sourceOf(...all), request({ locked: await locked() }))).changed[0]?.warnings;
const broken: CatalogSource = async () => await Promise.reject(new CachelaneError('E_STORE_BUSY', 'busy'));

describe('adding a catalog', () => {
  test('locks the latest version under the last word of the namespace', async () => {
    const { locked: all, changed } = await addCatalog(sourceOf(one, two), request());
    expect(all).toMatchObject([{ alias: 'acme', namespace: acme, version: 2, digest: two.digest, gone: [] }]);
    expect(changed).toMatchObject([{ before: null, warnings: [], changes: [{ name: 'npm' }, { name: 'pip' }] }]);
  });

  test('locks a given version under a given alias', async () => {
    const { locked: all } = await addCatalog(sourceOf(one, two), request({ alias: 'my-org', version: 1 }));
    expect(all).toMatchObject([{ alias: 'my-org', version: 1 }]);
    const again = await addCatalog(sourceOf(one, two), request({ locked: all }));
    expect(again.locked).toMatchObject([{ alias: 'my-org', version: 2 }]);
  });

  test('updates a locked catalog, and returns the reasons for removed definitions', async () => {
    const { locked: all, changed } = await addCatalog(sourceOf(one, two, three), request({ locked: await locked() }));
    expect(all).toMatchObject([{ version: 3, gone: [{ name: 'pip', why: 'removed in version 3: use uv' }] }]);
    expect(changed[0]?.changes).toMatchObject([
      { name: 'pip', kind: 'removed', breaks: true },
      { name: 'uv', kind: 'added' },
    ]);
    expect(changed[0]?.warnings).toEqual([]);
  });

  test('warns if the locked version is gone or differs', async () => {
    expect(await warningsWith(three)).toEqual(['acme was locked at version 1, which no longer exists']);
    const other = catalogOf(acme, 1, { go: { tool: 'go-build' } });
    expect(await warningsWith(other, two)).toEqual(['acme was locked at version 1, which differs from the locked one']);
    expect(await warningsWith(other)).toHaveLength(1);
  });

  test('follows a namespace to its new name', async () => {
    const source = sourceOf(catalogOf(renamed, 1, { npm: {}, pip: {} }), catalogOf(renamed, 2, { npm: {}, pip: {} }));
    for (const namespace of [acme, renamed]) {
      const asked = request({ locked: await locked(), namespace, alias: 'acme' });
      expect((await addCatalog(source, asked)).locked).toMatchObject([{ alias: 'acme', namespace: renamed }]);
    }
    const { locked: all } = await refreshCatalogs(source, await locked());
    expect(all).toMatchObject([{ alias: 'acme', namespace: renamed, version: 2, gone: [] }]);
  });

  test.each([
    ['another catalog’s alias', { namespace: parseNamespace('github.com/other'), alias: 'acme' }],
    ['an alias with the same method name', { namespace: parseNamespace('github.com/other'), alias: 'Acme' }],
    ['an invalid alias', { alias: 'a b' }],
    ['a reserved alias', { alias: 'cache-volume' }],
    ['an unknown version', { version: 9 }],
    ['a definition that is neither removed nor changed', { accepted: ['npm'] }],
  ])('is refused with %s', async (_, more) => {
    const source = sourceOf(one, catalogOf(parseNamespace('github.com/other'), 1, { npm: {} }));
    const added = addCatalog(source, request({ locked: await locked(), ...more }));
    await expect(added).rejects.toMatchObject({ code: 'E_CATALOG' });
  });

  test("requires an alias if the namespace's last word is not valid", async () => {
    const namespace = parseNamespace('local/web-0123456789abcdef');
    const { locked: all } = await addCatalog(sourceOf(catalogOf(namespace, 1, {})), request({ namespace }));
    expect(all).toMatchObject([{ alias: 'web-0123456789abcdef' }]);
    const run = parseNamespace('github.com/run');
    await expect(addCatalog(sourceOf(catalogOf(run, 1, {})), request({ namespace: run }))).rejects.toMatchObject({
      code: 'E_CATALOG',
      hint: expect.stringContaining('--as'),
    });
  });
});

describe('updating all catalogs', () => {
  test('locks the latest version of each, and keeps vanished ones', async () => {
    const other = parseNamespace('github.com/other');
    const before = await addCatalog(
      sourceOf(one, catalogOf(other, 4, { go: { tool: 'go-build' } })),
      request({ locked: await locked(), namespace: other }),
    );
    const { locked: all, changed } = await refreshCatalogs(sourceOf(one, two), before.locked);
    expect(all).toMatchObject([
      { alias: 'acme', version: 2 },
      { alias: 'other', version: 4 },
    ]);
    expect(changed.map(({ warnings }) => warnings)).toEqual([
      [],
      ['other stays at version 4: nothing there of github.com/other'],
    ]);
  });

  test('stops at other errors', async () => {
    await expect(refreshCatalogs(broken, await locked())).rejects.toMatchObject({ code: 'E_STORE_BUSY' });
  });
});
