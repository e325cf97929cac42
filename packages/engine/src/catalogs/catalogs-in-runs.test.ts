import { parseNamespace, type Namespace, type VolumeReport } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { VolumeRequest } from '../model/volume-request.ts';
import { openFork } from '../runs/fork.ts';
import {
  baseRequest,
  indexedVolume,
  install,
  plainVolume,
  testContext,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { catalogConsumers, definitionUsage } from './consumers.ts';
import { definitionVolume } from './definition-volume.ts';
import { publishCatalog } from './publish-catalog.ts';
import { removeCatalog } from './remove-catalog.ts';

const signal = new AbortController().signal;
const acme = parseNamespace('github.com/acme');
const web = parseNamespace('github.com/acme/web');

async function publish({ deps }: TestEngine, volumes: object, path: Namespace = acme): Promise<void> {
  const offer = { path, value: { volumes }, source: 'test', by: 'ann', breaking: true, dryRun: false };
  await publishCatalog(deps, offer, signal);
}

async function asked(engine: TestEngine, name: string): Promise<VolumeRequest> {
  const question = { namespace: acme, version: null, digest: null, name, locked: [] };
  const defined = await definitionVolume(engine.deps.metadata, question, signal);
  const { namespace, key, compat, tool, sharing } = defined;
  return { ...indexedVolume, namespace, name: key, compat, tool, sharing, defined };
}

const warningsOf = (engine: TestEngine): readonly string[] =>
  engine.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

describe('a definition', () => {
  test('names a volume with its owner and rules', async () => {
    const engine = testEngine();
    await publish(engine, {
      own: { tool: 'indexed', key: 'cache', compat: { image: 'trixie' }, sharing: 'LOCKED' },
      ours: { tool: 'indexed', tier: 'catalog' },
    });
    expect(await asked(engine, 'own')).toMatchObject({
      namespace: null,
      name: 'cache',
      compat: { image: 'trixie' },
      tool: 'indexed',
      sharing: 'LOCKED',
    });
    expect(await asked(engine, 'ours')).toMatchObject({ namespace: acme, name: 'ours', sharing: null });
  });

  test('that is missing is reported with similar names, or with its removal and last deprecation', async () => {
    const engine = testEngine();
    await publish(engine, { 'pip-cache': { tool: 'indexed' }, old: { tool: 'indexed', deprecated: 'use pip-cache' } });
    await publish(engine, { 'pip-cache': { tool: 'indexed' } });
    await publish(engine, { 'pip-cache': { tool: 'indexed', docs: 'Wheels.' } });
    await expect(asked(engine, 'pip-cach')).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: `version 3 of the catalog of ${acme} has no "pip-cach"; did you mean pip-cache?`,
    });
    await expect(asked(engine, 'old')).rejects.toMatchObject({
      code: 'E_CATALOG',
      message: `version 3 of the catalog of ${acme} has no "old": version 2 removed it; it was deprecated: use pip-cache`,
    });
    const { metadata } = engine.deps;
    await removeCatalog(metadata, { path: acme, version: 2, dryRun: false }, signal);
    await expect(asked(engine, 'old')).rejects.toThrow('version 3 removed it');
  });

  test('that is deprecated gives a warning, and a note in the report', async () => {
    const engine = testEngine();
    await publish(engine, { old: { tool: 'indexed', deprecated: 'use new' } });
    const { report } = await engine.run(([volume]) => install(volume, 'a'), { volumes: [await asked(engine, 'old')] });
    const text = `old of ${acme} is deprecated: use new`;
    expect(report.volumes[0]?.warnings).toEqual([text]);
    expect(warningsOf(engine)).toEqual([text]);
  });
});

const usesOf = async ({ deps }: TestEngine): Promise<unknown> => {
  const [record] = (await deps.metadata.listNamespaces(signal)).filter(({ paths }) => paths[0] === acme);
  const namespaceId = record?.id as never;
  const all = await catalogConsumers(deps.metadata, { namespaceId, definition: null }, signal);
  const told = all.map(
    ({ definition, record: { paths }, version, volume, sizeBytes }) =>
      `${definition} ${paths[0]} ${version} ${volume?.name ?? null} ${sizeBytes > 0}`,
  );
  return { told, usage: await definitionUsage(deps.metadata, all, signal) };
};

