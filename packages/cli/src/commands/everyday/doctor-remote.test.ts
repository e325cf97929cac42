import {
  aboutKey,
  CachelaneError,
  encodeAbout,
  newRemoteId,
  type AttemptId,
  type Remote,
  type RemoteOperation,
  type SwapRequest,
} from '@cachelane/core';
import {
  damageMemoryHead,
  emptyRemoteState,
  faultyRemote,
  memoryRemote,
  noAbort,
  seededRandom,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage } from '../../fixtures/staged-host.fixture.ts';

interface Found {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly mend: string | null;
}

interface Examined {
  readonly code: number;
  readonly remote: readonly Found[];
  readonly said: string;
  readonly isClosed: boolean;
}

/** The clock of the stage. */
const nowMs = 1_795_531_145_000;

/** A remote with this clock. */
function remoteAt(storedAtMs: number): Remote {
  const remote = memoryRemote();
  const { objects } = remote;
  return {
    ...remote,
    objects: {
      ...objects,
      stat: async (key, signal) => {
        const found = await objects.stat(key, signal);
        return found === undefined ? undefined : { ...found, storedAtMs };
      },
    },
  };
}

async function doctor(
  remote: Remote | CachelaneError,
  argv: readonly string[] = [],
  env: Readonly<Record<string, string>> = { CACHELANE_REMOTE: 'dir:/mnt/cache' },
): Promise<Examined> {
  let isClosed = false;
  const openRemote = async (): Promise<Remote> => {
    if (remote instanceof CachelaneError) throw remote;
    return await Promise.resolve({
      ...remote,
      [Symbol.asyncDispose]: async () => {
        isClosed = true;
        await Promise.resolve();
      },
    });
  };
  const random = seededRandom(1);
  using on = stage({ env: { PATH: process.env['PATH'] ?? '', ...env }, pieces: { openRemote }, random });
  const code = await on.cachelane('doctor', '--json', ...argv);
  const { checks } = JSON.parse(on.out()) as { checks: readonly Found[] };
  await on.cachelane('doctor', ...argv);
  return { code, remote: checks.filter(({ name }) => name.startsWith('remote')), said: on.out(), isClosed };
}

const failing = (code: CachelaneError['code'], operation: RemoteOperation): Remote =>
  faultyRemote(remoteAt(nowMs), (call) => (call.operation === operation ? { code, retryable: false } : undefined));

