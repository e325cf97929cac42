import {
  catalogDigest,
  parseNamespace,
  parseProviderRef,
  readCatalog,
  type Context,
  type LockedCatalog,
  type Namespace,
  type ProviderSourceKind,
  CachelaneError,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { publishCatalog } from '../catalogs/publish-catalog.ts';
import { removeCatalog } from '../catalogs/remove-catalog.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { renameNamespace } from '../namespaces/rename-namespace.ts';
import {
  baseRequest,
  indexedVolume,
  install,
  testContext,
  testEngine,
  text,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { provideVolume } from './provide-volume.ts';

// Which catalog version counts for `catalog:NAMESPACE/NAME`, and which source chose it.

const noAbort = new AbortController().signal;
const acme = parseNamespace('github.com/acme');
const other = parseNamespace('github.com/other');
const web = parseNamespace('github.com/acme/web');

async function publish({ deps }: TestEngine, volumes: object, path = acme): Promise<void> {
  const offer = { path, value: { volumes }, source: 'test', by: 'ann', breaking: true, dryRun: false };
  await publishCatalog(deps, offer, noAbort);
}

function lockOf(version: number, volumes: object, more: Partial<LockedCatalog> = {}): LockedCatalog {
  const content = readCatalog({ volumes }, { source: 'test', tools: null });
  const digest = catalogDigest(content);
  return { alias: 'my-org', namespace: acme, version, digest, content, gone: [], changed: [], ...more };
}

interface Wish {
  readonly lock?: LockedCatalog;
  readonly name?: string;
  readonly namespace?: Namespace;
  readonly by?: ProviderSourceKind;
}

function wish({ lock, name = 'stock', namespace = acme, by = 'flag' }: Wish): VolumeRequest {
  const ref = parseProviderRef(`catalog:${namespace}/${name}`, by);
  return {
    ...indexedVolume,
    provider: { ref, by, source: by, overridden: [], locked: () => (lock === undefined ? [] : [lock]) },
  };
}

async function got(engine: TestEngine, asked: Wish, context: Context = testContext()): Promise<VolumeRequest> {
  return await provideVolume(engine.deps, { ...baseRequest, context }, wish(asked), noAbort);
}

/** Returns the names that a run finds in the volume's index. */
async function foundBy(engine: TestEngine, asked: Wish): Promise<string> {
  let found = '';
  await engine.run(([volume]) => void (found = text(volume, 'index/bucket')), { volumes: [wish(asked)] });
  return found;
}

const first = { stock: { tool: 'indexed', key: 'first' } };
const second = { stock: { tool: 'indexed', key: 'second' }, later: { tool: 'indexed' } };
const shared = { stock: { tool: 'indexed', tier: 'catalog', key: 'shared' } };

function unreadable(): never {
  throw new CachelaneError('E_CATALOG', 'cachelane.lock is not JSON', { hint: 'mend it' });
}

describe('the version of a catalog', () => {
  test('is the locked one, even if the store has a later one', async () => {
    const engine = testEngine();
    await publish(engine, first);
    await publish(engine, second);
    expect(await got(engine, {})).toMatchObject({ name: 'second', defined: { definition: { version: 2 } } });
    const locked = await got(engine, { lock: lockOf(1, first) });
    expect(locked).toMatchObject({ name: 'first', defined: { definition: { version: 1 }, byLock: 'confirmed' } });
    expect(locked.defined?.note).toBeUndefined();
  });

  test('is found under an earlier name of the namespace', async () => {
    const engine = testEngine();
    await publish(engine, first);
    await publish(engine, second);
    const renamed = parseNamespace('github.com/acme-inc');
    await renameNamespace(engine.deps.metadata, { from: acme, to: renamed, dryRun: false }, noAbort);
    const lock = lockOf(1, first);
    for (const namespace of [acme, renamed])
      expect(await got(engine, { lock, namespace })).toMatchObject({ name: 'first', defined: { byLock: 'confirmed' } });
  });

  test('comes from the lock without a warning if the store does not know the catalog', async () => {
    const engine = testEngine();
    const { report } = await engine.run(([volume]) => install(volume, 'a'), {
      volumes: [wish({ lock: lockOf(1, first) })],
    });
    expect(report.volumes[0]).toMatchObject({ added: 2, warnings: [], provider: { gives: `volume ${web}:first` } });
    expect(engine.events.filter(({ type }) => type === 'warning')).toEqual([]);
    expect(await foundBy(engine, { lock: lockOf(1, first) })).toBe('a\n');
  });

  test('comes from the lock with a warning if the store has other versions, or another content of that version', async () => {
    const engine = testEngine();
    await publish(engine, second);
    const lock = lockOf(1, first);
    const taken = { name: 'first', defined: { byLock: 'alone', note: expect.stringContaining('in cachelane.lock') } };
    expect(await got(engine, { lock })).toMatchObject(taken);
    await publish(engine, first);
    await removeCatalog(engine.deps.metadata, { path: acme, version: 1, dryRun: false }, noAbort);
    expect(await got(engine, { lock })).toMatchObject(taken);
  });

  test.each([
    [acme, `run cachelane add ${acme} where it is published`],
    [parseNamespace('my-org'), 'cachelane add NAMESPACE --as my-org'],
  ])('is unavailable if neither store nor lock has the catalog of %s, with a hint', async (namespace, hint) => {
    await expect(got(testEngine(), { namespace })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: `indexed by catalog:${namespace}/stock (flag): there is no catalog of ${namespace}`,
      hint: expect.stringContaining(hint),
    });
  });

  test('does not give a volume that the lock calls removed or changed', async () => {
    const engine = testEngine();
    await publish(engine, second);
    const gone = { gone: [{ name: 'old', why: 'removed in version 1: use stock' }] };
    const changed = {
      changed: [{ name: 'stock', why: 'changed to another volume in version 1: key first -> second' }],
    };
    const lock = lockOf(1, second, { ...gone, ...changed });
    await expect(got(engine, { lock, name: 'old' })).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: expect.stringContaining('old was removed in version 1: use stock'),
      hint: expect.stringContaining(`cachelane add ${acme} --accept old`),
    });
    await expect(got(engine, { lock })).rejects.toThrow('stock was changed to another volume in version 1: key');
    expect(await got(engine, { lock: lockOf(1, second) })).toMatchObject({ name: 'second' });
  });

  test('adds what a later version says about the volume', async () => {
    const engine = testEngine();
    await publish(engine, first);
    const word = async (): Promise<string | null | undefined> =>
      (await got(engine, { lock: lockOf(1, first) })).defined?.deprecated;
    expect(await word()).toBeNull();
    await publish(engine, { stock: { tool: 'indexed', deprecated: 'use later' } });
    expect(await word()).toBe(`stock of ${acme} is deprecated in version 2: use later`);
    await publish(engine, { later: { tool: 'indexed' } });
    expect(await word()).toBe(`stock of ${acme} was removed in version 3; cachelane.lock has version 1`);
  });

  test('without the name says that a later one has it', async () => {
    const engine = testEngine();
    await publish(engine, first);
    await publish(engine, second);
    await expect(got(engine, { lock: lockOf(1, first), name: 'later' })).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: expect.stringContaining('has no "later": version 2 has it, and cachelane.lock has version 1'),
      hint: `run cachelane add ${acme} to lock the latest`,
    });
  });

  test('is not guessed if the lock is unreadable', async () => {
    const engine = testEngine();
    await publish(engine, first);
    const asked = wish({});
    const provider = { ...(asked.provider as NonNullable<typeof asked.provider>), locked: unreadable };
    const { report } = await engine.run(() => undefined, {
      volumes: [{ ...asked, provider }],
      request: { strict: false },
    });
    expect(report.volumes[0]).toMatchObject({ mounter: null, skipped: expect.stringContaining('is not JSON') });
  });
});

