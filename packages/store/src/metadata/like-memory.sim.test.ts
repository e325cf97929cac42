import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isCachelaneError,
  limits,
  type CollectionFacts,
  type CollectionQuestion,
  type LaneName,
  type LayerId,
  type Metadata,
  type Namespace,
  type OpenSessionRequest,
  type RemoteId,
  type SessionId,
  type SyncedChange,
  type VolumeId,
} from '@cachelane/core';
import {
  aLayer,
  aQuestion,
  aRemote,
  countingIds,
  layerRecord,
  memoryMetadata,
  noAbort,
  openRequest,
  remoteRun,
} from '@cachelane/testkit';
import { openStore } from './real-world.fixture.ts';
import { allShared, kind, nth, paths, share, sharingStep, type World } from './sharing-steps.fixture.ts';

/**
 * Any sequence of operations gives the same answers, errors and final state on SQLite and in memory: whoever tests
 * against memory has tested against SQLite.
 */
const lanes = ['t1:local', 't2:ref:main', 't1:pr:7', 't0:run:8'].map((lane) => lane as LaneName);
const dirs = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/a/z'];
const layers = Array.from({ length: 8 }, (_, index) => aLayer(`${index}`));
const remotes = ['hub', 'backup'].map(aRemote);
/** Runs of other machines. */
const strangerIds = countingIds(1_000_000);
const strangers = Array.from({ length: 3 }, () => strangerIds.run());
const startMs = 1_767_225_600_000;

