import {
  decodeManifest,
  encodeManifest,
  headPrefix,
  indexKey,
  parseRemoteKey,
  type HeadManifest,
  type Metadata,
  type NamespaceId,
  type Remote,
  type RemoteKey,
  type Revocation,
  type RunId,
} from '@cachelane/core';
import { memoryRemote, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look } from '../sim/histories.fixture.ts';
import { installOn, machines, warnings } from '../sync/machines.fixture.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import {
  indexedVolume,
  plainVolume,
  put,
  testContext,
  testEngine,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';

// Forged revocations in heads of a remote, damaged remotes, and interrupted revocations.

const { signal } = new AbortController();
const other = { request: { context: testContext('t1:local', 'github.com/acme/other') } };

const lastRun = ({ events }: TestEngine): RunId =>
  events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : [])).at(-1) ?? expect.fail('no run');

interface Found {
  readonly key: RemoteKey;
  readonly manifest: HeadManifest;
}

const headsIn = ({ heads }: MemoryRemoteState): readonly Found[] =>
  [...heads].flatMap(([key, { bytes }]) =>
    key.startsWith(headPrefix) && bytes !== null ? [{ key, manifest: decodeManifest(bytes, null) }] : [],
  );

function headOf(state: MemoryRemoteState, namespace: string): Found {
  return headsIn(state).find(({ manifest }) => manifest.namespace === namespace) ?? expect.fail('no such head');
}

/** Forges a head, as any of its writers can. */
function forge(state: MemoryRemoteState, { key, manifest }: Found, change: Partial<HeadManifest>): void {
  const head = state.heads.get(key) ?? expect.fail('no such head');
  state.heads.set(key, { ...head, version: 'forged' as never, bytes: encodeManifest({ ...manifest, ...change }) });
}

async function revoke({ deps }: TestEngine, run: RunId): Promise<void> {
  const plans = await planEverywhere(deps, { run, cascade: false }, signal);
  await revokeEverywhere(deps, plans, 'ann', signal);
}

const revokedIn = ({ manifest }: Found): readonly RunId[] => manifest.revoked.map(({ run }) => run);

describe('a revocation in a remote head', () => {
  test('counts for runs of its own namespace, and removes nothing from another project', async () => {
    const { state, machine } = machines();
    const [ann, mallory] = [machine(), machine()];
    await installOn(ann, 'good');
    const revoked: readonly Revocation[] = [{ run: lastRun(ann), atMs: 1, by: 'mallory' }];
    await installOn(mallory, 'x', other);
    forge(state, headOf(state, 'github.com/acme/other'), { revoked });
    await ann.run(() => undefined, other);
    await installOn(ann, 'y', other);
    await installOn(ann, 'more');
    for (const engine of [ann, machine()])
      expect([...(await look(engine)).keys()]).toEqual(expect.arrayContaining(['content/good', 'content/more']));
    const web = await ann.deps.metadata.findNamespace(testContext().namespace, signal);
    expect(await ann.deps.metadata.revokedRuns(web?.id ?? 'all', signal)).toEqual([]);
  });

  test('counts for that head, also if the run belongs to another project', async () => {
    const { state, machine } = machines();
    const ann = machine();
    const volumes = [plainVolume];
    await ann.run(([volume]) => put(volume, 'f', 'bad'), { volumes });
    const bad = lastRun(ann);
    const known = async (plain: Metadata, id: RunId, stop: AbortSignal): ReturnType<Metadata['run']> => {
      const record = await plain.run(id, stop);
      return record === undefined || id !== bad ? record : { ...record, namespaceId: 'ns_elsewhere' as NamespaceId };
    };
    const ben = testEngine({
      seed: 'ben',
      remote: memoryRemote(state),
      wrap: (plain) => ({
        ...plain,
        metadata: { ...plain.metadata, run: async (id, stop) => await known(plain.metadata, id, stop) },
      }),
    });
    await ben.run(([volume]) => put(volume, 'g', 'good'), { volumes });
    // Not pushed, so this machine must know that it came from the other one.
    await ben.run(([volume]) => put(volume, 'f', 'over it'), { volumes, request: { push: 'never' } });
    await revoke(machine(), bad);
    await ben.run(([volume]) => put(volume, 'h', 'good'), { volumes });
    for (const engine of [ben, machine()])
      expect([...(await look(engine, { volumes })).keys()].toSorted()).toEqual(['g', 'h']);
  });

  test('removes nothing from another project, also if its head named the run first', async () => {
    const { state, machine } = machines();
    const [ann, mallory, ben] = [machine(), machine(), machine()];
    await installOn(ann, 'good');
    const run = lastRun(ann);
    const { manifest } = headOf(state, 'github.com/acme/web');
    const record = manifest.runs.find(({ id }) => id === run) ?? expect.fail('the run is not named');
    await installOn(mallory, 'x', other);
    const forged = headOf(state, 'github.com/acme/other');
    forge(state, forged, { runs: [...forged.manifest.runs, record], revoked: [{ run, atMs: 1, by: 'mallory' }] });
    // It knows of the run only from that head.
    for (const name of ['y', 'z']) await installOn(ben, name, other);
    const [own] = await ben.deps.metadata.listNamespaces(signal);
    expect(await ben.deps.metadata.run(run, signal)).toMatchObject({ namespaceId: own?.id });
    expect(await ben.deps.metadata.revokedRuns('all', signal)).toMatchObject([{ run, namespaceId: own?.id }]);
    await installOn(ben, 'more');
    for (const engine of [ben, ann, machine()])
      expect([...(await look(engine)).keys()]).toEqual(expect.arrayContaining(['content/good', 'content/more']));
  });

  test('counts for runs of its own namespace, also if another project named them first', async () => {
    const { state, machine } = machines();
    const [ann, mallory, ben] = [machine(), machine(), machine()];
    await installOn(ann, 'bad');
    const run = lastRun(ann);
    const { manifest } = headOf(state, 'github.com/acme/web');
    const record = manifest.runs.find(({ id }) => id === run) ?? expect.fail('the run is not named');
    await installOn(mallory, 'x', other);
    const forged = headOf(state, 'github.com/acme/other');
    forge(state, forged, { runs: [...forged.manifest.runs, record] });
    await installOn(ben, 'y', other);
    await installOn(ben, 'good');
    await revoke(ann, run);
    expect([...(await look(ben)).keys()]).not.toContain('content/bad');
    const web = await ben.deps.metadata.findNamespace(testContext().namespace, signal);
    expect(await ben.deps.metadata.revokedRuns('all', signal)).toMatchObject([{ run, namespaceId: web?.id }]);
  });

  test('is not sent to projects that do not need it', async () => {
    const { state, machine } = machines();
    const ann = machine();
    await installOn(ann, 'bad');
    const bad = lastRun(ann);
    await installOn(ann, 'x', other);
    await revoke(ann, bad);
    await installOn(ann, 'y', other);
    await installOn(ann, 'good');
    expect(revokedIn(headOf(state, 'github.com/acme/other'))).toEqual([]);
    expect(revokedIn(headOf(state, 'github.com/acme/web'))).toEqual([bad]);
  });
});

