import {
  catalogDigest,
  catalogText,
  catalogTypeName,
  digestOf,
  encodeLock,
  methodName,
  newId,
  parseNamespace,
  readCatalog,
  requireAlias,
  type LockedCatalog,
  type Metadata,
} from '@cachelane/core';
import { protocolVersion, schemaHash, schemaText } from '@cachelane/protocol';
import fc from 'fast-check';
import {
  buildClientSchema,
  buildSchema,
  extendSchema,
  getIntrospectionQuery,
  isObjectType,
  parse,
  validateSchema,
  type IntrospectionQuery,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { catalogTypes } from './catalog-types.ts';
import { schemaFor } from './session-schema.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';
import type { ProjectLock } from '../request/world.ts';

const noAbort = new AbortController().signal;
const acme = parseNamespace('github.com/acme');

const volumes = {
  'pip-cache': { tool: 'npm', docs: 'Wheels "of" all.\n\nEnds with """ and \\.' },
  shared: { tool: 'npm', key: 'shared', tier: 'catalog', sharing: 'LOCKED' },
  old: { tool: 'npm', deprecated: 'use "pip-cache"' },
  moved: { tool: 'npm', key: 'moved2' },
};

function lockedAt(version: number, offered: object, more: Partial<LockedCatalog> = {}): LockedCatalog {
  const content = readCatalog({ docs: 'Of acme.', volumes: offered }, { source: 'the catalog', tools: null });
  const digest = catalogDigest(content);
  return { alias: 'my-org', namespace: acme, version, digest, content, gone: [], changed: [], ...more };
}

function lockOf(...catalogs: readonly LockedCatalog[]): ProjectLock {
  return { digest: digestOf(encodeLock(catalogs)), catalogs };
}

async function publish(metadata: Metadata, { content, digest }: LockedCatalog): Promise<void> {
  const freshId = newId('namespace', new Uint8Array(16).fill(7));
  const { namespace } = await metadata.createNamespace({ path: acme, freshId, atMs: 1 }, noAbort);
  const expectedVersion = (await metadata.catalogVersion(namespace.id, null, noAbort))?.version ?? 0;
  const text = catalogText(content);
  const publication = { namespaceId: namespace.id, text, digest, expectedVersion, publishedAtMs: 1, by: 'ann' };
  await metadata.publishCatalog(publication, noAbort);
}

const gone = [{ name: 'gone', why: 'removed in version 1: use pip-cache' }];
const changed = [{ name: 'moved', why: 'changed to another volume in version 1: key moved -> moved2' }];
const locked = lockedAt(1, volumes, { gone, changed });

/** An engine with its projects' locked catalogs in the store. */
async function published(lock = lockOf(locked)): Promise<TestWorld> {
  const on = testWorld({ lock });
  for (const each of lock.catalogs) await publish(on.world.deps.metadata, each);
  return on;
}

const introspected = async (on: TestWorld): Promise<ReturnType<typeof buildClientSchema>> =>
  buildClientSchema((await on.data(getIntrospectionQuery())) as unknown as IntrospectionQuery);

const refusal = async (world: TestWorld, query: string): Promise<string | undefined> =>
  (await world.ask(query)).errors?.[0]?.message;

describe('the schema of a session with a locked catalog', () => {
  test('contains the catalog with docs and deprecations, and names removed and changed definitions in the docs only', async () => {
    await using on = await published();
    const schema = await introspected(on);
    const field = schema.getQueryType()?.getFields()['myOrg'];
    expect([String(field?.type), field?.description]).toEqual([
      'MyOrgCatalog!',
      'The catalog `my-org` of github.com/acme in cachelane.lock.',
    ]);
    const type = schema.getType('MyOrgCatalog');
    if (!isObjectType(type)) throw new Error('there is no such type');
    expect(type.description).toBe(
      [
        'The volumes that github.com/acme offers, in version 1. For the arguments see `cacheVolume` of `Catalog`.',
        'Of acme.',
        'Not available: gone was removed in version 1: use pip-cache.',
        'Not available: moved was changed to another volume in version 1: key moved -> moved2.',
      ].join('\n\n'),
    );
    const fields = Object.values(type.getFields());
    expect(fields.map(({ name, type: of, deprecationReason }) => [name, String(of), deprecationReason])).toEqual([
      ['old', 'CacheVolume!', 'use "pip-cache"'],
      ['pipCache', 'CacheVolume!', null],
      ['shared', 'CacheVolume!', null],
    ]);
    expect(fields[1]?.description).toBe(volumes['pip-cache'].docs);
  });

  test("returns volumes as the catalog defines them, under the catalog's names", async () => {
    await using on = await published();
    const { cacheVolume, myOrg, catalog } = await on.data(`{
      cacheVolume(key: "pip-cache") { namespace }
      myOrg { pipCache(compat: [{ name: "a", value: "b" }]) { id key namespace tool compat { name value } warnings } shared { namespace sharing } }
      catalog(namespace: "my-org") { cacheVolume(name: "pip-cache", compat: [{ name: "a", value: "b" }]) { id } }
    }`);
    const own = { key: 'pip-cache', namespace: 'github.com/acme/web', tool: 'npm', warnings: [] };
    const compat = [
      { name: 'a', value: 'b' },
      { name: 'os', value: 'linux' },
    ];
    expect(cacheVolume).toEqual({ namespace: 'github.com/acme/web' });
    expect(myOrg).toMatchObject({
      pipCache: { ...own, compat },
      shared: { namespace: 'github.com/acme', sharing: 'LOCKED' },
    });
    expect((catalog as { cacheVolume: unknown }).cacheVolume).toEqual({
      id: (myOrg as { pipCache: { id: string } }).pipCache.id,
    });
  });

  test("rejects names that the catalog does not have, even if another session's does", async () => {
    await using on = await published();
    expect(await refusal(on, '{ myOrg { gone { id } } }')).toContain(
      'Cannot query field "gone" on type "MyOrgCatalog"',
    );
    expect(await refusal(on, '{ myOrg { moved { id } } }')).toContain('Cannot query field "moved"');
    await using other = testWorld();
    expect(await refusal(other, '{ myOrg { pipCache { id } } }')).toContain(
      'Cannot query field "myOrg" on type "Query"',
    );
    // Rejected and valid documents are cached for each schema separately.
    expect(await refusal(on, '{ myOrg { pipCache { id } } }')).toBeUndefined();
    const later = lockOf(lockedAt(2, { uv: { tool: 'npm' } }));
    await using newer = testWorld({ lock: later });
    expect(await refusal(newer, '{ myOrg { pipCache { id } } }')).toContain('Cannot query field "pipCache"');
    expect(await refusal(newer, '{ myOrg { uv { id } } }')).toBeUndefined();
  });

  test('runs mutations and subscriptions in documents that name a catalog too', async () => {
    await using on = await published();
    const query = `query A { myOrg { pipCache { id } } } mutation B { createNamespace(path: "a/b") { namespace } }
      subscription C { events { type } }`;
    const kinds = ['A', 'B', 'C', 'D'].map((operationName) => on.api.kindOf({ query, variables: {}, operationName }));
    expect(kinds).toEqual(['query', 'mutation', 'subscription', null]);
    const answer = await on.api.execute({ query, variables: {}, operationName: 'B' }, null, noAbort);
    expect(answer).toEqual({ data: { createNamespace: { namespace: 'a/b' } } });
  });

  test("is made once, and other sessions' schemas stay unchanged", async () => {
    const lock = lockOf(locked);
    expect(schemaFor(lock)).toBe(schemaFor({ ...lock }));
    expect(schemaFor(null)).toBe(schemaFor(lockOf()));
    expect(schemaFor(null).schema.getType('MyOrgCatalog')).toBeUndefined();
    await using on = await published();
    expect((await on.data('{ engine { schemaHash protocolVersion } }'))['engine']).toEqual({
      schemaHash: schemaHash(),
      protocolVersion,
    });
    expect(Object.keys((await introspected(testWorld())).getTypeMap()).toSorted()).toEqual(
      Object.keys(buildSchema(schemaText).getTypeMap()).toSorted(),
    );
  });

  test('forgets schemas of projects that were not used for long', () => {
    const locks = Array.from({ length: 17 }, (_, index) => lockOf(lockedAt(index + 1, volumes)));
    const made = locks.map((lock) => schemaFor(lock));
    const again = locks
      .toReversed()
      .map((lock) => schemaFor(lock))
      .toReversed();
    expect(made.map((each, index) => each === again[index])).toEqual([
      false,
      ...Array.from({ length: 16 }, () => true),
    ]);
  });

  test('omits a catalog with a reserved name or without definitions', async () => {
    await using on = testWorld({
      lock: lockOf(lockedAt(1, volumes, { alias: 'usage' }), lockedAt(1, {}, { alias: 'empty' }), locked),
    });
    const fields = Object.keys((await introspected(on)).getQueryType()?.getFields() ?? {});
    expect(fields).toContain('myOrg');
    expect(fields).not.toContain('empty');
    expect(await on.data('{ usage { namespace } }')).toEqual({ usage: [] });
  });

  test('is valid for any texts of a catalog', () => {
    const base = buildSchema(schemaText);
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => `${text} """ " \\ } type X`);
    fc.assert(
      fc.property(texts, texts, (docs, deprecated) => {
        const [definition] = locked.content.definitions;
        if (definition === undefined) throw new Error('nothing is locked');
        const content = { docs, definitions: [{ ...definition, docs, deprecated }] };
        const text = catalogTypes([{ ...locked, content, gone: [{ name: 'old', why: docs }], changed: [] }]);
        const schema = extendSchema(base, parse(text));
        expect(validateSchema(schema)).toEqual([]);
        const type = schema.getType('MyOrgCatalog');
        if (!isObjectType(type)) throw new Error('there is no such type');
        const [field] = Object.values(type.getFields());
        expect([field?.description, field?.deprecationReason]).toEqual([docs, deprecated]);
        expect(Object.keys(schema.getTypeMap())).toHaveLength(Object.keys(base.getTypeMap()).length + 1);
      }),
    );
  });

  test('has room for the largest catalog, and an answer to introspection', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [`v${index}`, { tool: 'npm', docs: 'x'.repeat(500) }]),
    );
    await using on = testWorld({ lock: lockOf(lockedAt(1, many)) });
    const type = (await introspected(on)).getType('MyOrgCatalog');
    expect(isObjectType(type) && Object.keys(type.getFields())).toHaveLength(2000);
    expect((await on.ask('{ myOrg { v1999 { id } } }')).errors).toBeUndefined();
  });
});