describe('a lock without a stored catalog', () => {
  const forged = lockOf(7, { stock: { tool: 'indexed', tier: 'catalog', key: 'secret' } }, { namespace: other });
  const asked = { lock: forged, namespace: other };

  test('counts as chosen by the repository, whatever source named the definition', async () => {
    const engine = testEngine();
    await expect(got(engine, asked)).rejects.toMatchObject({
      code: 'E_GRANT',
      message: expect.stringContaining(`${web} has no grant to read ${other}:secret`),
    });
    // A parent may be read, and its own claims are trusted.
    const above = { lock: lockOf(1, shared) };
    const below = { ...testContext(), parents: [acme] };
    expect(await got(engine, above, below)).toMatchObject({ namespace: acme, name: 'shared', word: 'repository' });
    await publish(engine, shared);
    expect(await got(engine, above)).not.toHaveProperty('word');
    await publish(engine, shared, other);
    const known = { lock: lockOf(1, shared, { namespace: other }), namespace: other };
    expect(await got(engine, known)).toMatchObject({ namespace: other, name: 'shared' });
  });

  test('gives a confined session nothing, with the same answer whether the catalog exists or not', async () => {
    const context = { ...testContext(), bounds: { own: [web], granted: [] } };
    const answers: string[] = [];
    for (const isThere of [false, true]) {
      const engine = testEngine();
      if (isThere) await publish(engine, { stock: { tool: 'indexed', deprecated: 'theirs' } }, other);
      const refused = await got(engine, asked, context).catch((error: unknown) => String(error));
      const mine = lockOf(7, first, { namespace: other });
      const { defined, ...request } = await got(engine, { ...asked, lock: mine }, context);
      answers.push(JSON.stringify([refused, request, defined]));
    }
    expect(answers[0]).toContain(`has no grant to read ${other}:secret`);
    expect(answers[0]).toContain('"name":"first"');
    expect(answers[1]).toBe(answers[0]);
  });

  test("allows no name under a policy, except the repository's own", async () => {
    const engine = testEngine();
    const lock = lockOf(1, first);
    const run = async (texts: Readonly<Record<string, string>> | null): Promise<string | null | undefined> => {
      const lanePolicy = texts === null ? null : ({ texts, source: 'cachelane.yaml' } as const);
      const request = { strict: false, lanePolicy };
      return (await engine.run(() => undefined, { volumes: [wish({ lock })], request })).report.volumes[0]?.skipped;
    };
    expect(await run({ 'catalog-names': 'refuse' })).toBeNull();
    await engine.deps.metadata.setPolicy(acme, 'catalog-names', 'refuse', noAbort);
    expect(await run(null)).toContain('and cachelane.lock is not enough here');
    await publish(engine, first);
    expect(await run(null)).toBeNull();
  });
});
