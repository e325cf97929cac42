import { personalNamespace, type Context, type Namespace } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { install, plainVolume, put, testEngine } from '../testing/test-engine.fixture.ts';
import { findVolume } from '../volumes/find-volume.ts';
import {
  acme,
  contextOf,
  dataIn,
  feedFrom,
  found,
  headOf,
  installIn,
  lastRun,
  projectOf,
  revoke,
  seenIn,
  team,
  warningsOf,
} from './tiers.fixture.ts';

const [web, api, shop] = ['web', 'api', 'shop'].map(projectOf) as [Namespace, Namespace, Namespace];

const mine = (project: Namespace): Context => contextOf(project, { parents: [], personal: true });

describe('an unknown directory', () => {
  test('starts from the nearest snapshot, and keeps it after its first save', async () => {
    const engine = testEngine();
    await dataIn(engine, contextOf(acme, { parents: [] }), { a: 'far', b: 'far' });
    await dataIn(engine, contextOf(team, { parents: [] }), { a: 'near' });
    const context = contextOf(web, { parents: [team, acme] });
    expect(await seenIn(engine, context)).toEqual({ a: 'near' });
    expect(await dataIn(engine, context, { c: 'own' })).toMatchObject({ added: 1, hits: [{ namespace: team }] });
    expect(await headOf(engine, web, { name: plainVolume.name })).toHaveLength(2);
    await dataIn(engine, contextOf(team, { parents: [] }), { a: 'changed' });
    expect(await seenIn(engine, context)).toEqual({ a: 'near', c: 'own' });
    const volume = await findVolume(
      engine.deps.metadata,
      { namespace: team, name: plainVolume.name, compat: {} },
      noAbort,
    );
    await engine.deps.metadata.removeVolume(volume?.id as never, null, noAbort);
    expect(await seenIn(engine, context)).toEqual({ a: 'near', c: 'own' });
  });

  test('loses none of two concurrent first saves, nor their base', async () => {
    const engine = testEngine();
    await dataIn(engine, contextOf(acme, { parents: [] }), { a: 'far' });
    await engine.run(
      async ([volume]) => {
        await dataIn(engine, contextOf(web), { b: 'other' });
        put(volume, 'c', 'own');
      },
      { volumes: [plainVolume], request: { context: contextOf(web) } },
    );
    expect(await headOf(engine, web, { name: plainVolume.name })).toHaveLength(3);
    expect(await seenIn(engine, contextOf(web))).toEqual({ a: 'far', b: 'other', c: 'own' });
  });

  test('is not saved if a run below it was revoked during the run', async () => {
    const engine = testEngine();
    await dataIn(engine, contextOf(acme, { parents: [] }), { a: 'bad' });
    const run = lastRun(engine);
    const { report } = await engine.run(
      async ([volume]) => {
        put(volume, 'c', 'own');
        await revoke(engine, run);
      },
      { volumes: [plainVolume], request: { context: contextOf(web), strict: false } },
    );
    expect(report.volumes[0]?.skipped).toContain('is revoked');
    expect(await seenIn(engine, contextOf(web))).toEqual({});
  });

  test("replaces the tier's contents", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await dataIn(engine, contextOf(web, { parents: [acme] }), { a: 'web' });
    await dataIn(engine, contextOf(shop, { parents: [] }), { b: 'shop' });
    await dataIn(engine, contextOf(shop), { c: 'shop' });
    expect(await seenIn(engine, contextOf(api))).toEqual({ b: 'shop', c: 'shop' });
  });
});

describe('a personal tier', () => {
  test("warms a new project with the same person's other projects, without a rule", async () => {
    const engine = testEngine();
    expect((await installIn(engine, mine(web), 'left'))?.fed).toMatchObject([{ namespace: personalNamespace }]);
    expect(await found(engine, mine(api))).toEqual(['left']);
    expect(await found(engine, contextOf(api, { parents: [] }))).toEqual([]);
  });

  test('reads no volume of a tool that verifies nothing', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => put(volume, 'a', 'web'), {
      volumes: [plainVolume],
      request: { context: mine(web) },
    });
    expect(await engine.deps.metadata.findNamespace(personalNamespace, noAbort)).toBeUndefined();
  });

  test('reads no volume with unverified contents', async () => {
    const engine = testEngine();
    await engine.run(
      ([volume]) => {
        install(volume, 'left');
        put(volume, 'pair-1.db', 'rows');
      },
      { request: { context: mine(web) } },
    );
    expect(await headOf(engine, personalNamespace)).toBeUndefined();
    expect(warningsOf(engine)).toEqual([]);
  });
});

test('a missing parent, or one without the volume, adds nothing and gives no warning', async () => {
  const engine = testEngine();
  await dataIn(engine, contextOf(acme, { parents: [] }), { a: 'x' });
  const context = contextOf(web, { parents: [team, acme] });
  await installIn(engine, context, 'own');
  expect(await found(engine, context)).toEqual(['own']);
  expect(warningsOf(engine)).toEqual([]);
  // Reading creates no namespace.
  expect(await engine.deps.metadata.findNamespace(team, noAbort)).toBeUndefined();
});

describe('twelve levels of tiers', () => {
  test('are one view of few layers', async () => {
    const engine = testEngine();
    const levels = Array.from({ length: 12 }, (_, index) => `teams/${'x/'.repeat(index)}last` as Namespace);
    for (const [index, level] of levels.entries()) {
      for (const name of ['a', 'b', 'c'].map((each) => `${each}${index}`)) {
        await installIn(engine, contextOf(level, { parents: [] }), name);
      }
    }
    const context = contextOf(web, { parents: levels });
    let layers = 0;
    await engine.run(() => undefined, { request: { context, mode: 'read' } });
    for (const event of engine.events) if (event.type === 'attached') layers = event.layers;
    expect(layers).toBeLessThanOrEqual(17);
    expect(await found(engine, context)).toHaveLength(36);
    const gone = await engine.deps.metadata.findNamespace(levels[6] as Namespace, noAbort);
    const [volume] = await engine.deps.metadata.volumesOf(gone?.id as never, noAbort);
    await engine.run(
      async ([view]) => {
        await engine.deps.metadata.removeVolume(volume?.id as never, null, noAbort);
        expect(view?.exists('content/a6')).toBe(true);
        install(view, 'own');
      },
      { request: { context } },
    );
    expect(await found(engine, context)).toHaveLength(34);
  });
});
