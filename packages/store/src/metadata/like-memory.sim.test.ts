import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isCachelaneError,
  limits,
  type LaneName,
  type Metadata,
  type Namespace,
  type OpenSessionRequest,
  type SessionId,
  type VolumeId,
} from '@cachelane/core';
import {
  aLayer,
  countingIds,
  layerRecord,
  memoryMetadata,
  noAbort,
  openRequest,
  type TestIds,
} from '@cachelane/testkit';
import { openStore } from './real-world.fixture.ts';

/**
 * Any sequence of operations gives the same answers, errors and final state on SQLite and in memory: whoever tests
 * against memory has tested against SQLite.
 */
const paths = ['local/web-0123', 'github.com/acme/web', 'github.com/acme/api'].map((path) => path as Namespace);
const lanes = ['t1:local', 't2:ref:main'].map((lane) => lane as LaneName);
const dirs = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/a/z'];
const layers = Array.from({ length: 8 }, (_, index) => aLayer(`${index}`));
const startMs = 1_767_225_600_000;

const path = fc.constantFrom(...paths);
const lane = fc.constantFrom(...lanes);
const dir = fc.constantFrom(...dirs);
const layer = fc.constantFrom(...layers);
/** Which one of those that there are. */
const index = fc.nat({ max: 4 });
const kind = <const K extends string>(name: K) => fc.constant(name);

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
      isLate: fc.nat({ max: 7 }).map((value) => value === 0),
      isRewrite: fc.boolean(),
      keep: fc.nat({ max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('update'), index, dir, layer }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('close'), index }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('alias'), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('remove'), index, lane: fc.option(lane) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('forget'), candidates: fc.subarray(layers) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('wait'), days: fc.integer({ min: 1, max: 15 }) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type OperationOf<K extends Operation['kind']> = Extract<Operation, { readonly kind: K }>;

interface World {
  readonly metadata: Metadata;
  readonly ids: TestIds;
  nowMs: number;
}

const nth = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

async function apply(world: World, step: Operation): Promise<unknown> {
  const { metadata } = world;
  switch (step.kind) {
    case 'open':
      return metadata.openSession(openStep(world, step), noAbort);
    case 'commit':
      return commitStep(world, step);
    case 'update': {
      const change = { place: `mnt:${step.index}`, madeDirs: [step.dir], pins: [step.layer] };
      return metadata.updateSession(await sessionAt(world, step.index), change, noAbort);
    }
    case 'close': {
      const removed: (readonly string[])[] = [];
      await metadata.closeSession(await sessionAt(world, step.index), (list) => removed.push(list), noAbort);
      return removed;
    }
    case 'alias':
      return metadata.aliasNamespace(step.path, step.to, noAbort);
    case 'remove':
      return metadata.removeVolume(await volumeAt(world, step.index), step.lane, noAbort);
    case 'forget':
      return metadata.forgetLayers(step.candidates, world.nowMs, noAbort);
    case 'wait':
      world.nowMs += step.days * 86_400_000;
      return undefined;
  }
}

function openStep(world: World, step: OperationOf<'open'>): OpenSessionRequest {
  const own = { namespace: step.path, lane: step.lane };
  return openRequest(world.ids, {
    ...own,
    directory: { path: '/home/ann/web', identity: step.identity },
    adoptFrom: step.adoptFrom === step.path ? null : step.adoptFrom,
    mayWrite: step.mayWrite,
    targets: [step.target],
    atMs: world.nowMs,
    volumes: [
      { name: step.name, tool: step.tool, chain: [own, ...lanes.map((lane) => ({ namespace: step.base, lane }))] },
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
  const record = layerRecord(layer, volumeId, run);
  return metadata.commit(
    {
      volumeId,
      lane,
      expectedGeneration: Math.max(0, (head?.generation ?? 0) - (step.isLate ? 1 : 0)),
      layers: [layer, ...(alsoNamed === null ? [] : [alsoNamed]), ...(head?.layers ?? []).slice(0, step.keep)],
      ...(step.isRewrite ? { layer: null, rewritten: [record] } : { layer: record }),
      run,
      counts: record.counts,
      atMs,
    },
    noAbort,
  );
}

async function answer(world: World, step: Operation): Promise<unknown> {
  try {
    return await apply(world, step);
  } catch (error) {
    if (isCachelaneError(error)) return error.code;
    throw error;
  }
}

async function everything({ metadata, nowMs }: World): Promise<unknown> {
  const heads = await metadata.listHeads(noAbort);
  const sessions = await metadata.listSessions(noAbort);
  return {
    namespaces: await metadata.listNamespaces(noAbort),
    volumes: await metadata.listVolumes(noAbort),
    heads,
    sessions: sessions.map((session) => ({ ...session, pins: session.pins.toSorted() })),
    history: await Promise.all(heads.map(({ volumeId, lane }) => metadata.history(volumeId, lane, noAbort))),
    layers: await Promise.all(layers.map((id) => metadata.layer(id, noAbort))),
    runs: await Promise.all(heads.map(({ run }) => metadata.run(run, noAbort))),
    referenced: [...(await metadata.referencedLayers(nowMs, noAbort))].toSorted(),
    expired: [...(await metadata.referencedLayers(nowMs + limits.historyMs + 1, noAbort))].toSorted(),
  };
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
    }),
    { numRuns: 200 },
  );
});
