import {
  aboutKey,
  decodeManifest,
  encodeManifest,
  type HeadManifest,
  type RemoteKey,
  type Sync,
  type VolumeRecord,
} from '@cachelane/core';
import {
  damageMemoryHead,
  emptyRemoteState,
  faultyRemote,
  memoryRemote,
  noAbort,
  type MemoryRemoteState,
  type MemoryVolume,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { rollBack } from '../../removal/roll-back.ts';
import {
  indexedTool,
  indexedVolume,
  install,
  look,
  testContext,
  testEngine,
  testHome,
  type TestEngine,
  type TestHome,
  type TestRun,
} from '../../testing/test-engine.fixture.ts';
import { installOn, lenient, machines, warnings } from '../machines.fixture.ts';
import { findPending, pushPending, type PendingDependencies, type PendingHead } from './push-pending.ts';

interface Here {
  readonly home: TestHome;
  readonly state: MemoryRemoteState;
  /** A run that reaches the remote, or the given one. */
  readonly run: (name: string, options?: TestRun, remote?: PendingDependencies['remote'] | null) => Promise<TestEngine>;
  readonly deps: PendingDependencies;
  readonly find: () => Promise<readonly PendingHead[]>;
}

/** A machine and a new remote. */
function here(): Here {
  const home = testHome();
  const state = emptyRemoteState();
  const remote = memoryRemote(state);
  const deps = { ...testEngine({ seed: 'push', home }).deps, remote };
  let runs = 0;
  return {
    home,
    state,
    deps,
    async run(name, options = {}, through = remote) {
      const engine = testEngine({ seed: `run-${++runs} `, home, remote: through });
      await installOn(engine, name, options);
      return engine;
    },
    find: async () => await findPending(deps, noAbort),
  };
}

/** Pushes everything pending; returns what another machine finds then. */
async function sendAll({ deps, state, find }: Here): Promise<string | undefined> {
  for (const head of await find()) expect(await pushPending(deps, head, noAbort)).toMatchObject({ kind: 'sent' });
  expect(await find()).toEqual([]);
  return (await look(testEngine({ seed: 'reader', remote: memoryRemote(state) })))['index/bucket'];
}

const denied = { code: 'E_REMOTE_DENIED', retryable: false } as const;

describe('pending layers on a new remote', () => {
  test('are all layers, and finding them writes nothing', async () => {
    const machine = here();
    await machine.run('a', { request: { push: 'never' } });
    await machine.run('b', { request: { push: 'never' } });
    expect(await machine.find()).toMatchObject([
      { layers: 2, removals: 0, remoteId: null, name: { volume: 'indexed', lane: 't1:local' } },
    ]);
    expect([machine.state.heads.size, machine.state.objects.size]).toEqual([0, 0]);
    expect(await sendAll(machine)).toBe('a\nb\n');
  });

  test('after background pushes: the first run registers the remote, later ones make no request at their end', async () => {
    const machine = here();
    let asked = 0;
    const counted = faultyRemote(memoryRemote(machine.state), () => void asked++);
    const inBackground = async (name: string): Promise<void> => {
      const engine = testEngine({ seed: `background ${name}`, home: machine.home, remote: counted });
      const command = ([volume]: readonly MemoryVolume[]): void => {
        install(volume, name);
        asked = 0;
      };
      await engine.run(command, { request: { push: 'background' } });
    };
    await inBackground('a');
    expect([...machine.state.heads.keys()]).toContain(aboutKey);
    await inBackground('b');
    expect(asked).toBe(0);
    expect(machine.state.objects.size).toBe(0);
    expect(await machine.find()).toMatchObject([{ layers: 2, remoteId: expect.any(String) }]);
    expect(await sendAll(machine)).toBe('a\nb\n');
  });

  test('after a run without the remote', async () => {
    const machine = here();
    await machine.run('a', {}, null);
    expect(await sendAll(machine)).toBe('a\n');
  });

  test('after a run with wrong credentials', async () => {
    const machine = here();
    const engine = await machine.run(
      'a',
      lenient,
      faultyRemote(memoryRemote(machine.state), () => denied),
    );
    expect(warnings(engine)).toHaveLength(2);
    expect(await sendAll(machine)).toBe('a\n');
  });

  test.each(['swap head', 'put'] as const)('after the very first push was interrupted at its first %s', async (at) => {
    const machine = here();
    const controller = new AbortController();
    const stopping = faultyRemote(memoryRemote(machine.state), ({ operation }) => {
      if (operation === at) controller.abort(new Error('Ctrl-C'));
      return controller.signal.aborted ? denied : undefined;
    });
    await machine.run('a', { request: { strict: false, signal: controller.signal } }, stopping);
    expect(controller.signal.aborted).toBe(true);
    expect(await machine.find()).toMatchObject([{ layers: 1 }]);
    expect(await sendAll(machine)).toBe('a\n');
  });

  test('are not sent to a remote without compare-and-swap', async () => {
    const machine = here();
    await machine.run('a', {}, null);
    const { remote } = machine.deps;
    const careless: PendingDependencies['remote'] = {
      ...remote,
      heads: {
        ...remote.heads,
        swap: async (request, signal) => {
          const now = (await remote.heads.read(request.key, signal))?.version ?? null;
          return await remote.heads.swap({ ...request, expected: now }, signal);
        },
      },
    };
    const [head] = await machine.find();
    const pushing = pushPending({ ...machine.deps, remote: careless }, head ?? expect.fail('nothing'), noAbort);
    await expect(pushing).rejects.toMatchObject({ code: 'E_REMOTE_UNFIT' });
    expect(machine.state.objects.size).toBe(0);
  });
});

describe('layers that are not shared', () => {
  test.each<[string, TestRun]>([
    ['of a volume with sync never', { volumes: [{ ...indexedVolume, sync: 'never' }] }],
    ['of a T0 run', { request: { context: testContext('t0:run:12') } }],
    ['of a local namespace', { request: { context: testContext('t1:local', 'local/web-0123') } }],
  ])('%s are not pending', async (_, options) => {
    const machine = here();
    await machine.run('a', options, null);
    expect(await machine.deps.metadata.listHeads(noAbort)).toHaveLength(1);
    expect(await machine.find()).toEqual([]);
  });

  test("follow the last run's setting, whatever was pushed before", async () => {
    const machine = here();
    await machine.run('a');
    await machine.run('b', { volumes: [{ ...indexedVolume, sync: 'never' }] });
    expect(await machine.find()).toEqual([]);
    await machine.run('c', { request: { push: 'never' } });
    expect(await machine.find()).toMatchObject([{ layers: 2 }]);
  });

  test.each<[Sync | null, string, Sync, number]>([
    [null, 'indexed', 'always', 1],
    [null, 'indexed', 'never', 0],
    [null, 'gone', 'always', 0],
    ['always', 'indexed', 'never', 1],
    ['never', 'indexed', 'always', 0],
  ])('of a volume with sync %s and tool %s with %s: %i pending heads', async (sync, tool, rule, count) => {
    const machine = here();
    await machine.run('a', {}, null);
    const { volumes } = machine.home.metadata;
    const [volume] = volumes.values();
    const { id, ...rest } = volume ?? expect.fail('no volume');
    volumes.set(id, { ...rest, id, sync, tool } satisfies VolumeRecord);
    const deps = { ...machine.deps, tools: [{ ...indexedTool, sync: rule }] };
    expect(await findPending(deps, noAbort)).toHaveLength(count);
  });
});

describe('pending pushes of runs', () => {
  test('are known even if the very first push failed', async () => {
    const { machine, state } = machines();
    const ann = machine(({ operation }) =>
      operation === 'put' ? { code: 'E_REMOTE_FULL', retryable: false } : undefined,
    );
    await installOn(ann, 'a', lenient);
    const deps = { ...ann.deps, remote: memoryRemote(state) };
    const [pending] = await findPending(deps, noAbort);
    expect(await pushPending(deps, pending ?? expect.fail('nothing'), noAbort)).toMatchObject({ kind: 'sent' });
    expect((await look(machine()))['index/bucket']).toBe('a\n');
  });

  test('are found and sent without a run', async () => {
    const machine = here();
    expect(await machine.find()).toEqual([]);
    await machine.run('a');
    await machine.run('b', { request: { push: 'background' } });
    const [pending, ...others] = await machine.find();
    expect(others).toEqual([]);
    expect(pending).toMatchObject({ layers: 1, removals: 0, name: { volume: 'indexed', lane: 't1:local' } });
    const outcome = await pushPending(machine.deps, pending ?? expect.fail('nothing'), noAbort);
    expect(outcome).toMatchObject({ kind: 'sent', layers: 1, removed: 0 });
    expect(await sendAll(machine)).toBe('a\nb\n');
  });

  test('belong to lanes that runs used with this remote, if a background process pushes', async () => {
    const machine = here();
    const context = testContext('t1:local', 'github.com/acme/secret');
    await machine.run('hidden', { request: { context } }, null);
    const known = async (): Promise<readonly string[]> =>
      (await findPending(machine.deps, noAbort, { lanes: 'known' })).map(({ name }) => name.namespace);
    expect(await known()).toEqual([]);
    await machine.run('a', { request: { push: 'background' } });
    expect(await known()).toEqual(['github.com/acme/web']);
    expect(await machine.find()).toHaveLength(2);
    await machine.run('b', { request: { context, push: 'never' } });
    expect(await known()).toEqual(['github.com/acme/web']);
    // After an outage at its end, a later run of that lane pushes.
    const gone = faultyRemote(memoryRemote(machine.state), () => denied);
    await machine.run('c', { request: { context, push: 'background', strict: false } }, gone);
    expect(await known()).toEqual(['github.com/acme/web']);
    await machine.run('d', { request: { context, push: 'background' } });
    expect((await known()).toSorted()).toEqual(['github.com/acme/secret', 'github.com/acme/web']);
    // A replaced remote has nothing pending.
    machine.state.heads.delete(aboutKey);
    expect(await known()).toEqual([]);
  });

  test.each([
    ['alone', [], { layers: 0, removals: 2 }, 'a\n'],
    ['beside new layers', ['d'], { layers: 1, removals: 2 }, 'a\nd\n'],
  ] as const)('include what a rollback removed, %s', async (_, more, waiting, then) => {
    const machine = here();
    for (const name of ['a', 'b', 'c']) await machine.run(name);
    const { volumeId } = (await machine.deps.metadata.listHeads(noAbort))[0] ?? expect.fail('no head');
    const by = `run_${'0'.repeat(32)}` as Parameters<typeof rollBack>[1]['by'];
    await rollBack(machine.deps, { volumeId, tool: indexedTool, context: testContext(), to: 1, by }, noAbort);
    for (const name of more) await machine.run(name, {}, null);
    const [pending] = await machine.find();
    expect(pending).toMatchObject(waiting);
    const outcome = await pushPending(machine.deps, pending ?? expect.fail('nothing'), noAbort);
    expect(outcome).toMatchObject({ kind: 'sent', layers: waiting.layers, removed: 2 });
    expect(await sendAll(machine)).toBe(then);
  });
});

describe('layers that the remote has lost', () => {
  test.each([
    ['its head', ({ heads }: MemoryRemoteState, key: RemoteKey) => void heads.delete(key)],
    ['the layers of its head, as after a repair', emptyHeadOf],
  ])('are not in the records but found by a look: %s', async (_, lose) => {
    const machine = here();
    await machine.run('a');
    await machine.run('b');
    const key = [...machine.state.heads.keys()].find((each) => each.startsWith('heads/')) ?? expect.fail('no head');
    expect(await findPending(machine.deps, noAbort, { looks: true })).toEqual([]);
    lose(machine.state, key);
    expect(await machine.find()).toEqual([]);
    const [pending, ...others] = await findPending(machine.deps, noAbort, { looks: true });
    expect([pending?.layers, others]).toEqual([2, []]);
    expect(await pushPending(machine.deps, pending ?? expect.fail('nothing'), noAbort)).toMatchObject({ kind: 'sent' });
    const reader = testEngine({ seed: 'reader', remote: memoryRemote(machine.state) });
    expect((await look(reader))['index/bucket']).toBe('a\nb\n');
  });

  test('behind an unreadable head are reported with a hint', async () => {
    const machine = here();
    await machine.run('a');
    const key = [...machine.state.heads.keys()].find((each) => each.startsWith('heads/')) ?? expect.fail('no head');
    damageMemoryHead(machine.state, key);
    const [pending] = await findPending(machine.deps, noAbort, { looks: true });
    expect(await pushPending(machine.deps, pending ?? expect.fail('nothing'), noAbort)).toMatchObject({
      kind: 'failed',
      error: { code: 'E_OBJECT_CORRUPT', hint: expect.stringContaining('verify remote --repair') },
    });
  });
});

describe("the remote's version of a head that was squashed here", () => {
  test.each<readonly [string, number, (manifest: HeadManifest) => HeadManifest]>([
    ['all of it', 0, (manifest) => manifest],
    [
      'an older state, before the squash',
      0,
      ({ squashes, ...rest }) => ({ ...rest, layers: partsOf(squashes), squashes: [] }),
    ],
    ['the squash without its parts', 0, (manifest) => ({ ...manifest, squashes: [] })],
    [
      'the squashed layers, except one',
      1,
      ({ squashes, ...rest }) => ({ ...rest, layers: partsOf(squashes).slice(1), squashes: [] }),
    ],
    ['nothing', 4, (manifest) => ({ ...manifest, layers: [], squashes: [] })],
  ])('%s: %i pending layers', async (_, lost, change) => {
    const machine = here();
    for (const name of ['a', 'b', 'c', 'd']) await machine.run(name);
    const [head] = await machine.deps.metadata.listHeads(noAbort);
    expect(head?.layers).toHaveLength(1);
    const key = [...machine.state.heads.keys()].find((each) => each.startsWith('heads/')) ?? expect.fail('no head');
    changeHeadOf(machine.state, key, (manifest) => {
      expect(partsOf(manifest.squashes)).toHaveLength(4);
      // Lost, not removed.
      return { ...change(manifest), removed: [] };
    });
    expect(await machine.find()).toEqual([]);
    const pending = await findPending(machine.deps, noAbort, { looks: true });
    expect(pending.map(({ layers }) => layers)).toEqual(lost === 0 ? [] : [lost]);
    for (const each of pending) expect(await pushPending(machine.deps, each, noAbort)).toMatchObject({ kind: 'sent' });
    expect(await findPending(machine.deps, noAbort, { looks: true })).toEqual([]);
    const reader = testEngine({ seed: 'reader', remote: memoryRemote(machine.state) });
    expect((await look(reader))['index/bucket']).toBe('a\nb\nc\nd\n');
  });
});

const partsOf = (squashes: HeadManifest['squashes']): HeadManifest['layers'] =>
  squashes.flatMap(({ layers }) => layers);

function emptyHeadOf(state: MemoryRemoteState, key: RemoteKey): void {
  changeHeadOf(state, key, (manifest) => ({ ...manifest, layers: [] }));
}

function changeHeadOf(
  { heads }: MemoryRemoteState,
  key: RemoteKey,
  change: (manifest: HeadManifest) => HeadManifest,
): void {
  const head = heads.get(key);
  if (head?.bytes === undefined || head.bytes === null) expect.fail('no head');
  heads.set(key, { ...head, bytes: encodeManifest(change(decodeManifest(head.bytes, null))) });
}
