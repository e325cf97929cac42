import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isCachelaneError,
  type CommitRequest,
  type LaneName,
  type LayerId,
  type Namespace,
  type OpenSessionRequest,
  type RemoteId,
  type SessionId,
  type SyncedChange,
  type VolumeId,
} from '@cachelane/core';
import { layerRecord, memoryMetadata, noAbort, openRequest, remoteRun } from '@cachelane/testkit';
import { openStore } from './real-world.fixture.ts';
import {
  askedOf,
  everything,
  layers,
  lookAtHolders,
  lostLayers,
  remotes,
  strangers,
  worldOf,
  type StoredWorld,
} from './seen-metadata.fixture.ts';
import { kind, nth, paths, share, sharingStep } from './sharing-steps.fixture.ts';

/**
 * Any sequence of operations gives the same answers, errors and final state on SQLite and in memory, so a test
 * against memory also holds for SQLite.
 * Between operations, a collection can find every layer that nothing names.
 */
const lanes = ['t1:local', 't2:ref:main', 't1:pr:7', 't0:run:8'].map((lane) => lane as LaneName);
const dirs = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/a/z'];
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
/** Selects one of the existing items. */
const index = fc.nat({ max: 4 });

/** One collection takes several operations, so that others run in between. */
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
  { weight: 2, arbitrary: fc.record({ kind: kind('update'), index, dir, layer, isPublished: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('close'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('alias'), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('create'), path }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('release'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('remove'), index, lane: fc.option(lane) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('forget'), candidates: fc.subarray(layers) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('trim'), index, fromGeneration: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('evict'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('list') }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('look') }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('note'), held: fc.subarray(layers), isAll: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('free') }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('lose'), layer }) },
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

async function apply(world: StoredWorld, step: Operation): Promise<unknown> {
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
      await metadata.updateSession(await sessionAt(world, step.index), change, noAbort);
      if (step.isPublished) world.disk.add(step.layer);
      return undefined;
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
      return (world.forgotten = await metadata.forgetLayers(step.candidates, world.nowMs, noAbort));
    case 'trim': {
      const head = nth(await metadata.listHeads(noAbort), step.index);
      if (head === undefined) return undefined;
      return metadata.trimHistory({ ...head, fromGeneration: step.fromGeneration, atMs: world.nowMs }, noAbort);
    }
    case 'evict':
      return evictStep(world, step);
    case 'list':
    case 'look':
    case 'note':
    case 'free':
      return collectStep(world, step);
    case 'lose':
      return world.disk.delete(step.layer);
    case 'policy':
      return metadata.setPolicy(step.path, step.key, policyText(step), noAbort);
    case 'share':
      return share(world, step.step);
    case 'wait':
      world.nowMs += step.days * 86_400_000;
      world.latestMs = Math.max(world.latestMs, world.nowMs);
      return undefined;
  }
}

function policyText({ key, text }: OperationOf<'policy'>): string | null {
  const units = { 'keep-branch': 'd', 'history-generations': '', 'namespace-size': 'KB', 'volume-budget': 'KB' };
  if (text === '1') return `1${units[key]}`;
  return key === 'history-generations' && text !== null ? '20' : text;
}

async function collectStep(world: StoredWorld, step: OperationOf<'list' | 'look' | 'note' | 'free'>): Promise<unknown> {
  const { metadata, disk, nowMs: atMs } = world;
  switch (step.kind) {
    case 'list':
      world.listed = new Set(disk);
      return undefined;
    case 'look': {
      const { loose } = await askedOf(metadata, atMs, 'due');
      const there = world.listed ?? disk;
      world.absent = [...loose].filter((id) => !there.has(id));
      return undefined;
    }
    case 'note': {
      const { absent } = world;
      world.listed = null;
      const isThere = (id: LayerId): boolean => disk.has(id);
      return metadata.noteCollection({ absent, isThere, held: step.held, atMs, isAll: step.isAll }, noAbort);
    }
    case 'free':
      return metadata.amongUnused(
        world.forgotten,
        (ids) => {
          for (const id of ids) disk.delete(id as LayerId);
        },
        noAbort,
      );
  }
}

