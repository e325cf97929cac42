import { decodeManifest, encodeManifest, limits, type HeadManifest, type LayerId, type RunId } from '@cachelane/core';
import type { MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { cleanUpsAmong } from '../base/clean-ups.ts';
import { look } from '../sim/histories.fixture.ts';
import { rollBack } from '../removal/roll-back.ts';
import { indexedTool, install, put, testContext, text, type TestEngine } from '../testing/test-engine.fixture.ts';
import { heedRevocations } from './revocations/heed-revocations.ts';
import { installOn, machines, onlyHead } from './machines.fixture.ts';

const { signal } = new AbortController();
const names = (count: number, prefix = 'n'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

async function linesOf(engine: TestEngine): Promise<readonly string[]> {
  const seen = await look(engine);
  const lines = (seen.get('index/bucket') ?? '').split('\n').filter((line) => line !== '');
  for (const line of lines) expect(seen.get(`content/${line}`)).toBe(`bytes of ${line}`);
  return lines;
}

function manifestOf(state: MemoryRemoteState): HeadManifest {
  const [head, ...others] = [...state.heads].flatMap(([key, { bytes }]) =>
    key.startsWith('heads/') && bytes !== null ? [bytes] : [],
  );
  expect(others).toEqual([]);
  return decodeManifest(head ?? expect.fail('there is no head'), null);
}

function changeManifest(state: MemoryRemoteState, change: (manifest: HeadManifest) => Uint8Array): void {
  for (const [key, head] of state.heads) {
    if (key.startsWith('heads/')) state.heads.set(key, { ...head, bytes: change(manifestOf(state)) });
  }
}

/** Removes everything except the kept names. */
async function prune(engine: TestEngine, kept: readonly string[]): Promise<void> {
  await engine.run(
    ([volume]) => {
      const lines = text(volume, 'index/bucket').split('\n');
      for (const line of lines) if (line !== '' && !kept.includes(line)) volume?.remove(`content/${line}`);
      put(volume, 'index/bucket', kept.map((line) => `${line}\n`).join(''));
    },
    { request: { purpose: 'prune' } },
  );
}

/** Returns layers and bytes pulled by the next run of an engine. */
async function pulledBy(engine: TestEngine): Promise<readonly [layers: number, bytes: number]> {
  const { report } = await engine.run(() => undefined);
  const sync = report.volumes[0]?.sync ?? expect.fail('it is not synced');
  return [sync.pulledLayers, sync.pulledBytes];
}

describe('a head that is squashed on one machine', () => {
  test('is as short in the remote, which knows the replaced layers', async () => {
    const { machine, state } = machines();
    const ann = machine();
    for (const name of names(40)) await installOn(ann, name);
    const manifest = manifestOf(state);
    expect(manifest.layers.map(({ id }) => id)).toEqual(await onlyHead(ann));
    expect(manifest.layers.length).toBeLessThan(limits.viewLayers);
    const replaced = manifest.squashes.flatMap(({ layers }) => layers.map(({ id }) => id));
    expect(new Set(replaced).size).toBeGreaterThanOrEqual(40 - manifest.layers.length);
    expect(manifest.runs.length).toBe(40);
  });

  test('is not downloaded by a machine with the replaced layers: it makes the same squash', async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    expect((await pulledBy(ben))[0]).toBe(3);
    await installOn(ann, 'n3');
    const after = await onlyHead(ann);
    expect(after).toHaveLength(1);
    // Only the new layer in it is downloaded.
    const [squash] = manifestOf(state).squashes;
    const fresh = squash?.layers[0] ?? expect.fail('the squash is not known');
    expect(await pulledBy(ben)).toEqual([1, fresh.indexBytes + fresh.data.sizeBytes]);
    expect(await onlyHead(ben)).toEqual(after);
    expect(await linesOf(ben)).toEqual(names(4));
  });

  test('removes no saves of others, even with a clean-up that has forgotten parts', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    await ben.run(() => undefined);
    await prune(ann, ['n1', 'n2']);
    await ben.run(() => undefined);
    for (const name of names(6, 'later'))
      await ann.run(([volume]) => install(volume, name), { request: { push: 'never' } });
    expect((await cleanUpsAmong(ann.deps.metadata, await onlyHead(ann), signal)).size).toBe(0);
    for (const name of names(6, 'ben')) await installOn(ben, name);
    const later: Partial<TestEngine['deps']['clock']> = { nowMs: () => 1_700_000_000_000 + 2 * limits.revocationMs };
    Object.assign(ann.deps.clock, later);
    await ann.run(() => undefined);
    for (const engine of [ann, ben, machine()])
      expect(await linesOf(engine)).toEqual([...names(6, 'ben'), ...names(6, 'later'), 'n1', 'n2'].toSorted());
  });

  test('is made instead of downloaded if all replaced layers are here', async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    await ann.run(([volume]) => install(volume, 'n3'), { request: { push: 'never' } });
    // Without the squash, as after a machine that died before it.
    const { volumeId, lane } = (await ann.deps.metadata.listHeads(signal))[0] ?? expect.fail('no head');
    const [record] = await ann.deps.metadata.squashes(volumeId, lane, signal);
    const plain = record?.layers ?? expect.fail('no squash');
    const move = { layer: null, run: 'run_0' as RunId, counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 } };
    await ann.deps.metadata.commit({ volumeId, lane, expectedGeneration: 4, layers: plain, ...move, atMs: 1 }, signal);
    await ann.run(() => undefined);
    expect(manifestOf(state).layers).toHaveLength(4);
    expect((await pulledBy(ben))[0]).toBe(4);
    await installOn(ann, 'n4');
    const [squash] = (await onlyHead(ann)).slice(-1);
    await ben.run(() => undefined);
    expect((await onlyHead(ben)).at(-1)).toBe(squash);
    const pulled = ben.events.flatMap((event) => (event.type === 'synced' ? [event.report.pulledLayers] : []));
    expect(pulled).toEqual([4, 1]);
  });

  test("is downloaded if the tool's rules differ, and is the same layer", async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const lines = indexedTool.classify('index/x' as Parameters<typeof indexedTool.classify>[0], false, {
      peek: () => undefined,
    });
    if (lines.kind !== 'keep') throw new Error('index lines are kept');
    const other = {
      ...indexedTool,
      rulesVersion: 2,
      classify: (...args: Parameters<typeof indexedTool.classify>) => {
        const rule = indexedTool.classify(...args);
        if (rule.kind !== 'keep' || rule.mergeClass !== 'A') return rule;
        const compose = (versions: Parameters<typeof rule.driver.compose>[0]) => {
          const answer = rule.driver.compose(versions);
          return answer.kind === 'content'
            ? { ...answer, content: Buffer.concat([answer.content, Buffer.from('\n')]) }
            : answer;
        };
        return { ...rule, driver: { ...rule.driver, compose } };
      },
    };
    Object.assign(ben.deps, { tools: [other] });
    for (const name of names(3)) await installOn(ann, name);
    await ben.run(() => undefined);
    await installOn(ann, 'n3');
    await installOn(ann, 'n4');
    await ben.run(() => undefined);
    expect(await onlyHead(ben)).toEqual(await onlyHead(ann));
    expect(await linesOf(ben)).toEqual(names(5));
  });

  test('is merged with commits on another machine', async () => {
    const { machine } = machines();
    const [ann, ben, cy] = [machine(), machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    await ben.run(() => undefined);
    await ben.run(([volume]) => install(volume, 'ben'), { request: { push: 'never' } });
    for (const name of names(3, 'more')) await installOn(ann, name);
    await ben.run(() => undefined);
    const all = [...names(3), 'ben', ...names(3, 'more')].toSorted();
    for (const engine of [ben, ann, cy]) expect(await linesOf(engine)).toEqual(all);
    expect(await onlyHead(ann)).toEqual(await onlyHead(ben));
    expect(await onlyHead(cy)).toEqual(await onlyHead(ben));
  });

  test('is merged with a rollback on another machine: rolled back layers are removed, the rest stays', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    await ben.run(() => undefined);
    const { volumeId } = (await ben.deps.metadata.listHeads(signal))[0] ?? expect.fail('no head');
    const history = await ben.deps.metadata.history(volumeId, testContext().lane, signal);
    expect(history).toHaveLength(1);
    // Ben removes the middle one.
    const [top, , bottom] = await onlyHead(ben);
    const move = { layer: null, run: 'run_0' as RunId, counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 } };
    const layers = [top, bottom] as LayerId[];
    await ben.deps.metadata.commit(
      { volumeId, lane: testContext().lane, expectedGeneration: 1, layers, ...move, atMs: 1 },
      signal,
    );
    await installOn(ann, 'n3');
    expect(await onlyHead(ann)).toHaveLength(1);
    await ben.run(() => undefined);
    await ann.run(() => undefined);
    for (const engine of [ann, ben, machine()]) expect(await linesOf(engine)).toEqual(['n0', 'n2', 'n3']);
  });

  test('can be rolled back on another machine to before it, within the window', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'n0');
    await ben.run(() => undefined);
    for (const name of names(4, 'more')) await installOn(ann, name);
    await ben.run(() => undefined);
    const { volumeId } = (await ben.deps.metadata.listHeads(signal))[0] ?? expect.fail('no head');
    const request = { volumeId, tool: indexedTool, context: testContext(), by: 'run_0' as RunId };
    await rollBack(ben.deps, { ...request, to: 1 }, signal);
    await ben.run(() => undefined);
    await ann.run(() => undefined);
    for (const engine of [ann, ben, machine()]) expect(await linesOf(engine)).toEqual(['n0']);
  });

  test('is an ordinary layer for a machine that was offline until the parts were forgotten', async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(3)) await installOn(ann, name);
    await ben.run(() => undefined);
    await ben.run(([volume]) => install(volume, 'ben'), { request: { push: 'never' } });
    await installOn(ann, 'n3');
    changeManifest(state, (manifest) => {
      const removed = manifest.squashes.flatMap(({ layers }) => layers.map(({ id }) => id));
      return encodeManifest({ ...manifest, squashes: [], removed });
    });
    await ben.run(() => undefined);
    expect(await onlyHead(ben)).toHaveLength(2);
    for (const engine of [ben, machine()]) expect(await linesOf(engine)).toEqual(['ben', ...names(4)]);
  });

  test("is opened by a machine that has only the squash when a run is revoked: other runs' changes stay", async () => {
    const { machine, state } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(4)) await installOn(ann, name);
    await ben.run(() => undefined);
    expect([(await onlyHead(ben)).length, manifestOf(state).layers.length]).toEqual([1, 1]);
    const run = manifestOf(state).squashes[0]?.layers.at(-1)?.run ?? expect.fail('no squash');
    await ben.deps.metadata.revokeRuns([{ run, atMs: 1, by: 'ann', namespaceId: null }], signal);
    const { id: volumeId, namespaceId, tool } = (await ben.deps.metadata.listVolumes(signal))[0] ?? expect.fail('none');
    const place = { volumeId, namespaceId, name: manifestOf(state) };
    await heedRevocations(ben.deps, { place, tool, by: 'run_0' as RunId, manifest: null }, signal);
    expect(await onlyHead(ben)).toHaveLength(3);
    await installOn(ben, 'ben');
    await ann.run(() => undefined);
    for (const engine of [ben, ann, machine()]) expect(await linesOf(engine)).toEqual(['ben', 'n1', 'n2', 'n3']);
  });

  test('names the runs of its entries, even without its parts', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const name of names(4)) await ann.run(([volume]) => put(volume, `content/${name}`, 'x'));
    await ben.run(() => undefined);
    const [squash] = await onlyHead(ben);
    const { index } = await ben.deps.layers.open(squash as LayerId, signal);
    const runs = new Set([...index.entries()].flatMap(({ origins }) => origins));
    expect(runs.size).toBe(4);
    for (const run of runs) expect(await ben.deps.metadata.run(run, signal)).toBeDefined();
  });
});
