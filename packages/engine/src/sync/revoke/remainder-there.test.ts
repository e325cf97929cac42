import {
  dataKey,
  decodeManifest,
  encodeManifest,
  headPrefix,
  indexKey,
  type HeadManifest,
  type ManifestLayer,
  type RemoteKey,
  type RunId,
} from '@cachelane/core';
import { contentEntry, faultyRemote, memoryRemote, noAbort, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look, put, testEngine, type TestEngine } from '../../testing/test-engine.fixture.ts';
import { installOn, machines } from '../machines.fixture.ts';
import { sendLayer } from '../layers/push-layer.ts';
import { planEverywhere, revokeEverywhere } from './revoke-everywhere.ts';

interface There {
  readonly state: MemoryRemoteState;
  /** By what they did. */
  readonly runs: Readonly<Record<string, RunId>>;
}

const runsOf = ({ events }: TestEngine): readonly RunId[] =>
  events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));

/** A remote head with a clean-up and no squash, as after machines that died before they squashed. */
async function cleanedUp(): Promise<There> {
  const { machine, state } = machines();
  const ann = machine();
  for (const name of ['a', 'evil', 'junk', 'b']) await installOn(ann, name);
  await ann.run(
    ([volume]) => {
      put(volume, 'index/bucket', 'a\nb\nevil\n');
      volume?.remove('content/junk');
    },
    { request: { purpose: 'prune' } },
  );
  await ann.run(([volume]) => put(volume, 'content/other', 'x'));
  const [a, evil, junk, b, cleanUp] = runsOf(ann) as RunId[];
  changeHead(state, ({ squashes, ...manifest }) => {
    const parts = new Map(squashes.map((squash) => [squash.id, squash.layers]));
    const open = (layer: ManifestLayer): readonly ManifestLayer[] => parts.get(layer.id)?.flatMap(open) ?? [layer];
    return { ...manifest, squashes: [], layers: manifest.layers.flatMap(open) };
  });
  return { state, runs: { a, evil, junk, b, cleanUp } as There['runs'] };
}

function manifestIn({ heads }: MemoryRemoteState): readonly [RemoteKey, HeadManifest] {
  for (const [key, { bytes }] of heads)
    if (key.startsWith(headPrefix) && bytes !== null) return [key, decodeManifest(bytes, null)];
  return expect.fail('no head');
}

function changeHead(state: MemoryRemoteState, change: (manifest: HeadManifest) => HeadManifest): void {
  const [key, manifest] = manifestIn(state);
  const head = state.heads.get(key) ?? expect.fail('no head');
  state.heads.set(key, { ...head, bytes: encodeManifest(change(manifest)) });
}

/** Revokes on a machine without local copies. Returns the keys that it read. */
async function revokeFar({ state }: There, run: RunId | undefined): Promise<ReadonlySet<string>> {
  const asked = new Set<string>();
  const plain = memoryRemote(state);
  const { deps } = testEngine({
    seed: `far ${run} `,
    remote: {
      ...plain,
      objects: {
        ...plain.objects,
        get: (key, ...rest) => {
          asked.add(key);
          return plain.objects.get(key, ...rest);
        },
      },
    },
  });
  const plans = await planEverywhere(deps, { run: run ?? expect.fail('no run'), cascade: false }, noAbort);
  await revokeEverywhere(deps, plans, 'ann', noAbort);
  return asked;
}

async function seen({ state }: There): Promise<Record<string, string>> {
  return await look(testEngine({ seed: 'reader', remote: faultyRemote(memoryRemote(state), () => undefined) }));
}

describe('a run that is removed from a remote head without local copies', () => {
  test('over a clean-up takes only the run, and no unrelated content is downloaded', async () => {
    const there = await cleanedUp();
    const [, { layers }] = manifestIn(there.state);
    const other = layers.find(({ run }) => !Object.values(there.runs).includes(run)) ?? expect.fail('no layer');
    const asked = await revokeFar(there, there.runs['evil']);
    const left = await seen(there);
    expect(left['index/bucket']).toBe('a\nb\n');
    expect(Object.keys(left).filter((path) => path.startsWith('content/'))).toEqual([
      'content/a',
      'content/b',
      'content/other',
    ]);
    expect(asked).toContain(indexKey(other.id));
    expect(asked).not.toContain(dataKey(other.data.digest));
  });

  test('that is a clean-up restores the removed files', async () => {
    const there = await cleanedUp();
    await revokeFar(there, there.runs['cleanUp']);
    expect((await seen(there))['index/bucket']).toBe('a\nb\nevil\njunk\n');
  });

  test("one after the other leave the other runs' changes", async () => {
    const there = await cleanedUp();
    for (const name of ['evil', 'a']) await revokeFar(there, there.runs[name]);
    const left = await seen(there);
    expect([left['index/bucket'], left['content/b'], left['content/evil'], left['content/a']]).toEqual([
      'b\n',
      'bytes of b',
      undefined,
      undefined,
    ]);
  });

  test("takes a clean-up's rewritten files with it if the layers below are lost", async () => {
    const there = await cleanedUp();
    const [, { layers }] = manifestIn(there.state);
    const lost = layers.find(({ run }) => run === there.runs['b']) ?? expect.fail('no layer');
    there.state.objects.delete(dataKey(lost.data.digest));
    await revokeFar(there, there.runs['evil']);
    const { squashes, layers: after } = manifestIn(there.state)[1];
    expect(squashes).toEqual([]);
    expect(after.map(({ run }) => run)).toContain(there.runs['cleanUp']);
    // Readers also drop a clean-up if the layers that it saw are missing.
    const left = await seen(there);
    expect([left['index/bucket'], left['content/evil']]).toEqual(['a\njunk\n', undefined]);
  });

  test('leaves one of two layers that become equal', async () => {
    const there = await cleanedUp();
    const maker = testEngine({ seed: 'maker', remote: memoryRemote(there.state) });
    const remote = maker.deps.remote ?? expect.fail('no remote');
    const { a, evil } = there.runs;
    const twins: ManifestLayer[] = [];
    const [template] = manifestIn(there.state)[1].layers.filter(({ run }) => run === a);
    for (const name of ['one', 'other']) {
      const entries = [contentEntry('content/twin', 'x'), contentEntry(`content/${name}`, 'x')].map((made, index) => ({
        ...made,
        entry: { ...made.entry, mergeClass: 'U' as const, origins: [(index === 0 ? a : evil) as RunId] },
      }));
      const { id } = await maker.deps.layers
        .stage({ changes: null, entries, sealedAtMs: 1 }, noAbort)
        .then(async (staged) => (await maker.deps.layers.publish(staged, noAbort), staged));
      const sent = await sendLayer({ ...maker.deps, remote }, { id, marked: new Set() }, noAbort);
      const { indexBytes, data } = sent;
      twins.push({ ...(template ?? expect.fail('no layer')), id, files: 2, indexBytes, data });
    }
    changeHead(there.state, (manifest) => ({ ...manifest, layers: [...twins, ...manifest.layers] }));
    await revokeFar(there, evil);
    expect(await seen(there)).toMatchObject({ 'content/twin': 'x', 'index/bucket': 'a\nb\n' });
  });
});