describe('uses of a definition', () => {
  test('are recorded when a run begins, with version and volume', async () => {
    const engine = testEngine();
    await publish(engine, { own: { tool: 'indexed' }, ours: { tool: 'indexed', tier: 'catalog' } });
    const volumes = [await asked(engine, 'own'), await asked(engine, 'ours')];
    await engine.run(([volume]) => install(volume, 'a'), { volumes });
    const context = testContext('t1:local', 'github.com/acme/api');
    await engine.run(() => undefined, { volumes: [await asked(engine, 'ours')], request: { context } });
    expect(await usesOf(engine)).toEqual({
      // No run saved to acme's volume, so it is gone.
      told: [`ours ${acme}/api 1 null false`, `ours ${web} 1 null false`, `own ${web} 1 own true`],
      usage: { consumers: 2, volumes: 1, sizeBytes: expect.any(Number), lastUsedAtMs: expect.any(Number) },
    });
  });

  test('are listed after a removal, and a run with the removed version finishes', async () => {
    const engine = testEngine();
    await publish(engine, { own: { tool: 'indexed' } });
    const volumes = [await asked(engine, 'own')];
    const { metadata } = engine.deps;
    const { report } = await engine.run(
      async ([volume]) => {
        install(volume, 'a');
        await removeCatalog(metadata, { path: acme, version: 1, dryRun: false }, signal);
      },
      { volumes },
    );
    expect(report.volumes[0]).toMatchObject({ added: 2, skipped: null });
    expect(await usesOf(engine)).toMatchObject({ told: [`own ${web} 1 own true`] });
  });

  test('that cannot be recorded do not stop the run', async () => {
    const engine = testEngine({
      wrap: (deps) => ({
        ...deps,
        metadata: Object.assign(Object.create(deps.metadata) as typeof deps.metadata, {
          ...deps.metadata,
          noteCatalogUse: async () => await Promise.reject(new Error('no room')),
        }),
      }),
    });
    await publish(engine, { own: { tool: 'indexed' } });
    const { report } = await engine.run(([volume]) => install(volume, 'a'), { volumes: [await asked(engine, 'own')] });
    expect(report.volumes[0]).toMatchObject({ added: 2 });
    expect(warningsOf(engine)).toEqual(['the use of own was not recorded: no room']);
  });
});

const setNames = async ({ deps }: TestEngine, value: string, path: Namespace = acme): Promise<void> =>
  await deps.metadata.setPolicy(path, 'catalog-names', value, signal);

const message = (wanted: string): string =>
  `the volume data is in no catalog of ${web} or of the namespaces above it: catalog-names is ${wanted} (cachelane ns policy ${acme})`;

describe('names without a definition', () => {
  const volumes = [indexedVolume, plainVolume];
  const run = async (engine: TestEngine, strict = false): Promise<readonly VolumeReport[]> =>
    (await engine.run(([volume]) => install(volume, 'a'), { volumes, request: { strict } })).report.volumes;

  test('are allowed by default', async () => {
    const engine = testEngine();
    expect((await run(engine)).map(({ warnings }) => warnings)).toEqual([[], []]);
  });

  test('give a warning under warn', async () => {
    const engine = testEngine();
    await publish(engine, { cache: { tool: 'indexed', key: 'indexed' } });
    await setNames(engine, 'warn');
    const [indexed, data] = await run(engine);
    expect([indexed?.warnings, data?.warnings]).toEqual([[], [message('warn')]]);
    expect(data).toMatchObject({ mounter: 'overlay', skipped: null });
    expect(warningsOf(engine)).toEqual([message('warn')]);
  });

  test('are left out under refuse with a reason; a strict run fails', async () => {
    const engine = testEngine();
    await publish(engine, { indexed: {} });
    await setNames(engine, 'refuse');
    const reports = await run(engine);
    expect(reports.find(({ name }) => name === 'indexed')).toMatchObject({ mounter: 'overlay', added: 2 });
    expect(reports.find(({ name }) => name === 'data')).toMatchObject({ mounter: null, skipped: message('refuse') });
    await expect(run(engine, true)).rejects.toMatchObject({ code: 'E_CATALOG', message: message('refuse') });
    const fork = openFork(engine.deps, { ...baseRequest, volumes: [plainVolume], samePath: false });
    await expect(fork).rejects.toMatchObject({ code: 'E_CATALOG' });
  });

  test('are judged by catalogs of the namespace and its parents by name only, whatever parents a file names', async () => {
    const engine = testEngine();
    await publish(engine, { indexed: {}, data: { tool: 'directory' } }, parseNamespace('github.com/other'));
    await setNames(engine, 'refuse');
    const others = { ...testContext(), parents: [parseNamespace('github.com/other')] };
    const refused = await engine.run(() => undefined, { volumes, request: { strict: false, context: others } });
    expect(refused.report.volumes.map(({ mounter }) => mounter)).toEqual([null, null]);
    await publish(engine, { data: { tool: 'directory' } }, web);
    expect((await run(engine)).map(({ name, mounter }) => [name, mounter])).toEqual([
      ['indexed', null],
      ['data', 'overlay'],
    ]);
  });

  test('a repository may forbid them, but not allow them', async () => {
    const engine = testEngine();
    const strict = { texts: { 'catalog-names': 'refuse' }, source: 'cachelane.yaml' } as const;
    const request = { strict: false, lanePolicy: strict };
    const { report } = await engine.run(() => undefined, { volumes: [plainVolume], request });
    expect(report.volumes[0]?.skipped).toContain('catalog-names is refuse (cachelane.yaml)');
    await setNames(engine, 'refuse');
    const lax = { strict: false, lanePolicy: { texts: { 'catalog-names': 'any' }, source: 'cachelane.yaml' } } as const;
    const again = await engine.run(() => undefined, { volumes: [plainVolume], request: lax });
    expect(again.report.volumes[0]?.skipped).toContain(`(cachelane ns policy ${acme})`);
  });

  test('are not checked if a definition requested the volume', async () => {
    const engine = testEngine();
    await publish(engine, { ours: { tool: 'indexed', key: 'else', tier: 'catalog' } });
    await setNames(engine, 'refuse');
    const { report } = await engine.run(() => undefined, { volumes: [await asked(engine, 'ours')] });
    expect(report.volumes[0]).toMatchObject({ mounter: 'overlay', warnings: [] });
  });
});