const askedBy = (named: string, name = 'pip-cache'): string =>
  `{ catalog(namespace: "${named}") { version cacheVolume(name: "${name}") { tool } } }`;

describe('a catalog without a version', () => {
  const byLock = { catalog: { version: 1, cacheVolume: { tool: 'npm' } } };

  test("has the project's locked version, by alias and namespace, everywhere", async () => {
    await using on = await published();
    await publish(on.world.deps.metadata, lockedAt(2, { uv: { tool: 'npm' } }));
    await using fresh = testWorld({ lock: lockOf(locked) });
    for (const name of ['my-org', 'github.com/acme']) {
      expect(await on.data(askedBy(name))).toEqual(byLock);
      expect(await fresh.data(askedBy(name))).toEqual(byLock);
    }
    const isLatest = '{ catalog(namespace: "my-org") { isLatest } }';
    expect(await on.data(isLatest)).toEqual({ catalog: { isLatest: false } });
    expect(await fresh.data(isLatest)).toEqual({ catalog: { isLatest: true } });
    expect(await on.data('{ catalogs { nodes { version } } }')).toEqual({ catalogs: { nodes: [{ version: 2 }] } });
    expect(await on.data('{ catalog(namespace: "my-org", version: 2) { version } }')).toEqual({
      catalog: { version: 2 },
    });
  });

  test('has the latest of several locked versions, unless the alias decides', async () => {
    const two = lockedAt(2, { uv: { tool: 'npm' } }, { alias: 'next' });
    await using on = testWorld({ lock: lockOf(locked, two) });
    const versionOf = async (name: string): Promise<unknown> =>
      (await on.data(`{ catalog(namespace: "${name}") { version } }`))['catalog'];
    expect(await versionOf('my-org')).toEqual({ version: 1 });
    expect(await versionOf('next')).toEqual({ version: 2 });
    expect(await versionOf('github.com/acme')).toEqual({ version: 2 });
  });

  test('returns no volume that the lock calls removed or changed', async () => {
    await using on = await published();
    expect(await refusal(on, askedBy('my-org', 'gone'))).toBe('gone was removed in version 1: use pip-cache');
    expect(await refusal(on, askedBy('my-org', 'moved'))).toBe(
      'moved was changed to another volume in version 1: key moved -> moved2',
    );
  });
});