const path = fc.constantFrom(...paths);
const lane = fc.constantFrom(...lanes);
const dir = fc.constantFrom(...dirs);
const layer = fc.constantFrom(...layers);
const stranger = fc.constantFrom(...strangers);
const isLate = fc.nat({ max: 7 }).map((value) => value === 0);
const synced = fc.record({
  remote: fc.constantFrom(...remotes),
  layers: fc.subarray(layers),
  squashed: fc.subarray(layers),
  isLate,
});
/** Which one of those that there are. */
const index = fc.nat({ max: 4 });

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('open'),
      path,
      adoptFrom: path,
      base: path,
      lane,
      identity: fc.constantFrom('1', '2'),
      name: fc.constantFrom('npm', 'pip'),
      target: dir,
      mayWrite: fc.boolean(),
      tool: fc.constantFrom('npm', 'pnpm'),
      sync: fc.constantFrom('always', 'never', null),
      defaultLane: fc.constantFrom(null, null, ...lanes),
      lanePolicy: fc.constantFrom(undefined, null, { 'keep-pr': '1d' }, { history: '1d', 'volume-budget': '10KB' }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('commit'),
      index,
      lane,
      layer,
      alsoNamed: fc.option(layer, { freq: 1 }),
      isLate,
      isRewrite: fc.boolean(),
      keep: fc.nat({ max: 3 }),
      ofStranger: fc.option(stranger, { freq: 1 }),
      comes: fc.subarray(strangers),
      lost: fc.subarray(layers),
      synced: fc.option(synced),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('sync'), index, lane, synced }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('revoke'),
      index,
      stranger: fc.option(stranger, { freq: 1 }),
      isEverywhere: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('squash'), index, lane, layer, from: index, count: index }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('update'), index, dir, layer }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('close'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('alias'), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('create'), path }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('release'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('remove'), index, lane: fc.option(lane) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('forget'), candidates: fc.subarray(layers) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('trim'), index, fromGeneration: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('evict'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('note'), absent: fc.subarray(layers), held: fc.subarray(layers) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('policy'),
      path: fc.constantFrom(...paths, 'github.com/acme' as Namespace),
      key: fc.constantFrom('keep-branch', 'history-generations', 'namespace-size', 'volume-budget'),
      text: fc.constantFrom(null, 'none', '1'),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: kind('share'), step: sharingStep }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('wait'), days: fc.integer({ min: -40, max: 40 }) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type OperationOf<K extends Operation['kind']> = Extract<Operation, { readonly kind: K }>;

async function apply(world: World, step: Operation): Promise<unknown> {
  const { metadata } = world;
  switch (step.kind) {
    case 'open':
      return metadata.openSession(openStep(world, step), noAbort);
    case 'commit':
      return commitStep(world, step);
    case 'sync': {
      const volumeId = await volumeAt(world, step.index);
      const change = await changeOf(world, { ...step.synced, volumeId, lane: step.lane });
      return metadata.recordSynced({ ...change, volumeId, lane: step.lane, atMs: world.nowMs }, noAbort);
    }
    case 'squash':
      return squashStep(world, step);
    case 'revoke': {
      const run = step.stranger ?? nth(await metadata.listSessions(noAbort), step.index)?.run ?? world.ids.run();
      const namespace = nth(await metadata.listNamespaces(noAbort), step.index);
      const namespaceId = step.isEverywhere ? null : (namespace?.id ?? world.ids.namespace());
      return metadata.revokeRuns([{ run, atMs: world.nowMs, by: 'ann', namespaceId }], noAbort);
    }
    case 'update': {
      const change = { place: `mnt:${step.index}`, madeDirs: [step.dir], pins: [step.layer] };
      return metadata.updateSession(await sessionAt(world, step.index), change, noAbort);
    }
    case 'close': {
      const removed: (readonly string[])[] = [];
      await metadata.closeSession(await sessionAt(world, step.index), (list) => removed.push(list), noAbort);
      return removed;
    }
    case 'create':
      return metadata.createNamespace({ path: step.path, freshId: world.ids.namespace(), atMs: world.nowMs }, noAbort);
    case 'release': {
      const namespace = nth(await metadata.listNamespaces(noAbort), step.index);
      return metadata.releaseNamespace(namespace?.id ?? world.ids.namespace(), noAbort);
    }
    case 'alias':
      return metadata.aliasNamespace(step.path, step.to, noAbort);
    case 'remove':
      return metadata.removeVolume(await volumeAt(world, step.index), step.lane, noAbort);
    case 'forget':
      return metadata.forgetLayers(step.candidates, world.nowMs, noAbort);
    case 'trim': {
      const head = nth(await metadata.listHeads(noAbort), step.index);
      if (head === undefined) return undefined;
      return metadata.trimHistory({ ...head, fromGeneration: step.fromGeneration, atMs: world.nowMs }, noAbort);
    }
    case 'evict':
      return evictStep(world, step);
    case 'note': {
      const note = { absent: step.absent, held: step.held, lookedAtMs: world.nowMs };
      return metadata.noteCollection(note, noAbort);
    }
    case 'policy':
      return metadata.setPolicy(step.path, step.key, policyText(step), noAbort);
    case 'share':
      return share(world, step.step);
    case 'wait':
      world.nowMs += step.days * 86_400_000;
      return undefined;
  }
}

function policyText({ key, text }: OperationOf<'policy'>): string | null {
  const units = { 'keep-branch': 'd', 'history-generations': '', 'namespace-size': 'KB', 'volume-budget': 'KB' };
  if (text === '1') return `1${units[key]}`;
  return key === 'history-generations' && text !== null ? '20' : text;
}

async function evictStep({ metadata, nowMs }: World, { index }: OperationOf<'evict'>): Promise<unknown> {
  const head = nth(await askedOf(metadata, nowMs, 'all').then(({ heads }) => heads), index);
  if (head === undefined) return undefined;
  const { volumeId, lane, generation, usedAtMs } = head;
  const request = { volumeId, lane, generation, usedAtMs, policy: 'keep-pr', why: 'a test', atMs: nowMs } as const;
  return metadata.evict(request, noAbort);
}

async function askedOf(
  metadata: Metadata,
  nowMs: number,
  lanes: CollectionQuestion['lanes'],
): Promise<CollectionFacts> {
  const volumes = (await metadata.listVolumes(noAbort)).slice(0, 1).map(({ id }) => id);
  const gone = paths.slice(0, 1);
  const question = aQuestion({ lanes, nowMs, gone, layers: layers.slice(0, 4), volumes, namespace: paths[1] ?? null });
  return await metadata.collectionFacts(question, noAbort);
}

const inOrder = (list: readonly unknown[]): readonly string[] => list.map((each) => JSON.stringify(each)).toSorted();

/** In an order that both have. */
function sortedFacts({ lanePolicies, open, ...facts }: CollectionFacts): unknown {
  return {
    ...facts,
    lanePolicies: inOrder(lanePolicies),
    open: [...new Set(inOrder(open))],
    policies: inOrder(facts.policies.map(({ namespace, texts }) => [namespace, inOrder(Object.entries(texts))])),
  };
}

function openStep(world: World, step: OperationOf<'open'>): OpenSessionRequest {
  const own = { namespace: step.path, lane: step.lane };
  return openRequest(world.ids, {
    ...own,
    directory: { path: '/home/ann/web', identity: step.identity },
    adoptFrom: step.adoptFrom === step.path ? null : step.adoptFrom,
    mayWrite: step.mayWrite,
    reads: step.mayWrite || step.target !== '/',
    targets: [step.target],
    atMs: world.nowMs,
    defaultLane: step.defaultLane,
    ...(step.lanePolicy === undefined
      ? {}
      : { lanePolicy: step.lanePolicy === null ? null : { texts: step.lanePolicy, source: 'a file' } }),
    volumes: [
      {
        name: step.name,
        tool: step.tool,
        sync: step.sync,
        chain: [own, ...lanes.map((lane) => ({ namespace: step.base, lane }))],
      },
    ],
  });
}

async function sessionAt({ metadata, ids }: World, index: number): Promise<SessionId> {
  return nth(await metadata.listSessions(noAbort), index)?.id ?? ids.session();
}

async function volumeAt({ metadata, ids }: World, index: number): Promise<VolumeId> {
  return nth(await metadata.listVolumes(noAbort), index)?.id ?? ids.volume();
}

async function commitStep(world: World, step: OperationOf<'commit'>): Promise<unknown> {
  const { metadata, ids, nowMs: atMs } = world;
  const { lane, layer, alsoNamed } = step;
  const volumeId = await volumeAt(world, step.index);
  const head = await metadata.head(volumeId, lane, noAbort);
  const run = nth(await metadata.listSessions(noAbort), step.index)?.run ?? ids.run();
  const record = layerRecord(layer, volumeId, step.ofStranger ?? run);
  return metadata.commit(
    {
      volumeId,
      lane,
      expectedGeneration: Math.max(0, (head?.generation ?? 0) - (step.isLate ? 1 : 0)),
      layers: [layer, ...(alsoNamed === null ? [] : [alsoNamed]), ...(head?.layers ?? []).slice(0, step.keep)],
      ...(step.isRewrite ? { layer: null, rewritten: [record] } : { layer: record }),
      runs: step.comes.map((id) => remoteRun(ids, { id, startedAtMs: atMs })),
      lost: step.lost,
      ...(step.synced === null ? {} : { synced: await changeOf(world, { ...step.synced, volumeId, lane }) }),
      run,
      counts: record.counts,
      atMs,
    },
    noAbort,
  );
}

async function squashStep({ metadata, ids, nowMs }: World, step: OperationOf<'squash'>): Promise<unknown> {
  const { lane, layer, from, count } = step;
  const volumeId = await volumeAt({ metadata, ids, nowMs }, step.index);
  const head = await metadata.head(volumeId, lane, noAbort);
  const layers = (head?.layers ?? []).slice(from, from + count);
  const record = layerRecord(layer, volumeId, ids.run());
  return metadata.squash({ volumeId, lane, layer: record, layers, atMs: nowMs }, noAbort);
}

interface Wanted {
  readonly remote: RemoteId;
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly layers: readonly LayerId[];
  readonly isLate: boolean;
  readonly squashed?: readonly LayerId[];
}

async function changeOf({ metadata, nowMs }: World, { isLate, ...wanted }: Wanted): Promise<SyncedChange> {
  const { remote, volumeId, lane, layers, squashed = [] } = wanted;
  const record = await metadata.syncedHead(remote, volumeId, lane, noAbort);
  const [id, ...parts] = squashed;
  const squashes = id === undefined ? [] : [{ id, layers: parts, atMs: nowMs }];
  return { remote, layers, squashes, expectedRevision: Math.max(0, (record?.revision ?? 0) - (isLate ? 1 : 0)) };
}

async function answer(world: World, step: Operation): Promise<unknown> {
  try {
    return await apply(world, step);
  } catch (error) {
    if (isCachelaneError(error)) return error.code;
    throw error;
  }
}

async function everything(world: World): Promise<unknown> {
  const { metadata, nowMs } = world;
  const heads = await metadata.listHeads(noAbort);
  const sessions = await metadata.listSessions(noAbort);
  return {
    namespaces: await metadata.listNamespaces(noAbort),
    volumes: await metadata.listVolumes(noAbort),
    sessionVolumes: await metadata.listSessionVolumes(noAbort),
    heads,
    sessions: sessions.map((session) => ({ ...session, pins: session.pins.toSorted() })),
    reads: await metadata.listReads(noAbort),
    revoked: await metadata.revokedRuns('all', noAbort),
    revokedHere: await Promise.all(
      (await metadata.listNamespaces(noAbort)).map(({ id }) => metadata.revokedRuns(id, noAbort)),
    ),
    squashes: await Promise.all(heads.map(({ volumeId, lane }) => metadata.squashes(volumeId, lane, noAbort))),
    history: await Promise.all(heads.map(({ volumeId, lane }) => metadata.history(volumeId, lane, noAbort))),
    layers: await Promise.all(layers.map((id) => metadata.layer(id, noAbort))),
    runs: await Promise.all([...heads.map(({ run }) => run), ...strangers].map((id) => metadata.run(id, noAbort))),
    synced: await Promise.all([null, ...remotes].map((remote) => metadata.listSyncedHeads(remote, noAbort))),
    referenced: [...(await metadata.referencedLayers(nowMs, noAbort))].toSorted(),
    due: sortedFacts(await askedOf(metadata, nowMs, 'due')),
    dueLater: sortedFacts(await askedOf(metadata, nowMs + 16 * 86_400_000, 'due')),
    facts: sortedFacts(await askedOf(metadata, nowMs, 'all')),
    lookedAtMs: await metadata.lookedAtMs(noAbort),
    shared: await allShared(world),
    expired: [...(await metadata.referencedLayers(nowMs + limits.historyMs + 1, noAbort))].toSorted(),
  };
}

interface HolderLook {
  /** Recorded, named by nothing, and not loose. */
  readonly missed: readonly LayerId[];
  readonly forgotten: readonly LayerId[];
  readonly unreferenced: readonly LayerId[];
}

/** What is held is kept beside what names it: it has to be the same at any time, whatever was done. */
async function lookAtHolders({ metadata, nowMs }: World, isNoted: boolean): Promise<HolderLook> {
  await metadata.forgetLayers([], nowMs, noAbort);
  const referenced = await metadata.referencedLayers(nowMs, noAbort);
  const unreferenced = layers.filter((id) => !referenced.has(id));
  const { loose } = await askedOf(metadata, nowMs, 'due');
  const known = await Promise.all(unreferenced.map((id) => metadata.layer(id, noAbort)));
  const missed = known.flatMap((record) => (record === undefined || loose.has(record.id) ? [] : [record.id]));
  const forgotten = await metadata.forgetLayers(layers, nowMs, noAbort);
  return { missed: isNoted ? [] : missed, forgotten: forgotten.toSorted(), unreferenced: unreferenced.toSorted() };
}

test('SQLite and memory answer alike', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), async (steps) => {
      // SQLite without a file: this is about what it answers, and a disk would take most of the time.
      await using sqlite = await openStore(':memory:');
      const left: World = { metadata: sqlite, ids: countingIds(), nowMs: startMs };
      const right: World = { metadata: memoryMetadata(), ids: countingIds(), nowMs: startMs };
      for (const step of steps) expect(await answer(left, step)).toEqual(await answer(right, step));
      expect(await everything(left)).toEqual(await everything(right));
      // Such a note may say of anything that its files are gone.
      const isNoted = steps.some((step) => step.kind === 'note');
      for (const world of [left, right]) {
        const { missed, forgotten, unreferenced } = await lookAtHolders(world, isNoted);
        expect(missed).toEqual([]);
        expect(forgotten).toEqual(unreferenced);
      }
    }),
    { numRuns: 200 },
  );
});
