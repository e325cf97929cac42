import { decodeManifest, type HeadManifest, type HeadRecord, type RunId } from '@cachelane/core';
import { memoryRemote, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look } from '../../sim/histories.fixture.ts';
import { indexedTool, testContext, type TestEngine } from '../../testing/test-engine.fixture.ts';
import { rollBack } from '../../removal/roll-back.ts';
import { loseLayers } from '../../heads/damaged-layers.ts';
import { takeApart } from '../../heads/take-apart.ts';
import { everyLayerOf } from '../heads/compare-heads.ts';
import { pullLayer } from '../layers/pull-layer.ts';
import { heedRevocations } from './heed-revocations.ts';
import { installOn, machines, onlyHead } from '../machines.fixture.ts';
import { planEverywhere, revokeEverywhere, type RevocationPlans } from '../revoke/revoke-everywhere.ts';

const { signal } = new AbortController();

/** Returns the run of each. */
async function installAll(engine: TestEngine, ...names: readonly string[]): Promise<readonly RunId[]> {
  for (const name of names) await installOn(engine, name);
  const runs = engine.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
  return runs.slice(-names.length);
}

async function linesOf(engine: TestEngine): Promise<readonly string[]> {
  const seen = await look(engine);
  const lines = (seen.get('index/bucket') ?? '').split('\n').filter((line) => line !== '');
  for (const line of lines) expect(seen.get(`content/${line}`)).toBe(`bytes of ${line}`);
  return lines;
}

async function planOf({ deps }: TestEngine, run: RunId | undefined): Promise<RevocationPlans> {
  return await planEverywhere(deps, { run: run ?? expect.fail('no run'), cascade: false }, signal);
}

function manifestIn({ heads }: MemoryRemoteState): HeadManifest {
  const [bytes] = [...heads].flatMap(([key, head]) => (key.startsWith('heads/') ? [head.bytes] : []));
  return decodeManifest(bytes ?? expect.fail('no head'), null);
}

test("a squash that was added after a revocation's plan is opened too: other runs' changes stay", async () => {
  const { machine } = machines();
  const [ann, ben] = [machine(), machine()];
  const [evil] = await installAll(ann, 'evil', 'b');
  await ben.run(() => undefined);
  const plans = await planOf(ben, evil);
  await installAll(ann, 'c', 'd');
  await ben.run(() => undefined);
  // Two layers behind the squash never were here.
  expect([(await onlyHead(ben)).length, (await ben.deps.layers.list(signal)).length]).toEqual([1, 3]);
  await revokeEverywhere(ben.deps, plans, 'ann', signal);
  for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['b', 'c', 'd']);
});

test("a squash with unavailable parts leaves the head until they come: other runs' changes are not lost", async () => {
  const { machine, state } = machines();
  const [ann, ben] = [machine(), machine()];
  const [evil] = await installAll(ann, 'evil', 'b', 'c', 'd');
  await ben.run(() => undefined);
  const { metadata } = ben.deps;
  const { id: volumeId, namespaceId, tool } = (await metadata.listVolumes(signal))[0] ?? expect.fail('no volume');
  const manifest = manifestIn(state);
  await metadata.revokeRuns([{ run: evil ?? expect.fail('no run'), atMs: 1, by: 'ben', namespaceId: null }], signal);
  const heeding = { place: { volumeId, namespaceId, name: manifest }, tool, by: 'run_0' as RunId, manifest };
  await heedRevocations({ ...ben.deps, remote: null }, heeding, signal);
  expect(await onlyHead(ben)).toEqual([]);
  await installOn(ben, 'e');
  for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['b', 'c', 'd', 'e']);
});

test("a squash is opened without the parts that the remote has removed: other runs' changes stay", async () => {
  const { machine } = machines();
  const [ann, ben] = [machine(), machine()];
  const [one, other] = await installAll(ann, 'one', 'other', 'c', 'd');
  await ben.run(() => undefined);
  expect((await ben.deps.layers.list(signal)).length).toBe(1);
  await revokeEverywhere(ann.deps, await planOf(ann, one), 'ann', signal);
  await revokeEverywhere(ben.deps, await planOf(ben, other), 'ben', signal);
  for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['c', 'd']);
});

async function withUnrecordedParts(): Promise<{
  readonly ben: TestEngine;
  readonly head: HeadRecord;
  readonly evil: RunId;
}> {
  const { machine, state } = machines();
  const [ann, ben] = [machine(), machine()];
  const [evil] = await installAll(ann, 'evil', 'b', 'c', 'd');
  await ben.run(() => undefined);
  const [head] = await ben.deps.metadata.listHeads(signal);
  expect(head?.layers).toHaveLength(1);
  const deps = { ...ben.deps, remote: memoryRemote(state) };
  for (const layer of everyLayerOf(manifestIn(state)))
    if (layer.id !== head?.layers[0]) await pullLayer(deps, { layer, tool: null, onBytes: () => undefined }, signal);
  return { ben, head: head ?? expect.fail('no head'), evil: evil ?? expect.fail('no run') };
}

describe('downloaded parts of a squash without a record', () => {
  test('do not replace the squash when a run is revoked', async () => {
    const { ben, head, evil } = await withUnrecordedParts();
    expect(await takeApart(ben.deps, { head, runs: new Set([evil]) }, signal)).toEqual(head.layers);
  });

  test('do not come back with a rollback after a revocation', async () => {
    const { ben, head, evil } = await withUnrecordedParts();
    const { metadata } = ben.deps;
    await metadata.revokeRuns([{ run: evil, atMs: 1, by: 'ben', namespaceId: null }], signal);
    const { volumeId, generation: to } = head;
    const request = { volumeId, tool: indexedTool, context: testContext(), to, by: 'run_0' as RunId };
    await rollBack(ben.deps, request, signal);
    for (const id of await onlyHead(ben)) expect(await metadata.layer(id, signal)).toBeDefined();
  });

  test('do not replace the squash when it is damaged', async () => {
    const { ben, head } = await withUnrecordedParts();
    const { volumeId, lane, layers } = head;
    await loseLayers(ben.deps, { volumeId, lane, bad: new Set(layers), run: 'run_0' as RunId }, signal);
    expect(await onlyHead(ben)).toEqual([]);
  });
});
