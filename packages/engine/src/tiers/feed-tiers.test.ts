import { CachelaneError, type Namespace } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import { listLeases } from '../leases/list-leases.ts';
import { planRevocation, revokeHere } from '../provenance/revoke-runs.ts';
import { traceRun } from '../provenance/trace-run.ts';
import { everything, indexedVolume, install, testEngine } from '../testing/test-engine.fixture.ts';
import { findVolume } from '../volumes/find-volume.ts';
import {
  acme,
  contextOf,
  feedFrom,
  found,
  headOf,
  installIn,
  lastRun,
  projectOf,
  revoke,
  team,
  warningsOf,
} from './tiers.fixture.ts';

const [web, api, shop] = ['web', 'api', 'shop'].map(projectOf) as [Namespace, Namespace, Namespace];

describe('a feed', () => {
  test("adds nothing without a rule: a project's additions stay its own", async () => {
    const engine = testEngine();
    const report = await installIn(engine, contextOf(web), 'left');
    expect(report?.fed).toEqual([]);
    expect(await headOf(engine, acme)).toBeUndefined();
    expect(await found(engine, contextOf(api))).toEqual([]);
  });

  test("brings a run's save to a tier, and so to a third project", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    const report = await installIn(engine, contextOf(web), 'left', 'right');
    expect(report?.fed).toEqual([
      { namespace: acme, lane: 't1:local', layers: 1, sizeBytes: expect.any(Number) as number },
    ]);
    expect(await headOf(engine, acme)).toEqual(await headOf(engine, web));
    expect(await found(engine, contextOf(api))).toEqual(['left', 'right']);
    expect(await headOf(engine, api)).toBeUndefined();
  });

  test('adds everything of the lane that the tier lacks, even if the run saved nothing', async () => {
    const engine = testEngine();
    await installIn(engine, contextOf(web), 'left');
    await installIn(engine, contextOf(web), 'right');
    await feedFrom(engine, acme);
    const report = await installIn(engine, contextOf(web));
    expect(report).toMatchObject({ layer: null, fed: [{ namespace: acme, layers: 2 }] });
    expect(await found(engine, contextOf(api))).toEqual(['left', 'right']);
    expect((await installIn(engine, contextOf(web)))?.fed).toEqual([]);
  });

  test('merges the saves of several projects', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web), 'left');
    await installIn(engine, contextOf(api, { parents: [] }), 'right');
    expect(await found(engine, contextOf(shop))).toEqual(['left']);
    await installIn(engine, contextOf(api), 'more');
    expect(await found(engine, contextOf(shop))).toEqual(['left', 'more', 'right']);
  });

  test.each([
    { title: 'a lane outside its rule', lane: 't1:ref:topic', fed: false },
    { title: 'the default branch', lane: 't1:ref:main', fed: true },
  ])('of $title', async ({ lane, fed }) => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web, { lane, defaultLane: 't1:ref:main' }), 'left');
    expect((await headOf(engine, acme, { lane })) !== undefined).toBe(fed);
  });

  test.each([
    { title: 'is read-only', request: { mode: 'read' as const } },
    { title: 'is not trusted', context: { canWrite: false } },
    { title: 'failed, if only success is saved', volume: { commit: 'success' as const }, exitCode: 1 },
  ])('does not come from a run that $title', async ({ request = {}, context = {}, volume = {}, exitCode = 0 }) => {
    const engine = testEngine();
    await installIn(engine, contextOf(web), 'left');
    await feedFrom(engine, acme);
    await engine.run(([each]) => install(each, 'right'), {
      exitCode,
      volumes: [{ ...indexedVolume, ...volume }],
      request: { ...request, context: { ...contextOf(web), ...context } },
    });
    expect(await headOf(engine, acme)).toBeUndefined();
  });

  test('goes to each tier with a rule, and no further', async () => {
    const engine = testEngine();
    await feedFrom(engine, team, { from: 'github.com/acme/web' });
    await feedFrom(engine, acme, { from: 'teams/payments' });
    await installIn(engine, contextOf(web, { parents: [team, acme] }), 'left');
    expect(await headOf(engine, team)).toHaveLength(1);
    expect(await headOf(engine, acme)).toBeUndefined();
  });

  test('between two projects that feed each other ends', async () => {
    const engine = testEngine();
    await feedFrom(engine, web);
    await feedFrom(engine, api);
    await installIn(engine, contextOf(web, { parents: [api] }), 'left');
    await installIn(engine, contextOf(api, { parents: [web] }), 'right');
    await installIn(engine, contextOf(web, { parents: [api] }), 'more');
    expect(await found(engine, contextOf(web, { parents: [] }))).toEqual(['left', 'more', 'right']);
    expect(await found(engine, contextOf(api, { parents: [] }))).toEqual(['left', 'more', 'right']);
  });

  test('that fails gives a warning, and the save remains', async () => {
    const engine = testEngine({
      wrap: (deps) => ({
        ...deps,
        metadata: {
          ...deps.metadata,
          feedsOf: async () => await Promise.reject(new Error('the disk is gone')),
        },
      }),
    });
    await feedFrom(engine, acme);
    const report = await installIn(engine, contextOf(web), 'left');
    expect(report).toMatchObject({ added: 2, skipped: null, fed: [] });
    expect(warningsOf(engine)).toEqual([expect.stringContaining('the disk is gone')]);
    expect(await found(engine, contextOf(web))).toEqual(['left']);
  });

  test('of a head with a missing layer reports that, not that the tier moved', async () => {
    const gone = new CachelaneError('E_LAYER_MISSING', 'layer abc is not in the store');
    const engine = testEngine({
      wrap: (deps) => ({
        ...deps,
        metadata: {
          ...deps.metadata,
          commit: async (request, signal) =>
            request.layer === null ? await Promise.reject(gone) : await deps.metadata.commit(request, signal),
        },
      }),
    });
    await feedFrom(engine, acme);
    expect(await installIn(engine, contextOf(web), 'left')).toMatchObject({ added: 2, fed: [] });
    expect(warningsOf(engine)).toEqual([expect.stringContaining('layer abc is not in the store')]);
  });

  test("over the tier's quota is refused with its name", async () => {
    const engine = testEngine();
    await feedFrom(engine, team);
    await engine.deps.metadata.setPolicy(team, 'namespace-size', '10B', noAbort);
    const report = await installIn(engine, contextOf(web, { parents: [team] }), 'left');
    expect(report).toMatchObject({ added: 2, skipped: null, fed: [] });
    expect(warningsOf(engine)).toEqual([expect.stringContaining('namespace-size')]);
    expect(await headOf(engine, team)).toBeUndefined();
  });

  test('does not create a tier that was removed during the run', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    const { report } = await engine.run(
      async ([volume]) => {
        install(volume, 'left');
        const record = await engine.deps.metadata.findNamespace(acme, noAbort);
        await engine.deps.metadata.releaseNamespace(record?.id as never, noAbort);
      },
      { request: { context: contextOf(web) } },
    );
    expect(report.volumes[0]).toMatchObject({ added: 2, fed: [] });
    expect(await engine.deps.metadata.findNamespace(acme, noAbort)).toBeUndefined();
    expect(warningsOf(engine)).toEqual([]);
  });

  test('does not create a tier that is removed during the feed', async () => {
    const engine = testEngine({
      wrap: (deps) => ({
        ...deps,
        metadata: {
          ...deps.metadata,
          feedsOf: async (tierId, signal) => {
            const rules = await deps.metadata.feedsOf(tierId, signal);
            await deps.metadata.releaseNamespace(tierId, signal);
            return rules;
          },
        },
      }),
    });
    await feedFrom(engine, acme);
    expect(await installIn(engine, contextOf(web), 'left')).toMatchObject({ added: 2, fed: [] });
    expect(await engine.deps.metadata.findNamespace(acme, noAbort)).toBeUndefined();
  });

  test('includes no clean-ups, and the removed files stay in the tier', async () => {
    const engine = testEngine();
    const context = contextOf(web, { parents: [] });
    await installIn(engine, context, 'left', 'junk');
    await feedFrom(engine, acme);
    const sweep = {
      request: { context: { ...contextOf(web), readChain: context.readChain }, purpose: 'prune' as const },
    };
    await engine.run(([volume]) => {
      volume?.remove('content/junk');
      volume?.write('index/bucket', 'left\n');
    }, sweep);
    expect(await headOf(engine, acme)).toBeUndefined();
    await installIn(engine, contextOf(web), 'right');
    expect(await found(engine, contextOf(api))).toEqual(['junk', 'left', 'right']);
    expect(await found(engine, context)).toEqual(['left', 'right']);
  });

  test('of a volume that stays on this machine does not reach a tier that is pushed', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await engine.run(([volume]) => install(volume, 'left'), {
      volumes: [{ ...indexedVolume, sync: 'never' }],
      request: { context: contextOf(web) },
    });
    expect(await headOf(engine, acme)).toBeUndefined();
  });

  test('does not decide whether the tier is synced', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await engine.run(([volume]) => install(volume, 'a'), {
      volumes: [{ ...indexedVolume, sync: 'never' }],
      request: { context: contextOf(acme, { parents: [] }) },
    });
    await installIn(engine, contextOf(web), 'left');
    const volume = await findVolume(
      engine.deps.metadata,
      { namespace: acme, name: indexedVolume.name, compat: {} },
      noAbort,
    );
    expect(volume?.sync).toBe('never');
    expect(await headOf(engine, acme)).toHaveLength(2);
  });

  test("is shown to a session as the tier's, not as the project's", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web), 'left');
    let leased: readonly string[] = [];
    await engine.run(
      async () => {
        const leases = await listLeases(engine.deps, noAbort);
        leased = leases.flatMap(({ leased: { kind }, namespace }) =>
          kind === 'PIN' ? [namespace.paths[0] as string] : [],
        );
      },
      { request: { context: contextOf(api) } },
    );
    expect(leased).toEqual([acme, api]);
  });

  test('protects its layers in a collection', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    for (let count = 0; count < 12; count++) await installIn(engine, contextOf(web), `n${count}`);
    const before = await headOf(engine, acme);
    expect(before?.length).toBeLessThan(12);
    await collectGarbage(engine.deps, everything, noAbort);
    expect(await found(engine, contextOf(api))).toHaveLength(12);
  });

  test('keeps its layers when the project is removed, and the reverse', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web), 'left');
    const volumeOf = async (namespace: Namespace) =>
      await findVolume(engine.deps.metadata, { namespace, name: indexedVolume.name, compat: {} }, noAbort);
    await engine.deps.metadata.removeVolume((await volumeOf(web))?.id as never, null, noAbort);
    expect(await found(engine, contextOf(api))).toEqual(['left']);
    await installIn(engine, contextOf(api), 'right');
    await engine.deps.metadata.removeVolume((await volumeOf(acme))?.id as never, null, noAbort);
    expect(await found(engine, contextOf(api))).toEqual(['right']);
  });
});

