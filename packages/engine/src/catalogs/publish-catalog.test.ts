import { parseNamespace, type CatalogStore } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { testEngine, testHome, type TestEngine, type TestEngineOptions } from '../testing/test-engine.fixture.ts';
import { requireCatalog } from './find-catalog.ts';
import { listCatalogs } from './list-catalogs.ts';
import { publishCatalog, type PublishedCatalog } from './publish-catalog.ts';
import { removeCatalog } from './remove-catalog.ts';

const signal = new AbortController().signal;
const acme = parseNamespace('github.com/acme');

interface How {
  readonly path?: typeof acme;
  readonly breaking?: boolean;
  readonly dryRun?: boolean;
}

async function publish({ deps }: TestEngine, volumes: unknown, how: How = {}): Promise<PublishedCatalog> {
  const { path = acme, breaking = false, dryRun = false } = how;
  const offer = { path, value: { volumes }, source: 'test', by: 'ann', breaking, dryRun };
  return await publishCatalog(deps, offer, signal);
}

const indexed = { indexed: { docs: 'Ours.' } };

describe('publishing', () => {
  test('makes one version for each content, whatever the order of its fields', async () => {
    const engine = testEngine();
    const two = { indexed: {}, data: { tool: 'directory' } };
    expect(await publish(engine, two)).toMatchObject({ namespace: acme, version: 1, isNew: true });
    const again = await publish(engine, { data: { tool: 'directory' }, indexed: { key: 'indexed' } });
    expect(again).toMatchObject({ version: 1, isNew: false, changes: [] });
    expect(await publish(engine, { ...two, more: { tool: 'indexed' } })).toMatchObject({
      version: 2,
      isNew: true,
      changes: [{ name: 'more', kind: 'added' }],
    });
    const question = { namespace: acme, version: 1, digest: null };
    expect(await requireCatalog(engine.deps.metadata, question, signal)).toMatchObject({
      version: 1,
      by: 'ann',
      definitions: [{ name: 'data' }, { name: 'indexed' }],
    });
  });

  test('makes the namespace permanent', async () => {
    const { deps } = await published();
    const isNew = await deps.metadata.createNamespace({ path: acme, freshId: 'ns_1' as never, atMs: 1 }, signal);
    expect(isNew.isNew).toBe(false);
  });

  test('changes nothing in a dry run, not even the namespace', async () => {
    const engine = testEngine();
    expect(await publish(engine, indexed, { dryRun: true })).toMatchObject({ version: 1, isNew: true });
    expect(await engine.deps.metadata.listNamespaces(signal)).toEqual([]);
    await publish(engine, indexed);
    expect(await publish(engine, {}, { dryRun: true, breaking: true })).toMatchObject({ version: 2, isNew: true });
    expect(await publish(engine, indexed)).toMatchObject({ version: 1, isNew: false });
  });

  test('refuses an invalid catalog before it creates anything', async () => {
    const engine = testEngine();
    await expect(publish(engine, { npm: {} })).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: 'test: volumes.npm.tool "npm" is not a tool that cachelane knows',
    });
    expect(await engine.deps.metadata.listNamespaces(signal)).toEqual([]);
  });

  test.each([
    ['another key', { indexed: { key: 'other' } }, 'indexed: key indexed -> other'],
    ['another tier', { indexed: { tier: 'catalog' } }, 'indexed: tier project -> catalog'],
    ['a removal', {}, 'indexed was removed'],
  ])('refuses breaking changes unless they are allowed: %s', async (_, volumes, why) => {
    const engine = await published();
    await expect(publish(engine, volumes)).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: `this breaks code for version 1 of the catalog of ${acme}: ${why}`,
    });
    expect(await publish(engine, volumes, { breaking: true })).toMatchObject({ version: 2 });
  });

  test('allows the removal of deprecated definitions', async () => {
    const engine = await published();
    expect(await publish(engine, { indexed: { docs: 'Ours.', deprecated: 'use data' } })).toMatchObject({
      changes: [{ kind: 'deprecated' }],
    });
    expect(await publish(engine, {})).toMatchObject({
      version: 3,
      changes: [{ kind: 'removed', wasAnnounced: true, what: ['use data'] }],
    });
  });

  test('concurrently loses no version, and each is compared with the latest one', async () => {
    const home = testHome();
    const other = testEngine({ home, seed: 'other' });
    const meanwhile = [
      async () => await publish(other, { indexed: {}, data: { tool: 'directory' } }),
      async () => await publish(other, { indexed: {}, data: { tool: 'directory', docs: 'All.' } }),
    ];
    const engine = testEngine({ home, wrap: before('publishCatalog', async () => void (await meanwhile.shift()?.())) });
    await expect(publish(engine, { indexed: {} })).rejects.toMatchObject({ code: 'E_CATALOG' });
    meanwhile.length = 1;
    meanwhile[0] = async () => await publish(other, { indexed: {}, data: { tool: 'directory', docs: 'One.' } });
    const mine = { indexed: {}, data: { tool: 'directory' }, mine: { tool: 'indexed' } };
    expect(await publish(engine, mine)).toMatchObject({ isNew: true });
    const { deps } = engine;
    const [record] = await deps.metadata.listNamespaces(signal);
    const versions = await deps.metadata.catalogVersions(record?.id as never, signal);
    expect(versions.map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  test('the same content concurrently makes one version', async () => {
    const home = testHome();
    const engines = [testEngine({ home, seed: 'a' }), testEngine({ home, seed: 'b' })];
    const all = await Promise.all(engines.map(async (engine) => await publish(engine, indexed)));
    expect(all.map(({ version }) => version)).toEqual([1, 1]);
    expect(new Set(all.map(({ isNew }) => isNew))).toEqual(new Set([false, true]));
  });
});

/** Runs an action before each call of the engine's store. */
function before(method: keyof CatalogStore, act: () => Promise<void>): NonNullable<TestEngineOptions['wrap']> {
  return (deps) => {
    const metadata = new Proxy(deps.metadata, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (name !== method || typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          await act();
          return await (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    });
    return { ...deps, metadata };
  };
}

async function published(): Promise<TestEngine> {
  const engine = testEngine();
  await publish(engine, indexed);
  return engine;
}

describe('a version', () => {
  test('that was removed is not used again, and asking for it fails', async () => {
    const engine = await published();
    const { metadata } = engine.deps;
    await publish(engine, { ...indexed, more: { tool: 'indexed' } });
    const removal = { path: acme, version: 2, dryRun: false };
    const removed = { namespace: acme, version: 2, wasThere: true, consumers: [] };
    expect(await removeCatalog(metadata, { ...removal, dryRun: true }, signal)).toEqual(removed);
    expect(await removeCatalog(metadata, removal, signal)).toEqual(removed);
    expect(await removeCatalog(metadata, removal, signal)).toEqual({ ...removed, wasThere: false });
    expect(await publish(engine, { ...indexed, other: { tool: 'indexed' } })).toMatchObject({ version: 3 });
    const ask = async (version: number): Promise<unknown> =>
      await requireCatalog(metadata, { namespace: acme, version, digest: null }, signal);
    await expect(ask(2)).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: `there is no version 2 of the catalog of ${acme}: it was removed; the latest is 3`,
    });
    await expect(ask(9)).rejects.toThrow('it was not published; the latest is 3');
  });

  test('has its final number in a dry run, whatever was removed', async () => {
    const engine = await published();
    await publish(engine, { ...indexed, more: { tool: 'indexed' } });
    for (const version of [2, 1]) {
      await removeCatalog(engine.deps.metadata, { path: acme, version, dryRun: false }, signal);
      expect(await publish(engine, { data: { tool: 'directory' } }, { dryRun: true, breaking: true })).toMatchObject({
        version: 3,
      });
    }
    expect(await publish(engine, { data: { tool: 'directory' } })).toMatchObject({ version: 3 });
  });

  test('is identified by its digest', async () => {
    const engine = await published();
    const question = { namespace: acme, version: 1, digest: '0'.repeat(64) as never };
    await expect(requireCatalog(engine.deps.metadata, question, signal)).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: expect.stringContaining('is not the locked one'),
    });
  });

  test('of an unknown namespace and of one without a catalog give the same error', async () => {
    const engine = await published();
    const other = parseNamespace('github.com/other');
    const none = parseNamespace('github.com/none');
    await engine.deps.metadata.createNamespace({ path: other, freshId: 'ns_2' as never, atMs: 1 }, signal);
    for (const namespace of [other, none]) {
      const question = { namespace, version: null, digest: null };
      await expect(requireCatalog(engine.deps.metadata, question, signal)).rejects.toMatchObject({
        code: 'E_NOT_FOUND',
        message: `there is no catalog of ${namespace}`,
      });
    }
  });

  test('lists the latest of each namespace, below a namespace and by name', async () => {
    const engine = await published();
    for (const path of ['github.com/acme/web', 'github.com/acmeweb'])
      await publish(engine, indexed, { path: parseNamespace(path) });
    await publish(engine, { ...indexed, more: { tool: 'indexed' } });
    const list = async (under: string | null): Promise<unknown> => {
      const wanted = { under: under === null ? null : parseNamespace(under) };
      const all = await listCatalogs(engine.deps.metadata, wanted, signal);
      return all.map(({ namespace, version }) => `${namespace}@${version}`);
    };
    expect(await list(null)).toEqual(['github.com/acme@2', 'github.com/acme/web@1', 'github.com/acmeweb@1']);
    expect(await list('github.com/acme')).toEqual(['github.com/acme@2', 'github.com/acme/web@1']);
  });
});
