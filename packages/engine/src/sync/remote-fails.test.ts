import { CachelaneError, limits, type HeadVersion, type SwapOutcome, type SwapRequest } from '@cachelane/core';
import { emptyRemoteState, memoryRemote } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { install, look, testEngine } from '../testing/test-engine.fixture.ts';
import { installOn, lenient, machines, warnings } from './machines.fixture.ts';

const down = { code: 'E_REMOTE_GONE', retryable: false } as const;

describe('a remote that fails', () => {
  test('gives a warning only, and gets everything later', async () => {
    const { machine } = machines();
    const outage = { on: true };
    const ann = machine(() => (outage.on ? down : undefined));
    const run = await installOn(ann, 'a', lenient);
    expect(run.outcome.exitCode).toBe(0);
    expect(run.report.volumes[0]).toMatchObject({ added: 2, sync: { pushed: 'later' } });
    expect(warnings(ann)).toEqual([
      'the run continues with local contents: memory:: simulated',
      'kept here; the next run sends it: memory:: simulated',
    ]);
    outage.on = false;
    expect((await ann.run(() => undefined)).report.volumes[0]?.sync).toMatchObject({ pushed: 'sent', pushedLayers: 1 });
    expect((await look(machine()))['index/bucket']).toBe('a\n');
  });

  test('or busy metadata after the save do not end the run', async () => {
    const { state } = machines();
    const engine = testEngine({ seed: 'busy ', remote: memoryRemote(state) });
    const { deps } = engine;
    let isOver = false;
    const listNamespaces: typeof deps.metadata.listNamespaces = async (signal) => {
      if (isOver) throw new CachelaneError('E_STORE_BUSY', 'the store is busy');
      return await deps.metadata.listNamespaces(signal);
    };
    const metadata = { ...deps.metadata, listNamespaces };
    const busy = testEngine({ seed: 'busy ', remote: memoryRemote(state), wrap: (plain) => ({ ...plain, metadata }) });
    const run = await busy.run(([volume]) => {
      isOver = true;
      install(volume, 'a');
    }, lenient);
    expect(run.report.volumes[0]?.added).toBe(2);
    expect(warnings(busy)).toEqual(['kept here; the next run sends it: the store is busy']);
  });

  test('fails a strict run', async () => {
    const { machine } = machines();
    await expect(
      installOn(
        machine(() => down),
        'a',
      ),
    ).rejects.toMatchObject({ code: 'E_REMOTE_GONE' });
  });

  test('may be read-only', async () => {
    const { machine } = machines();
    await installOn(machine(), 'a');
    const reader = machine(({ operation }) =>
      operation === 'put' || operation === 'swap head' ? { code: 'E_REMOTE_READ_ONLY', retryable: false } : undefined,
    );
    const run = await installOn(reader, 'b', lenient);
    expect(run.report.volumes[0]).toMatchObject({ hits: [{ layers: 1 }], sync: { pulledLayers: 1, pushed: 'later' } });
    expect((await look(reader, lenient))['index/bucket']).toBe('a\nb\n');
    expect((await look(machine()))['index/bucket']).toBe('a\n');
  });

  test.each(['before', 'after'] as const)('a lost answer (%s the call took effect) loses nothing', async (fault) => {
    for (let number = 1; number <= 12; number++) {
      const { machine } = machines();
      await installOn(machine(), 'a');
      const ben = machine((call) => (call.number === number ? fault : undefined));
      await installOn(ben, 'b', lenient);
      await ben.run(() => undefined, lenient);
      await ben.run(() => undefined, lenient);
      const seen = await look(machine());
      expect(seen['index/bucket'], `call ${number}`).toBe('a\nb\n');
    }
  });

  test('a remote that was emptied gets everything again', async () => {
    const { machine, state } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    await installOn(ann, 'b');
    state.heads.clear();
    state.objects.clear();
    await installOn(ann, 'c');
    expect((await look(machine()))['index/bucket']).toBe('a\nb\nc\n');
  });

  test('a remote that was restored from a backup gets its missing layers again', async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'a');
    const backup = { heads: new Map(state.heads), objects: new Map(state.objects) };
    await installOn(ann, 'b');
    await installOn(ben, 'c');
    for (const part of ['heads', 'objects'] as const) {
      state[part].clear();
      for (const [key, value] of backup[part]) (state[part] as Map<unknown, unknown>).set(key, value);
    }
    expect((await look(ben))['index/bucket']).toBe('a\nb\nc\n');
    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
    await ben.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\nc\n');
  });

  test('another remote at the same address counts as a new one', async () => {
    const { machine, state } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    const other = machines();
    await installOn(other.machine(), 'x');
    for (const [key, value] of other.state.heads) state.heads.set(key, value);
    for (const [key, value] of other.state.objects) state.objects.set(key, value);
    await installOn(ann, 'b');
    expect((await look(ann))['index/bucket']).toBe('a\nb\nx\n');
  });

  test('an empty remote in its place at the end of the run gets nothing', async () => {
    const { machine, state } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    const [heads, objects] = [new Map(state.heads), new Map(state.objects)];
    const unmounted = await ann.run(([volume]) => {
      install(volume, 'b');
      state.heads.clear();
      state.objects.clear();
    }, lenient);
    expect(unmounted.report.volumes[0]?.sync).toMatchObject({ pushed: 'later' });
    expect(warnings(ann)).toEqual([
      'kept here; the next run sends it: memory: is empty now, and was not when the run began',
    ]);
    expect([state.heads.size, state.objects.size]).toEqual([0, 0]);
    for (const [key, value] of heads) state.heads.set(key, value);
    for (const [key, value] of objects) state.objects.set(key, value);
    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
  });

  test('one without compare-and-swap is reported before anything is written, and saves continue', async () => {
    const state = emptyRemoteState();
    const remote = memoryRemote(state);
    const careless = async (request: SwapRequest, signal: AbortSignal): Promise<SwapOutcome> => {
      const now = (await remote.heads.read(request.key, signal))?.version ?? null;
      return await remote.heads.swap({ ...request, expected: now }, signal);
    };
    const ann = testEngine({ remote: { ...remote, heads: { ...remote.heads, swap: careless } } });
    const run = await installOn(ann, 'a', lenient);
    expect(run.report.volumes[0]).toMatchObject({ added: 2, sync: { pushed: 'later' } });
    expect(warnings(ann)).toEqual([
      "kept here; the next run sends it: memory: overwrites existing objects despite If-None-Match: runs on several machines would lose each other's work",
    ]);
    expect(state.objects.size).toBe(0);
    await expect(installOn(ann, 'b')).rejects.toMatchObject({ code: 'E_REMOTE_UNFIT' });
  });

  test('with a web page in place of every head is reported once', async () => {
    const { state } = machines();
    const remote = memoryRemote(state);
    const page = { bytes: new TextEncoder().encode('<html>'), version: 'x' as HeadVersion };
    const ann = testEngine({ remote: { ...remote, heads: { ...remote.heads, read: () => Promise.resolve(page) } } });
    await installOn(ann, 'a', lenient);
    const why = 'memory:: the identity of the remote is not valid';
    expect(warnings(ann)).toEqual([
      `the run continues with local contents: ${why}`,
      `kept here; the next run sends it: ${why}`,
    ]);
  });
});

