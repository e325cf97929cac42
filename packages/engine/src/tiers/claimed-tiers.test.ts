import { parseGrantee, parseProviderRef, parseVolumeName, type Context, type VolumeName } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { projectProvider } from '../providers/plain-providers.ts';
import { provideVolume } from '../providers/provide-volume.ts';
import { grantVolumes, withdrawGrant } from '../sharing/grants.ts';
import { parentsOfRun } from '../sharing/parents-of-run.ts';
import {
  baseRequest,
  indexedVolume,
  plainVolume,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';
import { planVolume } from '../volumes/plan.ts';
import { explainTiers, type ExplainedTier } from './explain-tiers.ts';
import {
  acme,
  contextOf,
  dataIn,
  feedFrom,
  found,
  headOf,
  installIn,
  projectOf,
  seenIn,
  team,
} from './tiers.fixture.ts';

// Parents that only a file of the repository names, in CI. They are read as far as they are granted.

const web = projectOf('web');
const lane = 't1:ref:main';

function claiming(more: { readonly lane?: string; readonly needGrant?: boolean } = {}): Context {
  const context = contextOf(web, { lane, defaultLane: lane, parents: [team, acme], ...more });
  const { needGrant = true } = more;
  return { ...context, claimed: { parents: [{ namespace: team, source: 'file:3' }], needGrant, shared: null } };
}

async function warm(): Promise<TestEngine> {
  const engine = testEngine({ wrap: (deps) => ({ ...deps, providers: { find } }) });
  await installIn(engine, contextOf(team, { lane, parents: [] }), 'left');
  await installIn(engine, contextOf(acme, { lane, parents: [] }), 'right');
  await dataIn(engine, contextOf(team, { lane, parents: [] }), { a: 'x' });
  return engine;
}

const find: NonNullable<EngineDependencies['providers']>['find'] = async () => await Promise.resolve(projectProvider);

const grantOf = (volume: VolumeName | null) => ({ owner: team, volume, to: parseGrantee(web, 'test'), dryRun: false });

async function grant({ deps }: TestEngine, volume: VolumeName | null): Promise<void> {
  await grantVolumes(deps, { ...grantOf(volume), access: 'read', trust: 'T1', by: 'ann' }, noAbort);
}

async function settled({ deps }: TestEngine, context = claiming()): Promise<Context> {
  return (await parentsOfRun(deps, context, noAbort)).context;
}

test('without a grant, the run reads its own volume and the other tiers; with one also the claimed parent, until it is withdrawn', async () => {
  const engine = await warm();
  await installIn(engine, await settled(engine), 'own');
  expect(await found(engine, await settled(engine))).toEqual(['own', 'right']);
  await grant(engine, indexedVolume.name);
  expect(await found(engine, await settled(engine))).toEqual(['left', 'own', 'right']);
  // A grant of one volume does not cover the others.
  expect(await seenIn(engine, await settled(engine))).toEqual({});
  await withdrawGrant(engine.deps.metadata, grantOf(indexedVolume.name), noAbort);
  expect(await found(engine, await settled(engine))).toEqual(['own', 'right']);
});

test('without a lookup of grants, no parent is granted', async () => {
  const engine = await warm();
  await grant(engine, null);
  expect(await found(engine, claiming())).toEqual(['right']);
  expect(await found(engine, await settled(engine))).toEqual(['left', 'right']);
});

test('one that is left out is not fed either', async () => {
  const engine = await warm();
  await feedFrom(engine, team);
  const before = await headOf(engine, team, { lane });
  await installIn(engine, await settled(engine), 'own');
  expect(await headOf(engine, team, { lane })).toEqual(before);
});

test('an address in its file needs a grant of that volume', async () => {
  const engine = await warm();
  const ref = parseProviderRef(`project:${team}:data`, 'test');
  const volume = { ...plainVolume, provider: { ref, by: 'repository', source: 'file:5', overridden: [] } } as const;
  const asked = async (context: Context): Promise<unknown> =>
    (await provideVolume(engine.deps, { ...baseRequest, context }, volume, noAbort)).namespace;
  await grant(engine, parseVolumeName('other'));
  await expect(asked(await settled(engine))).rejects.toMatchObject({ code: 'E_GRANT' });
  await expect(asked(claiming())).rejects.toMatchObject({ code: 'E_GRANT' });
  expect(await asked(await settled(engine, claiming({ needGrant: false })))).toBe(team);
  await grant(engine, parseVolumeName('data'));
  expect(await asked(await settled(engine))).toBe(team);
});

test('is explained with the source that named it, and with its right', async () => {
  const engine = await warm();
  const { deps } = engine;
  const told = async (asked: Context, volume = indexedVolume): Promise<readonly ExplainedTier[]> => {
    const context = await settled(engine, asked);
    const planned = planVolume(deps.tools, context, baseRequest.environment, volume);
    return await explainTiers(deps, { context, planned, isConfined: false }, noAbort);
  };
  const by = `${web} has no grant for its`;
  const noGrant = { namespace: team, isRead: false, lane: null, isFed: false };
  expect(await told(claiming())).toMatchObject([
    { namespace: acme, by: 'the path of the project', isRead: true },
    { ...noGrant, by: 'file:3, without a grant', why: `${by} indexed` },
    { namespace: '~', by: 'nobody' },
  ]);
  await grant(engine, indexedVolume.name);
  expect(await told(claiming())).toMatchObject([{ namespace: team, by: 'file:3, by a grant', isRead: true }, {}, {}]);
  const data = (await told(claiming(), plainVolume)).find(({ namespace }) => namespace === team);
  expect(data).toMatchObject({ by: 'file:3, by a grant', isRead: false, why: `${by} data` });
});

const nobody = async (): Promise<never> => await Promise.reject(new Error('asked'));

test('without parents in the file, no grants are looked up', async () => {
  const context = contextOf(web);
  const metadata = { findNamespace: nobody, namespace: nobody, grantsTo: nobody };
  expect(await parentsOfRun({ metadata }, context, noAbort)).toEqual({ context, warning: null });
});
