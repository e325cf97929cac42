import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  checkRemote,
  isCachelaneError,
  limits,
  newAttempt,
  parseRemoteKey,
  type CachelaneError,
  type Remote,
} from '@cachelane/core';
import {
  addWords,
  contentOf,
  noAbort,
  noise,
  requireCommands,
  seededRandom,
  signedRequest,
  sourceOf,
  wordsOf,
  type HttpFault,
} from '@cachelane/testkit';
import { retrying } from '../decorators/retrying.ts';
import { runWriter } from '../head-writers.fixture.ts';
import { systemClock, systemRandom } from '../remote-world.fixture.ts';
import { openS3Remote } from './s3-remote.ts';
import { startBucketWorld, type BucketWorld } from './bucket-world.fixture.ts';

const key = parseRemoteKey('volumes/npm');
const bytes = new TextEncoder().encode('state');
const attempt = () => newAttempt(systemRandom.bytes(16));
const impatient = { ...systemClock, sleep: () => Promise.resolve() };

async function errorOf(act: () => Promise<unknown>): Promise<CachelaneError> {
  try {
    await act();
  } catch (error) {
    if (isCachelaneError(error)) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

const withServer = requireCommands('ceph-mon', 'ceph-osd', 'ceph', 'radosgw');

withServer('a bucket behind a bad network', () => {
  let world: BucketWorld;
  beforeAll(async () => {
    world = await startBucketWorld();
  });
  afterEach(() => {
    world.proxy.decide = () => undefined;
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  /** Opens the same place with the proxy, without it, and with retries. */
  const openAll = async (settings: Parameters<BucketWorld['open']>[1] = {}) => {
    const address = world.freshAddress(world.proxy.endpoint);
    const behind = await world.open(address, settings);
    const straight = await world.open({ ...address, endpoint: world.server.endpoint });
    return { address, behind, straight, patient: retrying(behind, { clock: impatient, random: seededRandom(5) }) };
  };
  const failOnce = (fault: HttpFault, which: (method: string, path: string) => boolean = () => true): void => {
    let isDone = false;
    world.proxy.decide = ({ method, path }) => {
      if (isDone || !which(method, path)) return undefined;
      isDone = true;
      return fault;
    };
  };

  describe.each(['error-before', 'error-after', 'lose-reply', 'refuse', 'no-reply'] as const)('%s', (fault) => {
    test('of a swap is unknown, and settled by a retry', async () => {
      const { behind, straight, patient } = await openAll({ silenceMs: 400 });
      failOnce(fault);
      const request = { key, bytes, expected: null, attempt: attempt() };
      expect(await errorOf(() => behind.heads.swap(request, noAbort))).toMatchObject({
        code: 'E_REMOTE_UNKNOWN',
        retryable: true,
      });
      expect((await behind.heads.swap(request, noAbort)).kind).toBe('moved');
      const version = (await straight.heads.read(key, noAbort))?.version ?? null;
      failOnce(fault);
      const second = { key, bytes: new TextEncoder().encode('next'), expected: version, attempt: attempt() };
      expect(await patient.heads.swap(second, noAbort)).toMatchObject({ kind: 'moved' });
      expect((await straight.heads.read(key, noAbort))?.bytes).toEqual(second.bytes);
    });

    test('of a removal of a damaged head is unknown, and settled by a retry', async () => {
      const { address, behind, patient, straight } = await openAll({ silenceMs: 400 });
      await straight.heads.swap({ key, bytes, expected: null, attempt: attempt() }, noAbort);
      await world.damageHead(address, key, 'changed');
      const request = { key, attempt: attempt() };
      failOnce(fault, (method) => method === 'PUT');
      expect((await errorOf(() => behind.heads.removeDamaged(request, noAbort))).code).toBe('E_REMOTE_UNKNOWN');
      expect(await patient.heads.removeDamaged(request, noAbort)).toEqual({ kind: 'removed' });
      expect(await straight.heads.read(key, noAbort)).toBeUndefined();
      const again = { key, bytes, expected: null, attempt: attempt() };
      expect((await straight.heads.swap(again, noAbort)).kind).toBe('moved');
      expect(await patient.heads.removeDamaged(request, noAbort)).toEqual({ kind: 'left' });
    });

    test('of a put is unknown, and settled by a retry', async () => {
      const { behind, patient, straight } = await openAll({ silenceMs: 400 });
      failOnce(fault, (method) => method === 'PUT');
      const source = sourceOf(noise(20_000));
      expect((await errorOf(() => behind.objects.put(key, source, noAbort))).code).toBe('E_REMOTE_UNKNOWN');
      const acted = fault === 'error-after' || fault === 'lose-reply' || fault === 'no-reply';
      expect(await behind.objects.put(key, source, noAbort)).toEqual({ kind: acted ? 'present' : 'stored' });
      const other = parseRemoteKey('other');
      failOnce(fault, (method) => method === 'PUT');
      await patient.objects.put(other, source, noAbort);
      expect(await contentOf(await straight.objects.get(other, { expect: source }, noAbort))).toHaveLength(20_000);
    });

    test('of a read changes nothing, so it is only E_REMOTE_GONE', async () => {
      const { behind, patient } = await openAll({ silenceMs: 400 });
      await behind.objects.put(key, sourceOf(bytes), noAbort);
      const calls = (remote: Remote) => [
        () => remote.objects.get(key, {}, noAbort),
        () => remote.objects.stat(key, noAbort),
        () => remote.objects.list('', {}, noAbort),
        () => remote.heads.read(key, noAbort),
        () => remote.heads.list('', {}, noAbort),
      ];
      for (const call of calls(behind)) {
        failOnce(fault);
        expect(await errorOf(call)).toMatchObject({ code: 'E_REMOTE_GONE', retryable: true });
      }
      for (const call of calls(patient)) {
        failOnce(fault);
        await call();
      }
    });

    test('of any step of a multipart upload leaves the whole object or none', async () => {
      const { patient, straight } = await openAll({ silenceMs: 700 });
      const source = sourceOf(noise(limits.remotePartBytes + 100_000), 1_000_000);
      const steps: readonly ((method: string, path: string) => boolean)[] = [
        (method, path) => method === 'POST' && path.includes('uploads'),
        (method, path) => method === 'PUT' && path.includes('partNumber=1'),
        (method, path) => method === 'PUT' && path.includes('partNumber=2'),
        (method, path) => method === 'POST' && path.includes('uploadId'),
      ];
      for (const [index, step] of steps.entries()) {
        failOnce(fault, step);
        const part = parseRemoteKey(`parts/${index}`);
        await patient.objects.put(part, source, noAbort);
        expect(await contentOf(await straight.objects.get(part, { expect: source }, noAbort))).toHaveLength(
          source.sizeBytes,
        );
      }
    });
  });

  test.each(['cut-reply', 'stall-reply'] as const)('%s: a download goes on where it broke off', async (fault) => {
    const { behind, patient } = await openAll({ silenceMs: 400 });
    const source = sourceOf(noise(2_000_000));
    await behind.objects.put(key, source, noAbort);
    failOnce(fault);
    const broken = async () => await contentOf(await behind.objects.get(key, { expect: source }, noAbort));
    expect(await errorOf(broken)).toMatchObject({ code: 'E_REMOTE_GONE', retryable: true });
    failOnce(fault);
    const first = world.proxy.requests.length;
    expect(await contentOf(await patient.objects.get(key, { expect: source }, noAbort))).toHaveLength(2_000_000);
    expect(world.proxy.requests.length - first).toBe(2);
  });

  test('data damaged in transit is not stored, and is detected when read', async () => {
    const { behind, straight } = await openAll();
    const source = sourceOf(noise(50_000));
    failOnce('damage-request');
    expect(await errorOf(() => behind.objects.put(key, source, noAbort))).toMatchObject({
      code: 'E_REMOTE_GONE',
      retryable: true,
    });
    expect(await straight.objects.stat(key, noAbort)).toBeUndefined();
    await behind.objects.put(key, source, noAbort);
    failOnce('damage-reply');
    const read = async () => await contentOf(await behind.objects.get(key, { expect: source }, noAbort));
    expect((await errorOf(read)).code).toBe('E_OBJECT_CORRUPT');
    await behind.heads.swap({ key, bytes, expected: null, attempt: attempt() }, noAbort);
    failOnce('damage-reply');
    expect((await errorOf(() => behind.heads.read(key, noAbort))).code).toBe('E_OBJECT_CORRUPT');
    failOnce('damage-reply');
    expect(await behind.heads.removeDamaged({ key, attempt: attempt() }, noAbort)).toEqual({ kind: 'left' });
    expect((await straight.heads.read(key, noAbort))?.bytes).toEqual(bytes);
  });

  test('a swap delivered twice, at once or later, moves the head once', async () => {
    for (const fault of ['twice', 'late-again'] as const) {
      const { behind, straight } = await openAll();
      let expected = null;
      for (const word of ['one', 'two', 'three']) {
        failOnce(fault, (method) => method === 'PUT');
        const moved = await behind.heads.swap(
          { key, bytes: new TextEncoder().encode(word), expected, attempt: attempt() },
          noAbort,
        );
        expect(moved.kind).toBe('moved');
        if (moved.kind === 'moved') expected = moved.version;
      }
      await straight.heads.read(key, noAbort);
      expect((await straight.heads.read(key, noAbort))?.version).toBe(expected);
    }
  });

  test('SlowDown is retried', async () => {
    const { behind, patient } = await openAll();
    failOnce('slow-down');
    expect(await errorOf(() => behind.objects.put(key, sourceOf(bytes), noAbort))).toMatchObject({
      code: 'E_REMOTE_BUSY',
      retryable: true,
    });
    failOnce('slow-down');
    expect(await patient.objects.put(key, sourceOf(bytes), noAbort)).toEqual({ kind: 'stored' });
  });

  test('the server passes the check for heads', async () => {
    await checkRemote((await openAll()).straight, systemRandom, noAbort);
  });

  test('none of 80 swaps by 8 machines is lost, whatever the network does to a third of their requests', async () => {
    const { address, straight } = await openAll();
    const faults: readonly HttpFault[] = [
      'error-before',
      'error-after',
      'lose-reply',
      'refuse',
      'twice',
      'late-again',
      'cut-reply',
    ];
    const random = seededRandom(42);
    world.proxy.decide = () => {
      const [number = 0] = random.bytes(1);
      return number < 85 ? faults[number % faults.length] : undefined;
    };
    const words = await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        await using own = await world.open(address);
        const patient = retrying(own, { clock: impatient, random: seededRandom(writer), attempts: 40 });
        const ten = Array.from({ length: 10 }, (_word, index) => `${writer}.${index}`);
        await addWords(patient.heads, { key, words: ten, attempt });
        return ten;
      }),
    );
    expect(wordsOf((await straight.heads.read(key, noAbort))?.bytes).toSorted()).toEqual(words.flat().toSorted());
  });

  test('none of 80 swaps by 4 processes is lost', async () => {
    const { address, straight } = await openAll();
    const url = `s3://${address.bucket}/${address.prefix}?endpoint=${world.server.endpoint}`;
    const env = {
      AWS_ACCESS_KEY_ID: world.server.user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: world.server.user.secretAccessKey,
    };
    const runs = await Promise.all(
      Array.from({ length: 4 }, (_, writer) => runWriter({ address: url, name: `${writer}`, count: 20, env })),
    );
    expect(runs.map(({ end }) => end)).toEqual(runs.map(() => [0, null]));
    const added = runs.flatMap((run) => run.added);
    expect(added).toHaveLength(80);
    expect(wordsOf((await straight.heads.read(key, noAbort))?.bytes).toSorted()).toEqual(added.toSorted());
  });

  test('wrong credentials, a wrong clock, a missing bucket and a missing server are reported without secrets', async () => {
    const address = world.freshAddress();
    const secret = 'a-very-secret-key';
    const wrongSecret = await world.open(address, { credentials: { ...world.server.user, secretAccessKey: secret } });
    const wrongUser = await world.open(address, { credentials: { accessKeyId: 'nobody', secretAccessKey: secret } });
    for (const remote of [wrongSecret, wrongUser]) {
      for (const act of [
        () => remote.heads.read(key, noAbort),
        () => remote.objects.put(key, sourceOf(bytes), noAbort),
        () => remote.objects.stat(key, noAbort),
      ]) {
        const error = await errorOf(act);
        expect(error).toMatchObject({ code: 'E_REMOTE_DENIED', retryable: false });
        const shown = `${error.message} ${error.hint} ${String(error.cause)} ${error.stack}`;
        for (const hidden of [secret, 'nobody', world.server.user.accessKeyId, 'Signature='])
          expect(shown).not.toContain(hidden);
      }
    }
    const skewed = await world.open(address, { clockOffsetMs: 86_400_000 });
    expect(await errorOf(() => skewed.heads.read(key, noAbort))).toMatchObject({
      code: 'E_REMOTE_DENIED',
      retryable: true,
    });
    expect(await skewed.heads.read(key, noAbort)).toBeUndefined();
    const noBucket = await world.open({ ...address, bucket: 'no-such-bucket' });
    expect(await errorOf(() => noBucket.heads.read(key, noAbort))).toMatchObject({
      code: 'E_REMOTE_GONE',
      retryable: false,
    });
    expect((await errorOf(() => noBucket.objects.put(key, sourceOf(bytes), noAbort))).code).toBe('E_REMOTE_GONE');
    for (const endpoint of ['http://127.0.0.1:1', 'http://no-such-host.invalid']) {
      const nowhere = await world.open({ ...address, endpoint });
      expect(await errorOf(() => nowhere.objects.put(key, sourceOf(bytes), noAbort))).toMatchObject({
        code: 'E_REMOTE_GONE',
        retryable: true,
      });
    }
  });

  test('a write without permission, or over a quota, is reported', async () => {
    const { server, bucket } = world;
    const reader = { accessKeyId: 'reader-key', secretAccessKey: 'reader-secret' };
    await server.admin(
      'user',
      'create',
      '--uid=reader',
      '--display-name=r',
      `--access-key=${reader.accessKeyId}`,
      `--secret=${reader.secretAccessKey}`,
    );
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ['arn:aws:iam:::user/reader'] },
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
        },
      ],
    };
    const body = JSON.stringify(policy);
    await signedRequest({ ...server, method: 'PUT', path: `/${bucket}`, query: 'policy', body });
    const address = world.freshAddress();
    const owner = await world.open(address);
    await owner.objects.put(key, sourceOf(bytes), noAbort);
    const readOnly = await world.open(address, { credentials: reader });
    expect(await contentOf(await readOnly.objects.get(key, {}, noAbort))).toEqual(bytes);
    for (const act of [
      () => readOnly.objects.put(parseRemoteKey('x'), sourceOf(bytes), noAbort),
      () => readOnly.heads.swap({ key, bytes, expected: null, attempt: attempt() }, noAbort),
    ]) {
      expect(await errorOf(act)).toMatchObject({ code: 'E_REMOTE_READ_ONLY', retryable: false });
    }

    await server.admin(
      'user',
      'create',
      '--uid=poor',
      '--display-name=p',
      '--access-key=poor-key',
      '--secret=poor-secret',
    );
    await server.admin('quota', 'set', '--quota-scope=user', '--uid=poor', '--max-size=1000');
    await server.admin('quota', 'enable', '--quota-scope=user', '--uid=poor');
    const poor = { accessKeyId: 'poor-key', secretAccessKey: 'poor-secret' };
    await signedRequest({ endpoint: server.endpoint, user: poor, method: 'PUT', path: '/poor-bucket' });
    const full = await world.open({ ...address, bucket: 'poor-bucket' }, { credentials: poor });
    const put = () => full.objects.put(key, sourceOf(noise(100_000)), noAbort);
    expect(await errorOf(put)).toMatchObject({ code: 'E_REMOTE_FULL', retryable: false });
  });

  test('an abandoned upload is swept after a day', async () => {
    const address = world.freshAddress();
    const aDayLater = { ...systemClock, nowMs: () => Date.now() + limits.remoteSweepGraceMs + 60_000 };
    const later = await openS3Remote({ address, clock: aDayLater, env: {}, credentials: world.server.user });
    const { user, endpoint } = world.server;
    const path = `/${world.bucket}/${address.prefix}/objects/volumes/npm`;
    await signedRequest({ endpoint, user, method: 'POST', path, query: 'uploads' });
    const now = await world.open(address);
    expect(await now.objects.sweep(noAbort)).toBe(0);
    expect(await later.objects.sweep(noAbort)).toBe(1);
    expect(await later.objects.sweep(noAbort)).toBe(0);
  });
});
