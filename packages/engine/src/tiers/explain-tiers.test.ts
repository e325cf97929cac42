import type { Context } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import {
  baseRequest,
  indexedVolume,
  install,
  plainVolume,
  put,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { planVolume } from '../volumes/plan.ts';
import { explainTiers, type ExplainedTier } from './explain-tiers.ts';
import { acme, contextOf, dataIn, feedFrom, installIn, projectOf, team } from './tiers.fixture.ts';

const web = projectOf('web');

async function told(
  { deps }: TestEngine,
  context: Context,
  { volume = indexedVolume, isConfined = false } = {},
): Promise<Readonly<Record<string, ExplainedTier>>> {
  const planned = planVolume(deps.tools, context, baseRequest.environment, volume);
  const tiers = await explainTiers(deps, { context, planned, isConfined }, noAbort);
  return Object.fromEntries(tiers.map((tier) => [tier.namespace, tier]));
}

test('a tier with contents is merged below nearer ones', async () => {
  const engine = testEngine();
  await installIn(engine, contextOf(acme, { parents: [] }), 'left');
  await installIn(engine, contextOf(web), 'own');
  expect(await told(engine, contextOf(web))).toMatchObject({
    [acme]: { lane: 't1:local', isRead: true, why: 'merged below nearer contents, path by path', layers: 1, files: 2 },
  });
});

test('a tier without contents has a reason', async () => {
  const engine = testEngine();
  const context = contextOf(web);
  const why = async (): Promise<string | undefined> => (await told(engine, context))[acme]?.why;
  expect(await why()).toBe('the namespace is unknown here');
  await dataIn(engine, contextOf(acme, { parents: [] }), { a: 'x' });
  expect(await why()).toBe('it has no volume indexed');
  const other = { ...indexedVolume, compat: { os: 'other' } };
  const request = { context: contextOf(acme, { parents: [] }) };
  await engine.run(([volume]) => install(volume, 'a'), { volumes: [other], request });
  expect(await why()).toBe('its indexed is for another compat');
  await installIn(engine, contextOf(acme, { parents: [], lane: 't1:ref:main' }), 'left');
  expect(await why()).toBe('it has nothing on lane t1:local');
});

test('for a directory only the nearest snapshot is read, and only if nothing is nearer', async () => {
  const engine = testEngine();
  const context = contextOf(web, { parents: [team, acme] });
  for (const tier of [team, acme]) await dataIn(engine, contextOf(tier, { parents: [] }), { a: tier });
  const reads = async (): Promise<Readonly<Record<string, boolean>>> => {
    const tiers = await told(engine, context, { volume: plainVolume });
    return Object.fromEntries(Object.entries(tiers).map(([name, { isRead }]) => [name, isRead]));
  };
  expect(await reads()).toEqual({ [team]: true, [acme]: false, '~': false });
  await dataIn(engine, context, { b: 'own' });
  expect(await reads()).toEqual({ [team]: false, [acme]: false, '~': false });
});

test('feeding is explained with its rule, or with the reason against it', async () => {
  const engine = testEngine();
  const context = contextOf(web, { parents: [team, acme] });
  await installIn(engine, context, 'own');
  await feedFrom(engine, acme, { from: 'github.com/acme/**' });
  await feedFrom(engine, team, { from: 'github.com/other' });
  expect(await told(engine, context)).toMatchObject({
    [acme]: { isFed: true, feeding: 'its rule is for what github.com/acme/** saves in the default branch' },
    [team]: { isFed: false, feeding: 'it is for other projects' },
    '~': { isRead: false, isFed: false, why: expect.stringContaining('personal-tier: true') as string },
  });
});

test('the personal tier says why a volume is not in it', async () => {
  const engine = testEngine();
  const context = contextOf(web, { parents: [], personal: true });
  expect(await told(engine, context)).toMatchObject({
    '~': { isFed: true, feeding: 'it takes what its tool verifies', why: 'the namespace is unknown here' },
  });
  await engine.run(([volume]) => put(volume, 'pair-1.db', 'rows'), { request: { context } });
  expect(await told(engine, context)).toMatchObject({
    '~': { isFed: false, feeding: 'it holds pair-1.db, which indexed does not verify' },
  });
  expect(await told(engine, context, { volume: plainVolume })).toMatchObject({
    '~': { isRead: false, isFed: false, why: 'directory does not verify the contents of its cache' },
  });
});

test('a confined caller learns only about what it reads', async () => {
  const engine = testEngine();
  await feedFrom(engine, acme, { from: 'github.com/other' });
  await feedFrom(engine, team, { from: 'github.com/acme/web' });
  const all = contextOf(web, { parents: [team, acme] });
  const context = { ...all, readChain: all.readChain.filter(({ namespace }) => namespace !== team) };
  expect(await told(engine, context, { isConfined: true })).toEqual({
    [acme]: expect.objectContaining({ isFed: false, feeding: 'it takes nothing from runs here' }) as object,
  });
});
