import fc from 'fast-check';
import { expect, test } from 'vitest';
import { statedPolicy, type LayerId, type PolicyTexts } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { everything, install, testContext, testEngine, testHome } from '../testing/test-engine.fixture.ts';
import { collectGarbage } from './collect-garbage.ts';
import { findRemovable, type GarbageOptions } from './find-removable.ts';

/**
 * Invariant: a collection that checks only due lanes and loose layers finds the same as one that checks everything, for any runs, times and
 * policies.
 */
const lanes = ['t1:ref:main', 't1:pr:1', 't1:ref:feat', 't0:run:9', 't2:ref:release'];
const hourMs = 3_600_000;

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ act: fc.constant('run'), lane: fc.constantFrom(...lanes), name: fc.nat({ max: 9 }) }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('wait'), hours: fc.nat({ max: 24 * 9 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('remove'), lane: fc.constantFrom(...lanes) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('collect') }) },
);

const policy: fc.Arbitrary<PolicyTexts> = fc.record(
  {
    'keep-pr': fc.constantFrom('1h', '2d'),
    'keep-run': fc.constantFrom('0', '1d'),
    history: fc.constantFrom('1h', '3d'),
    'history-generations': fc.constantFrom('1', '3'),
    'store-size': fc.constantFrom('20B', '400B', '1GB'),
    'namespace-size': fc.constantFrom('30B', '1GB'),
    't0-share': fc.constantFrom('1%', '90%'),
  },
  { requiredKeys: [] },
);

const everyLane = (deps: EngineDependencies): EngineDependencies => ({
  ...deps,
  metadata: {
    ...deps.metadata,
    collectionFacts: async (question, signal) =>
      await deps.metadata.collectionFacts({ ...question, lanes: 'all' }, signal),
  },
});

test('due lanes and loose layers are all that can be removed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25, size: 'max' }),
      policy,
      fc.boolean(),
      async (steps, texts, isStored) => {
        const home = testHome();
        let laterMs = 0;
        const engine = testEngine({
          home,
          wrap: (plain) => ({ ...plain, clock: { ...plain.clock, nowMs: () => plain.clock.nowMs() + laterMs } }),
        });
        const { deps } = engine;
        const stated = isStored ? {} : statedPolicy(texts, 'own file');
        if (isStored) {
          const { namespace } = testContext();
          for (const [key, text] of Object.entries(texts)) {
            if (!/share|store/.test(key))
              await deps.metadata.setPolicy(namespace, key as 'history', text ?? null, noAbort);
          }
        }
        const options: GarbageOptions = { ...everything, policy: stated };
        // After one full check there are no orphans.
        await collectGarbage(deps, options, noAbort);
        const compare = async (): Promise<void> => {
          const { removable: some, left } = await findRemovable(deps, options, noAbort);
          const { removable: all } = await findRemovable(everyLane(deps), { ...options, all: true }, noAbort);
          const inOrder = (found: typeof all): unknown => ({
            ...found,
            layers: found.layers.toSorted(byId),
            young: found.young.toSorted(byId),
          });
          expect(inOrder(some)).toEqual(inOrder(all));
          expect(left.length).toBeLessThanOrEqual((await deps.metadata.listHeads(noAbort)).length);
        };
        for (const each of steps) {
          if (each.act === 'wait') laterMs += ('hours' in each ? each.hours : 0) * hourMs;
          else if (each.act === 'collect') await collectGarbage(deps, options, noAbort);
          else if (each.act === 'remove' && 'lane' in each) {
            for (const head of await deps.metadata.listHeads(noAbort)) {
              if (head.lane === each.lane) await deps.metadata.removeVolume(head.volumeId, head.lane, noAbort);
            }
          } else if ('name' in each) {
            const request = { context: testContext(each.lane), strict: false };
            await engine.run(([volume]) => install(volume, `n${each.name}-${laterMs}`), { request });
          }
          await compare();
        }
      },
    ),
    { numRuns: 300 },
  );
});

function byId(a: { readonly id: LayerId }, b: { readonly id: LayerId }): number {
  return a.id < b.id ? -1 : 1;
}
