import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  bytesSource,
  dataKey,
  defaultPolicy,
  digestOf,
  encodeManifest,
  headKey,
  indexKey,
  newAttempt,
  newId,
  parseLane,
  formatLane,
  parseNamespace,
  parseRemoteKey,
  parseVolumeName,
  type HeadManifest,
  type LayerId,
  type Remote,
} from '@cachelane/core';
import { collectRemote, type RemoteGarbage } from '@cachelane/engine';
import { openRemote, parseRemoteAddress } from '@cachelane/remotes';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scratchDir, startBucket, type TestBucket } from './places.fixture.ts';

// What a collection removes from a real remote, and what it keeps.

const { signal } = new AbortController();
const clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms: number) => await pause(ms),
};
const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
/** A server's clock cannot be set, so objects expire after a second. */
const grace = { markMs: 1000, objectMs: 0, clockStepMs: 0 };

async function collect(remote: Remote): Promise<RemoteGarbage> {
  const options = { policyOf: () => defaultPolicy, dryRun: false, onlyIfDue: false, grace };
  return await collectRemote({ remote, clock, random }, options, signal);
}

/** Waits until the server's clock has advanced. It may count only seconds. */
async function untilLater(remote: Remote): Promise<void> {
  const begun = await timeOf(remote);
  while ((await timeOf(remote)) < begun + 2000) await pause(100);
}

async function timeOf({ objects }: Remote): Promise<number> {
  const key = parseRemoteKey('test-clock');
  await objects.renew(key, bytesSource(new TextEncoder().encode('now')), signal);
  const found = await objects.stat(key, signal);
  await objects.remove(key, signal);
  return found?.storedAtMs ?? 0;
}

const index = new TextEncoder().encode('index');
const data = new TextEncoder().encode('data');
const id = digestOf(index) as LayerId;
const keys = [indexKey(id), dataKey(digestOf(data))];
const lane = formatLane(parseLane('t1:ref:main'));
const run = newId('run', new Uint8Array(16));

const manifest: HeadManifest = {
  namespace: parseNamespace('github.com/acme/web'),
  volume: parseVolumeName('npm'),
  compat: {},
  lane,
  tool: 'npm',
  layers: [
    {
      id,
      run,
      counts: { added: 1, changed: 0, removed: 0, sizeBytes: 4 },
      files: 1,
      sealedAtMs: Date.now(),
      indexBytes: index.length,
      data: { sizeBytes: data.length, digest: digestOf(data) },
    },
  ],
  runs: [{ id: run, lane, startedAtMs: Date.now(), revision: null, workflow: null, purpose: 'run' }],
  squashes: [],
  revoked: [],
  removed: [],
};

async function putAll(remote: Remote): Promise<readonly string[]> {
  const outcomes = [
    await remote.objects.put(indexKey(id), bytesSource(index), signal),
    await remote.objects.put(dataKey(digestOf(data)), bytesSource(data), signal),
  ];
  return outcomes.map(({ kind }) => kind);
}

async function left(remote: Remote): Promise<readonly boolean[]> {
  return await Promise.all(keys.map(async (key) => (await remote.objects.stat(key, signal)) !== undefined));
}

function collected(open: () => Promise<Remote>): void {
  test('objects that no head names are deleted by the second collection', async () => {
    await using remote = await open();
    await putAll(remote);
    await untilLater(remote);
    expect((await collect(remote)).marked.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
    await untilLater(remote);
    expect((await collect(remote)).deleted.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
    expect(await left(remote)).toEqual([false, false]);
    expect(await putAll(remote)).toEqual(['stored', 'stored']);
  });

  test('objects that are stored or named again between two collections stay', async () => {
    await using remote = await open();
    await putAll(remote);
    await untilLater(remote);
    await collect(remote);
    await untilLater(remote);
    expect(await putAll(remote)).toEqual(['present', 'present']);
    await remote.objects.renew(indexKey(id), bytesSource(index), signal);
    await untilLater(remote);
    expect((await collect(remote)).deleted.map(({ key }) => key)).toEqual([keys[1]]);
    expect(await left(remote)).toEqual([true, false]);

    await putAll(remote);
    await untilLater(remote);
    const bytes = encodeManifest(manifest);
    const swap = { key: headKey(manifest), bytes, expected: null, attempt: newAttempt(random.bytes(16)) };
    expect(await remote.heads.swap(swap, signal)).toMatchObject({ kind: 'moved' });
    for (let look = 0; look < 2; look++) {
      expect(await collect(remote)).toMatchObject({ heads: [], deleted: [] });
      await untilLater(remote);
    }
    expect(await left(remote)).toEqual([true, true]);
  });
}

let count = 0;

// The tests mostly wait for clocks, and each has its own directory.
describe.concurrent('a collection', () => {
  describe('a directory', () => {
    const dir = scratchDir();
    afterAll(() => dir[Symbol.dispose]());
    collected(async () => {
      const path = `${dir.path}/${++count}`;
      mkdirSync(path);
      return await openRemote({ address: parseRemoteAddress(`dir:${path}`), clock, random, env: {} });
    });
  });

  requireCommands(
    'ceph-mon',
    'ceph-osd',
    'ceph',
    'radosgw',
  )('a bucket', () => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await startBucket();
    }, 60_000);
    afterAll(async () => await bucket[Symbol.asyncDispose]());
    collected(async () => {
      const address = parseRemoteAddress(bucket.directAddress(`collected-${++count}`));
      const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = bucket.env;
      return await openRemote({ address, clock, random, env: {}, credentials: { accessKeyId, secretAccessKey } });
    });
  });
});