const silent = async (_: unknown, signal: AbortSignal): Promise<never> =>
  await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new CachelaneError('E_ABORTED', 'stopped')), { once: true });
  });

/** Returns the limits of pull and push. */
async function waits(remoteWaitMs: number): Promise<readonly number[]> {
  const asked: number[] = [];
  const remote = memoryRemote();
  const ann = testEngine({
    remote: { ...remote, heads: { ...remote.heads, read: silent } },
    wrap: (deps) => ({ ...deps, clock: { ...deps.clock, sleep: (ms) => Promise.resolve(void asked.push(ms)) } }),
  });
  const run = await installOn(ann, 'a', { request: { strict: false, remoteWaitMs } });
  expect(run.report.volumes[0]).toMatchObject({ added: 2, sync: { pushed: 'later' } });
  expect(warnings(ann)).toHaveLength(2);
  return asked.filter((ms) => ms !== remoteWaitMs || ms < limits.remoteAnswerMs);
}

describe('how long a run waits for a silent remote', () => {
  test('ten seconds before the command, and two after it', async () => {
    expect(await waits(300_000)).toEqual([limits.remoteAnswerMs, limits.remoteAgainMs]);
  });

  test('never longer than requested', async () => {
    expect(Math.max(...(await waits(500)))).toBe(500);
  });
});
