import type { Namespace } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { machines } from '../sync/machines.fixture.ts';
import { baseRequest, plainVolume, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { planVolume } from '../volumes/plan.ts';
import { explainTiers } from './explain-tiers.ts';
import { acme, contextOf, dataIn, feedFrom, projectOf, seenIn, team, warningsOf } from './tiers.fixture.ts';

const [web, api] = ['web', 'api'].map(projectOf) as [Namespace, Namespace];
const both = contextOf(web, { parents: [team, acme] });
const alone = (namespace: Namespace) => contextOf(namespace, { parents: [] });

/** Returns what a reader of only that tier finds. */
async function seenOf(engine: TestEngine, tier: Namespace): Promise<Record<string, string>> {
  return await seenIn(engine, contextOf(api, { parents: [tier] }));
}

async function feedingOf({ deps }: TestEngine): Promise<Readonly<Record<string, string>>> {
  const planned = planVolume(deps.tools, both, baseRequest.environment, plainVolume);
  const tiers = await explainTiers(deps, { context: both, planned, isConfined: false }, noAbort);
  return Object.fromEntries(tiers.map(({ namespace, feeding }) => [namespace, feeding]));
}

describe("a tier's contents that a first save took along", () => {
  test('are fed to no other tier, nor are layers above them, and explain says why', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await dataIn(engine, alone(team), { secret: 'of the team' });
    expect((await dataIn(engine, both, { own: 'of web' }))?.fed).toEqual([]);
    expect((await dataIn(engine, both, { more: 'of web' }))?.fed).toEqual([]);
    expect(await seenOf(engine, acme)).toEqual({});
    expect(await seenIn(engine, both)).toEqual({ secret: 'of the team', own: 'of web', more: 'of web' });
    expect(await feedingOf(engine)).toMatchObject({
      [acme]: "its own lane is based on another tier's contents, and those are not passed on",
    });
    expect(warningsOf(engine)).toEqual([]);
  });

  test('are fed to that tier again, with the layers above them', async () => {
    const engine = testEngine();
    await feedFrom(engine, team);
    await dataIn(engine, alone(team), { a: 'of the team' });
    expect((await dataIn(engine, both, { own: 'of web' }))?.fed).toMatchObject([{ namespace: team, layers: 1 }]);
    await dataIn(engine, alone(team), { b: 'of the team' });
    await dataIn(engine, both, { more: 'of web' });
    expect(await seenOf(engine, team)).toMatchObject({ a: 'of the team', own: 'of web', more: 'of web' });
  });

  test('are fed if a rule covers that tier too', async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await feedFrom(engine, acme, { from: team });
    await dataIn(engine, alone(team), { a: 'of the team' });
    await dataIn(engine, both, { own: 'of web' });
    expect(await seenOf(engine, acme)).toEqual({ a: 'of the team', own: 'of web' });
  });

  test('are fed to no tier by a machine that pulled the lane and the tiers', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await dataIn(ann, alone(team), { secret: 'of the team' });
    await dataIn(ann, both, { own: 'of web' });
    await feedFrom(ben, acme);
    expect((await dataIn(ben, both, { more: 'of web' }))?.fed).toEqual([]);
    expect(await seenOf(ben, acme)).toEqual({});
  });

  test('do not affect a project without them', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await dataIn(ann, both, { own: 'of web' });
    await feedFrom(ben, team);
    await feedFrom(ben, acme);
    // This machine pulls the tier that was fed first.
    await dataIn(ben, both, { more: 'of web' });
    await dataIn(ben, both, { yet: 'of web' });
    for (const tier of [team, acme])
      expect(await seenOf(ben, tier)).toEqual({ own: 'of web', more: 'of web', yet: 'of web' });
  });
});
