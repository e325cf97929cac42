import {
  formatLane,
  parseGrantee,
  parseLane,
  parseNamespace,
  personalLink,
  type ChainLink,
  type Context,
  type FeedRecord,
  type LaneName,
  type LayerId,
  type Namespace,
  type RunId,
  type VolumeReport,
} from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { planRevocation, revokeHere } from '../provenance/revoke-runs.ts';
import { findVolume } from '../volumes/find-volume.ts';
import {
  indexedVolume,
  install,
  look,
  plainVolume,
  put,
  testContext,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';

export const acme: Namespace = parseNamespace('github.com/acme');
export const team: Namespace = parseNamespace('teams/payments');

export const projectOf = (name: string): Namespace => parseNamespace(`github.com/acme/${name}`);
export const laneOf = (name: string): LaneName => formatLane(parseLane(name));

interface In {
  readonly lane?: string;
  readonly parents?: readonly Namespace[];
  readonly personal?: boolean;
  readonly defaultLane?: string | null;
}

/** Returns the context of a project's run that reads its parents in its own lane. */
export function contextOf(
  project: Namespace,
  { lane = 't1:local', parents = [acme], personal = false, defaultLane = null }: In = {},
): Context {
  const links: readonly ChainLink[] = [project, ...parents].map((namespace) => ({ namespace, lane: laneOf(lane) }));
  return {
    ...testContext(lane, project),
    parents,
    readChain: links,
    personalTier: personal,
    defaultLane: defaultLane === null ? null : laneOf(defaultLane),
  };
}

export const personal: Namespace = personalLink.namespace;

/** Adds a feed rule, as `cachelane feed` does. */
export async function feedFrom(
  { deps }: TestEngine,
  tier: Namespace,
  rule: { readonly from?: string; readonly volume?: string; readonly lanes?: string } = {},
): Promise<void> {
  const { from = 'github.com/acme/**', volume, lanes = 'default' } = rule;
  const { namespace } = await deps.metadata.createNamespace(
    {
      path: tier,
      freshId: `ns_${tier.replaceAll(/\W/g, '').padEnd(32, '0').slice(0, 32)}` as FeedRecord['tierId'],
      atMs: 0,
    },
    noAbort,
  );
  await deps.metadata.putFeed(
    {
      tierId: namespace.id,
      from: parseGrantee(from, 'test'),
      volume: (volume ?? null) as FeedRecord['volume'],
      lanes: lanes as FeedRecord['lanes'],
      atMs: 0,
      by: 'ann',
    },
    noAbort,
  );
}

/** Returns the head of the tests' volume, or undefined. */
export async function headOf(
  { deps: { metadata } }: TestEngine,
  namespace: Namespace,
  {
    lane = 't1:local',
    name = indexedVolume.name,
  }: { readonly lane?: string; readonly name?: typeof indexedVolume.name } = {},
): Promise<readonly LayerId[] | undefined> {
  const volume = await findVolume(metadata, { namespace, name, compat: {} }, noAbort);
  return volume === undefined ? undefined : (await metadata.head(volume.id, laneOf(lane), noAbort))?.layers;
}

export function lastRun({ events }: TestEngine): RunId {
  const opened = events.findLast(({ type }) => type === 'session-opened');
  if (opened?.type !== 'session-opened') throw new Error('nothing ran');
  return opened.run;
}

export const warningsOf = ({ events }: TestEngine): readonly string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

export async function installIn(
  engine: TestEngine,
  context: Context,
  ...names: readonly string[]
): Promise<VolumeReport | undefined> {
  const { report } = await engine.run(
    ([volume]) => {
      for (const name of names) install(volume, name);
    },
    { request: { context } },
  );
  return report.volumes[0];
}

/** Returns the names in a project's index, and checks that each has its content. */
export async function found(engine: TestEngine, context: Context): Promise<readonly string[]> {
  const seen = await look(engine, { request: { context } });
  const names = (seen['index/bucket'] ?? '').split('\n').filter((line) => line !== '');
  for (const name of names) {
    if (seen[`content/${name}`] !== `bytes of ${name}`) throw new Error(`${name} is in the index but has no content`);
  }
  return names;
}

export async function dataIn(
  engine: TestEngine,
  context: Context,
  write: Readonly<Record<string, string>> = {},
): Promise<VolumeReport | undefined> {
  const { report } = await engine.run(
    ([volume]) => {
      for (const [path, content] of Object.entries(write)) put(volume, path, content);
    },
    { volumes: [plainVolume], request: { context } },
  );
  return report.volumes[0];
}

export async function seenIn(engine: TestEngine, context: Context): Promise<Record<string, string>> {
  return await look(engine, { volumes: [plainVolume], request: { context } });
}

export async function revoke({ deps }: TestEngine, run: RunId): Promise<void> {
  const plan = await planRevocation(deps, { run, cascade: false }, noAbort);
  const revocations = [{ run, atMs: 1, by: 'ann' }];
  await revokeHere(deps, { plan, revocations, by: run, fetchReplaced: null }, noAbort);
}