describe('a revoked run', () => {
  test('is removed from tiers too, and is not fed again', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web), 'left');
    const bad = (await installIn(engine, contextOf(web), 'bad'))?.layer;
    expect(bad).not.toBeNull();
    const run = lastRun(engine);
    await installIn(engine, contextOf(web), 'right');
    await revoke(engine, run);
    expect(await found(engine, contextOf(api))).toEqual(['left', 'right']);
    await installIn(engine, contextOf(web), 'more');
    expect(await found(engine, contextOf(api))).toEqual(['left', 'more', 'right']);
  });

  test('that was fed after the plan of its revocation is removed too', async () => {
    const engine = testEngine();
    await installIn(engine, contextOf(web), 'bad');
    const run = lastRun(engine);
    await feedFrom(engine, acme);
    const plan = await planRevocation(engine.deps, { run, cascade: false }, noAbort);
    await installIn(engine, contextOf(web), 'left');
    expect(await found(engine, contextOf(api))).toEqual(['bad', 'left']);
    const revocations = [{ run, atMs: 1, by: 'ann' }];
    await revokeHere(engine.deps, { plan, revocations, by: run, fetchReplaced: null }, noAbort);
    expect(await found(engine, contextOf(api))).toEqual(['left']);
  });

  test('is traced to every head with its entries', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(web), 'left');
    const run = lastRun(engine);
    await found(engine, contextOf(api));
    const { heads, readers } = await traceRun(engine.deps, run, noAbort);
    expect(heads.map(({ layers }) => layers.length)).toEqual([1, 1]);
    expect(readers).toEqual([lastRun(engine)]);
  });

  test('that is revoked during a feed enters no tier', async () => {
    let revokes: (() => Promise<void>) | null = null;
    const engine = testEngine({
      wrap: (deps) => ({
        ...deps,
        metadata: {
          ...deps.metadata,
          commit: async (request, signal) => {
            if (request.layer === null && (request.rewritten ?? []).length > 1) await revokes?.();
            return await deps.metadata.commit(request, signal);
          },
        },
      }),
    });
    await installIn(engine, contextOf(web), 'bad');
    const run = lastRun(engine);
    await feedFrom(engine, acme);
    let isDone = false;
    revokes = async () => {
      if (isDone) return;
      isDone = true;
      await revoke(engine, run);
    };
    const report = await installIn(engine, contextOf(web), 'right');
    expect(isDone).toBe(true);
    expect(report?.fed).toEqual([]);
    const hint = `cachelane revoke --run ${run} removes its remaining contents`;
    expect(engine.events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'E_LAYER_REFUSED', hint }));
    await installIn(engine, contextOf(web), 'more');
    expect(await found(engine, contextOf(api))).toEqual(['more', 'right']);
  });
});