describe('a version that the store does not have as locked', () => {
  const asked = `query ($digest: String) {
    catalog(namespace: "github.com/acme", version: 1, digest: $digest) { cacheVolume(name: "pip-cache") { id tool warnings } }
    myOrg { pipCache { id tool warnings } }
  }`;
  const note =
    'version 1 of the catalog of github.com/acme is not available as locked: its copy in cachelane.lock is used until cachelane add locks another version';
  const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { volumes { key namespace warnings } } }';

  const other = lockedAt(1, { npm: {} });
  const remove = `mutation { removeCatalog(namespace: "github.com/acme", version: 1) { version } }`;

  test.each([
    [
      'was removed',
      async (on: TestWorld) => {
        for (const each of [locked, other]) await publish(on.world.deps.metadata, each);
        await on.data(remove);
      },
      ['pip-cache of github.com/acme was removed in version 2; cachelane.lock has version 1'],
    ],
    ['has other content in the store', async (on: TestWorld) => await publish(on.world.deps.metadata, other), []],
  ])('follows the lock, with a warning: %s', async (_, arrange, later) => {
    await using on = testWorld({ lock: lockOf(locked) });
    await arrange(on);
    const { catalog, myOrg } = await on.data(asked, { variables: { digest: locked.digest } });
    const { cacheVolume } = catalog as { readonly cacheVolume: { readonly id: string } };
    const warnings = [...later, note];
    expect(cacheVolume).toMatchObject({ tool: 'npm', warnings });
    expect(myOrg).toEqual({ pipCache: cacheVolume });
    const { attach: fork } = await on.data(attach, { variables: { id: cacheVolume.id } });
    expect(fork).toEqual({ volumes: [{ key: 'pip-cache', namespace: 'github.com/acme/web', warnings }] });
  });

  test('comes from the lock without a warning if the store does not have the catalog at all', async () => {
    await using on = testWorld({ lock: lockOf(locked) });
    const { catalog, myOrg } = await on.data(asked, { variables: { digest: locked.digest } });
    const { cacheVolume } = catalog as { readonly cacheVolume: { readonly id: string } };
    expect(cacheVolume).toMatchObject({ tool: 'npm', warnings: [] });
    expect(myOrg).toEqual({ pipCache: cacheVolume });
    const { attach: fork } = await on.data(attach, { variables: { id: cacheVolume.id } });
    expect(fork).toMatchObject({ volumes: [{ key: 'pip-cache', warnings: [] }] });
  });

  test('is an error for a project that has not locked it', async () => {
    await using on = testWorld();
    const { errors } = await on.ask(
      '{ catalog(namespace: "github.com/acme", version: 1) { cacheVolume(name: "pip-cache") { id } } }',
    );
    expect(errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
  });

  test('shows a confined session no other project', async () => {
    const other = parseNamespace('github.com/other');
    const lock = lockOf({ ...locked, namespace: other });
    const confined =
      'mutation { openSession(directory: "/web", namespace: "github.com/acme/web", confine: true) { token } }';
    const answers: unknown[] = [];
    for (const isThere of [false, true]) {
      await using on = testWorld({ lock });
      if (isThere) {
        const freshId = newId('namespace', new Uint8Array(16).fill(9));
        await on.world.deps.metadata.createNamespace({ path: other, freshId, atMs: 1 }, noAbort);
      }
      const { openSession } = await on.data(confined);
      const { token: session } = openSession as { readonly token: string };
      answers.push(await on.ask('{ myOrg { pipCache { namespace warnings } } }', { session }));
      answers.push(await on.ask('{ myOrg { shared { id } } }', { session }));
    }
    expect(answers[0]).toMatchObject({ data: { myOrg: { pipCache: { namespace: 'github.com/acme/web' } } } });
    expect(answers[1]).toMatchObject({ errors: [{ extensions: { code: 'E_NOT_FOUND' } }] });
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  });
});

test('names of root fields, and of types that a catalog would generate, cannot be aliases', () => {
  const schema = buildSchema(schemaText);
  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});
  const types = Object.keys(schema.getTypeMap()).filter((name) => /.Catalog$/.test(name));
  const aliases = types.map((name) => name.slice(0, -'Catalog'.length));
  expect(aliases.map(catalogTypeName)).toEqual(types);
  for (const alias of [...fields, ...aliases.map(methodName)]) {
    // New fields must be added to the list in method-name.ts.
    expect(() => requireAlias(alias), alias).toThrow(expect.objectContaining({ code: 'E_CATALOG' }));
  }
});