describe('doctor and the remote', () => {
  test('no remote is no problem', async () => {
    const { code, remote } = await doctor(remoteAt(nowMs), [], {});
    expect([code, remote]).toEqual([0, [{ name: 'remote', status: 'ok', detail: 'no remote is set', mend: null }]]);
  });

  test('a working remote passes and keeps no test data', async () => {
    const well = remoteAt(nowMs);
    const { code, remote, isClosed } = await doctor(well);
    expect(code).toBe(0);
    expect(isClosed).toBe(true);
    expect(remote.map(({ name, status }) => `${status} ${name}`)).toEqual([
      'ok remote',
      'ok remote read',
      'ok remote write',
      'ok remote clock',
    ]);
    expect(remote[0]?.detail).toBe('dir:/mnt/cache, by CACHELANE_REMOTE; pushes background: no CI system was detected');
    const { signal } = new AbortController();
    expect((await well.heads.list('', {}, signal)).keys).toEqual([]);
    expect((await well.objects.list('', {}, signal)).objects).toEqual([]);
  });

  test('without pushes nothing is written', async () => {
    const readOnly = failing('E_INTERNAL', 'swap head');
    const { code, remote } = await doctor(readOnly, ['--push', 'never']);
    expect([code, remote.at(-1)]).toMatchObject([
      0,
      { name: 'remote write', status: 'ok', detail: 'not tried: nothing is pushed' },
    ]);
  });

  test.each([
    ['E_REMOTE_DENIED', 'read head', 'remote read', 'fail'],
    ['E_REMOTE_GONE', 'read head', 'remote read', 'fail'],
    ['E_REMOTE_READ_ONLY', 'swap head', 'remote write', 'warn'],
    ['E_REMOTE_READ_ONLY', 'put', 'remote write', 'warn'],
    ['E_REMOTE_FULL', 'swap head', 'remote write', 'fail'],
  ] as const)('%s while it is asked to %s', async (problem, operation, name, status) => {
    const { code, remote, said, isClosed } = await doctor(failing(problem, operation));
    expect(remote.at(-1)).toMatchObject({ name, status, mend: expect.any(String) as unknown });
    expect(code).toBe(status === 'fail' ? 1 : 0);
    expect(isClosed).toBe(true);
    if (status === 'fail') expect(said).toMatch(/Runs have their caches here, but cannot use the remote\.\n/);
  });

  test('an unreadable remote document is reported with a fix', async () => {
    const state = emptyRemoteState();
    const remote = memoryRemote(state);
    const bytes = encodeAbout(newRemoteId(new Uint8Array(16)));
    await remote.heads.swap({ key: aboutKey, bytes, expected: null, attempt: '0'.repeat(32) as AttemptId }, noAbort);
    expect((await doctor(remote)).code).toBe(0);
    damageMemoryHead(state, aboutKey);
    const { code, remote: found, said } = await doctor(remote);
    expect([code, found.at(-1)]).toMatchObject([
      1,
      {
        name: 'remote read',
        status: 'fail',
        detail: 'the head about is damaged',
        mend: expect.stringContaining('cachelane verify remote --repair') as unknown,
      },
    ]);
    expect(said).toMatch(/cannot use the remote\.\nMore: /);
  });

  test('a server that loses writes fails', async () => {
    const remote = remoteAt(nowMs);
    const { heads } = remote;
    const swap = async (request: SwapRequest, signal: AbortSignal) => {
      const now = await heads.read(request.key, signal);
      return await heads.swap({ ...request, expected: now?.version ?? null }, signal);
    };
    const found = await doctor({ ...remote, heads: { ...heads, swap } });
    expect(found.code).toBe(1);
    expect(found.remote.at(-1)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('lose each other') as unknown,
      mend: expect.stringContaining('conditional writes') as unknown,
    });
  });

  test.each([
    [-600_000, /^10 min behind this machine's$/],
    [600_000, /^10 min ahead of this machine's$/],
  ])('a clock that is %i ms apart', async (apartMs, detail) => {
    const { code, remote } = await doctor(remoteAt(nowMs + apartMs));
    expect(code).toBe(0);
    expect(remote.at(-1)).toMatchObject({ name: 'remote clock', status: 'warn', mend: expect.any(String) as unknown });
    expect(remote.at(-1)?.detail).toMatch(detail);
  });

  test('write credentials of an untrusted run are a warning', async () => {
    const env = { CACHELANE_REMOTE: 'dir:/mnt/cache', ...mergeRequestOfFork };
    const open = await doctor(remoteAt(nowMs), [], env);
    expect(open.remote.find(({ name }) => name === 'remote write')).toMatchObject({
      status: 'warn',
      mend: 'give such jobs read-only credentials or none',
    });
    const closed = await doctor(failing('E_REMOTE_READ_ONLY', 'swap head'), [], env);
    expect([closed.code, closed.remote.at(-1)?.status]).toEqual([0, 'ok']);
  });

  test('a client without the right to delete can push', async () => {
    const { code, remote } = await doctor(failing('E_REMOTE_READ_ONLY', 'remove'));
    expect([code, remote.at(-1)?.status]).toEqual([0, 'ok']);
  });

  test('a remote that cannot be opened', async () => {
    const { code, remote } = await doctor(new CachelaneError('E_CONFIG', 'it has no driver', { hint: 'bring it' }));
    expect(code).toBe(1);
    expect(remote.at(-1)).toEqual({
      name: 'remote read',
      status: 'fail',
      detail: 'it has no driver',
      mend: 'bring it',
    });
  });

  test('an invalid address', async () => {
    const { code, remote } = await doctor(remoteAt(nowMs), [], { CACHELANE_REMOTE: '/mnt/cache' });
    expect(code).toBe(1);
    expect(remote).toMatchObject([
      { status: 'fail', detail: expect.stringContaining('CACHELANE_REMOTE: /mnt') as unknown },
    ]);
  });
});