test("of a run that wrote another project's volume is noted there by the next push", async () => {
  const { state, machine } = machines();
  const ann = machine();
  const volumes = [{ ...indexedVolume, namespace: other.request.context.namespace }];
  await installOn(ann, 'bad', { volumes });
  const bad = lastRun(ann);
  await revoke({ ...ann, deps: { ...ann.deps, remote: null } }, bad);
  await installOn(ann, 'good', { volumes });
  const there = headOf(state, 'github.com/acme/other');
  expect(there.manifest.layers).toHaveLength(1);
  expect(revokedIn(there)).toEqual([bad]);
});

describe('a revocation', () => {
  test('continues past unreadable parts of the remote, and reports them', async () => {
    const { state, machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'good');
    await installOn(ann, 'bad');
    const bad = lastRun(ann);
    await installOn(ben, 'x', other);
    const [lost] = headOf(state, 'github.com/acme/other').manifest.layers;
    state.objects.delete(indexKey(lost?.id ?? expect.fail('no layer')));
    const damaged = { attempt: 'x', version: 'x' as never, bytes: new TextEncoder().encode('?') };
    state.heads.set(parseRemoteKey(`${headPrefix}damaged`), damaged);
    const cy = machine();
    await revoke(cy, bad);
    const told = warnings(cy).join('\n');
    expect(warnings(cy)).toHaveLength(2);
    expect(told).toMatch(/^layer [0-9a-f]{12} of github\.com\/acme\/other:indexed on lane t1:local in /m);
    expect(told).toContain('the head heads/damaged in ');
    for (const engine of [ann, machine()]) expect((await look(engine)).get('index/bucket')).toBe('good\n');
  });

  test('removes a squash as a whole if its parts are lost', async () => {
    const { state, machine } = machines();
    const ann = machine();
    for (const name of ['bad', 'b', 'c', 'd']) await installOn(ann, name);
    const [bad] = ann.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []));
    const { manifest } = headOf(state, 'github.com/acme/web');
    state.objects.delete(indexKey(manifest.squashes[0]?.layers[0]?.id ?? expect.fail('no squash')));
    await revoke(machine(), bad ?? expect.fail('no run'));
    const names = [...(await look(machine())).keys()].filter((path) => path.startsWith('content/'));
    expect(names.toSorted()).toEqual(['content/b', 'content/c', 'content/d']);
  });

  test('continues after it died between two heads of the remote', async () => {
    let isOver = false;
    for (let dies = 1; !isOver; dies++) {
      const { state, machine } = machines();
      const ann = machine();
      await installOn(ann, 'bad');
      const bad = lastRun(ann);
      for (const lane of ['t1:pr:1', 't1:pr:2', 't1:pr:3'])
        await installOn(machine(), lane, { request: { context: testContext(lane) } });
      let swaps = 0;
      const plain = memoryRemote(state);
      const dying: Remote = {
        ...plain,
        heads: {
          ...plain.heads,
          swap: async (...call) => {
            if (++swaps === dies) throw new Error('killed');
            return await plain.heads.swap(...call);
          },
        },
      };
      isOver = await revoke({ ...ann, deps: { ...ann.deps, remote: dying } }, bad).then(
        () => true,
        () => false,
      );
      await revoke(ann, bad);
      expect(headsIn(state).map(revokedIn)).toEqual([[bad], [bad], [bad], [bad]]);
      expect((await look(machine())).size).toBe(0);
    }
  });
});
