import type { HeadRecord, LayerId, RemoteId } from '@cachelane/core';
import { countingIds, openOne, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { dropFaulty, verifyStore } from './verify-store.ts';
import { install, look, put, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { dropDamaged } from './damaged-layers.ts';

const { signal } = new AbortController();
const remotes = ['1', '2'].map((digit) => digit.repeat(32) as RemoteId);

/** Two layers, oldest first, synced with two remotes, and a synced layer that the lane never had. */
async function synced(engine: TestEngine): Promise<readonly [LayerId, LayerId, LayerId]> {
  const { metadata } = engine.deps;
  for (const name of ['a', 'b']) await engine.run(([volume]) => put(volume, `content/${name}`, `bytes of ${name}`));
  const { volumeId, lane, layers } = await headOf(engine);
  const [upper, lower] = layers;
  if (upper === undefined || lower === undefined) throw new Error('the head has no two layers');
  const elsewhere = 'e'.repeat(64) as LayerId;
  const change = { layers: [upper, lower, elsewhere], expectedRevision: 0 };
  for (const remote of remotes) await metadata.recordSynced({ remote, volumeId, lane, ...change, atMs: 1 }, signal);
  return [lower, upper, elsewhere];
}

async function headOf({ deps }: TestEngine): Promise<HeadRecord> {
  const [head] = await deps.metadata.listHeads(signal);
  if (head === undefined) throw new Error('there is no head');
  return head;
}

async function recordsOf({ deps }: TestEngine): Promise<readonly (readonly LayerId[])[]> {
  return (await deps.metadata.listSyncedHeads(null, signal)).map(({ layers }) => layers);
}

/** A run that attaches its view and changes nothing. */
async function meet(engine: TestEngine): Promise<void> {
  await engine.run(() => undefined);
}

describe('a layer that a head loses to damage', () => {
  test('stays in the remote when a run finds the damage', async () => {
    const engine = testEngine();
    const [lower, upper, elsewhere] = await synced(engine);
    engine.deps.layers.remove([lower]);
    await meet(engine);
    expect((await headOf(engine)).layers).toEqual([upper]);
    const left = [upper, elsewhere].toSorted();
    expect(await recordsOf(engine)).toEqual([left, left]);
  });

  test('stays in the remote when the store is repaired', async () => {
    const engine = testEngine();
    const [lower, upper, elsewhere] = await synced(engine);
    engine.deps.layers.remove([upper]);
    const found = await verifyStore(engine.deps, () => undefined, signal);
    expect(found.faulty.map(({ id }) => id)).toEqual([upper]);
    const { run } = await headOf(engine);
    expect(await dropFaulty(engine.deps, found, run, signal)).toMatchObject([{ generation: 3, layers: [lower] }]);
    const left = [lower, elsewhere].toSorted();
    expect(await recordsOf(engine)).toEqual([left, left]);
  });

  test('is dropped together with clean-ups that saw it, since their names would be broken', async () => {
    const engine = testEngine();
    for (const name of ['a', 'b']) await engine.run(([volume]) => install(volume, name));
    const [, lower] = (await headOf(engine)).layers;
    await engine.run(
      ([volume]) => {
        put(volume, 'index/bucket', 'a\n');
        volume?.remove('content/b');
      },
      { request: { purpose: 'prune' } },
    );
    engine.deps.layers.remove([lower ?? expect.fail('no layer')]);
    // In this run and in the next one.
    for (let run = 0; run < 2; run++) {
      expect(await look(engine)).toEqual({ 'content/b': 'bytes of b', 'index/bucket': 'b\n' });
    }
  });

  test('is not removed twice: a concurrent repair wins', async () => {
    const engine = testEngine();
    const [lower] = await synced(engine);
    const { metadata, layers } = engine.deps;
    const { opened, run } = await openOne(metadata, openRequest(countingIds(), { volumes: [{ name: 'indexed' }] }));
    expect(opened.own.layers).toContain(lower);
    layers.remove([lower]);
    const found = await verifyStore(engine.deps, () => undefined, signal);
    /** The other run commits just before this run reads the head to repair. */
    const head: typeof metadata.head = async (...args) => {
      await dropFaulty(engine.deps, found, run, signal);
      return await metadata.head(...args);
    };
    const deps = { ...engine.deps, metadata: { ...metadata, head } };
    await dropDamaged(deps, { opened, run, scrutiny: 'glance' }, signal);
    expect(await headOf(engine)).toMatchObject({ generation: 3 });
  });
});