/** Publishes a layer outside a session. Deletes it if the operation does not use it. */
async function publishing<T>(world: StoredWorld, layer: LayerId, use: () => Promise<T>): Promise<T> {
  const isNew = !world.disk.has(layer);
  world.disk.add(layer);
  try {
    return await use();
  } finally {
    if (isNew && (await lostLayers(world)).includes(layer)) world.disk.delete(layer);
  }
}

async function evictStep({ metadata, nowMs }: StoredWorld, { index }: OperationOf<'evict'>): Promise<unknown> {
  const head = nth(await askedOf(metadata, nowMs, 'all').then(({ heads }) => heads), index);
  if (head === undefined) return undefined;
  const { volumeId, lane, generation, usedAtMs } = head;
  const request = { volumeId, lane, generation, usedAtMs, policy: 'keep-pr', why: 'a test', atMs: nowMs } as const;
  return metadata.evict(request, noAbort);
}

function openStep(world: StoredWorld, step: OperationOf<'open'>): OpenSessionRequest {
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

async function sessionAt({ metadata, ids }: StoredWorld, index: number): Promise<SessionId> {
  return nth(await metadata.listSessions(noAbort), index)?.id ?? ids.session();
}

async function volumeAt({ metadata, ids }: StoredWorld, index: number): Promise<VolumeId> {
  return nth(await metadata.listVolumes(noAbort), index)?.id ?? ids.volume();
}

async function commitStep(world: StoredWorld, step: OperationOf<'commit'>): Promise<unknown> {
  const { metadata, ids, nowMs: atMs } = world;
  const { lane, layer, alsoNamed } = step;
  const volumeId = await volumeAt(world, step.index);
  const head = await metadata.head(volumeId, lane, noAbort);
  const run = nth(await metadata.listSessions(noAbort), step.index)?.run ?? ids.run();
  const record = layerRecord(layer, volumeId, step.ofStranger ?? run);
  const request: CommitRequest = {
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
  };
  return publishing(world, layer, async () => await metadata.commit(request, noAbort));
}

async function squashStep(world: StoredWorld, step: OperationOf<'squash'>): Promise<unknown> {
  const { metadata, ids, nowMs } = world;
  const { lane, layer, from, count } = step;
  const volumeId = await volumeAt(world, step.index);
  const head = await metadata.head(volumeId, lane, noAbort);
  const layers = (head?.layers ?? []).slice(from, from + count);
  const record = layerRecord(layer, volumeId, ids.run());
  const request = { volumeId, lane, layer: record, layers, atMs: nowMs };
  return publishing(world, layer, async () => await metadata.squash(request, noAbort));
}

interface Wanted {
  readonly remote: RemoteId;
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly layers: readonly LayerId[];
  readonly isLate: boolean;
  readonly squashed?: readonly LayerId[];
}

async function changeOf({ metadata, nowMs }: StoredWorld, { isLate, ...wanted }: Wanted): Promise<SyncedChange> {
  const { remote, volumeId, lane, layers, squashed = [] } = wanted;
  const record = await metadata.syncedHead(remote, volumeId, lane, noAbort);
  const [id, ...parts] = squashed;
  const squashes = id === undefined ? [] : [{ id, layers: parts, atMs: nowMs }];
  return { remote, layers, squashes, expectedRevision: Math.max(0, (record?.revision ?? 0) - (isLate ? 1 : 0)) };
}

async function answer(world: StoredWorld, step: Operation): Promise<unknown> {
  try {
    return await apply(world, step);
  } catch (error) {
    if (isCachelaneError(error)) return error.code;
    throw error;
  }
}

test('SQLite and memory give the same answers and lose no layer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), async (steps) => {
      // In memory: a disk would take most of the time.
      await using sqlite = await openStore(':memory:');
      const left = worldOf(sqlite);
      const right = worldOf(memoryMetadata());
      for (const step of steps) {
        expect(await answer(left, step)).toEqual(await answer(right, step));
        expect(await lostLayers(left)).toEqual([]);
      }
      expect(await everything(left)).toEqual(await everything(right));
      for (const world of [left, right]) {
        expect(await lostLayers(world)).toEqual([]);
        const { forgotten, unreferenced } = await lookAtHolders(world);
        expect(forgotten).toEqual(unreferenced);
      }
    }),
    { numRuns: 200 },
  );
});
