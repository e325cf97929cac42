import { aboutKey, decodeManifest, indexKey, type RemoteKey } from '@cachelane/core';
import { damageMemoryHead, memoryRemote, noAbort, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look, testContext, type TestEngine } from '../../testing/test-engine.fixture.ts';
import { emptyHead } from '../heads/change-head.ts';
import { collectionKey } from '../heads/remote-collection.ts';
import { installOn, lenient, machines, onlyHead, type Machines } from '../machines.fixture.ts';
import { repairRemote, verifyRemote, type RemoteVerification } from './verify-remote.ts';

const quiet = (): void => undefined;

function depsOf({ deps }: TestEngine, state: MemoryRemoteState): Parameters<typeof verifyRemote>[0] {
  return { ...deps, remote: memoryRemote(state) };
}

async function verify({ machine, state }: Machines): Promise<RemoteVerification> {
  return await verifyRemote(depsOf(machine(), state), quiet, noAbort);
}

async function repair({ machine, state }: Machines, found: RemoteVerification): Promise<number> {
  return await repairRemote(depsOf(machine(), state), found, noAbort);
}

/** Like `cachelane rm --shared`. */
async function emptyOf({ machine, state }: Machines): Promise<boolean> {
  const { heads } = state;
  const { bytes } = heads.get(headIn(state)) ?? expect.fail('no head');
  return await emptyHead(depsOf(machine(), state), decodeManifest(bytes ?? expect.fail('no head'), null), noAbort);
}

const headIn = (state: MemoryRemoteState): RemoteKey =>
  [...state.heads.keys()].find((key) => key.startsWith('heads/')) ?? expect.fail('no head');

describe('verifying a remote', () => {
  test('reads every head and layer, and finds nothing in a sound remote', async () => {
    const world = machines();
    await installOn(world.machine(), 'a');
    await installOn(world.machine(), 'b');
    expect(await verify(world)).toEqual({ heads: 1, layers: 2, faultyLayers: [], faultyHeads: [] });
    expect(await verify(machines())).toEqual({ heads: 0, layers: 0, faultyLayers: [], faultyHeads: [] });
  });

  test('names damaged layers and their heads; repair drops only those, and machines that have them send them again', async () => {
    const world = machines();
    const { machine, state } = world;
    const ann = machine();
    await installOn(ann, 'a');
    const [damaged] = await onlyHead(ann);
    const id = damaged ?? expect.fail('no layer');
    await installOn(ann, 'b');
    state.objects.delete(indexKey(id));

    const found = await verify(world);
    expect(found.faultyLayers).toMatchObject([{ id, heads: [{ volume: 'indexed', lane: 't1:local' }] }]);
    expect(found.faultyLayers[0]?.problem).toContain('has no layers/');
    expect(await repair(world, found)).toBe(1);
    expect((await verify(world)).faultyLayers).toEqual([]);
    expect((await look(machine()))['index/bucket']).toBe('b\n');

    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
    expect(await verify(world)).toMatchObject({ layers: 2, faultyLayers: [] });
  });

  test('an unreadable head is deleted, and comes back with the next push', async () => {
    const world = machines();
    const { machine, state } = world;
    const ann = machine();
    await installOn(ann, 'a');
    const key = headIn(state);
    state.heads.set(key, { ...(state.heads.get(key) ?? expect.fail('no head')), bytes: new TextEncoder().encode('{') });

    const found = await verify(world);
    expect(found).toMatchObject({ layers: 0, faultyHeads: [{ key }] });
    const stuck = await installOn(ann, 'b', lenient);
    expect(stuck.report.volumes[0]?.sync).toMatchObject({ pushed: 'later' });
    expect(await repair(world, found)).toBe(1);
    expect(await repair(world, found)).toBe(0);
    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
  });

  test("a head under another head's key is deleted too", async () => {
    const world = machines();
    const { machine, state } = world;
    const ann = machine();
    await installOn(ann, 'a');
    const key = headIn(state);
    await installOn(machine(), 'x', { request: { context: testContext('t1:ref:main') } });
    const other = [...state.heads].find(([each]) => each.startsWith('heads/') && each !== key);
    state.heads.set(key, other?.[1] ?? expect.fail('no other head'));

    const found = await verify(world);
    expect(found).toMatchObject({ faultyHeads: [{ key }] });
    expect(await repair(world, found)).toBe(1);
    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\n');
  });
});

const mend = expect.stringContaining('cachelane verify remote --repair') as string;

const hintsOf = ({ events }: TestEngine): readonly (string | null)[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.hint] : []));

describe('a head that the remote cannot read', () => {
  test('is reported by runs and pushes with a hint, named by verify, and deleted by repair', async () => {
    const world = machines();
    const { machine, state } = world;
    const ann = machine();
    await installOn(ann, 'a');
    const key = headIn(state);
    damageMemoryHead(state, key);
    await installOn(ann, 'b', lenient);
    expect(hintsOf(ann)).toEqual([mend, mend]);
    await expect(emptyOf(world)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT', hint: mend });

    const found = await verify(world);
    expect(found).toMatchObject({ heads: 1, layers: 0, faultyHeads: [{ key }] });
    expect(await repair(world, found)).toBe(1);
    expect(await verify(world)).toMatchObject({ heads: 0, faultyHeads: [] });
    await ann.run(() => undefined);
    expect(await repair(world, found)).toBe(0);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
  });

  test('its layers come back from every machine that has them, and none counts as removed', async () => {
    const world = machines();
    const { machine, state } = world;
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'a');
    await installOn(ben, 'b');
    damageMemoryHead(state, headIn(state));
    await repair(world, await verify(world));
    // The first machine creates a head without Ben's layer, which must not look removed to Ben.
    await ann.run(() => undefined);
    await ben.run(() => undefined);
    expect((await look(ann))['index/bucket']).toBe('a\nb\n');
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
  });
});

describe("the remote's own id", () => {
  test.each([
    ['damaged', (state: MemoryRemoteState) => damageMemoryHead(state, aboutKey)],
    [
      'something else',
      (state: MemoryRemoteState) => {
        const about = state.heads.get(aboutKey) ?? expect.fail('nothing');
        state.heads.set(aboutKey, { ...about, bytes: new TextEncoder().encode('{}') });
      },
    ],
  ])('if it is %s, no machine syncs; after a repair all do', async (_, damage) => {
    const world = machines();
    const { machine, state } = world;
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'a');
    await installOn(ben, 'b');
    damage(state);
    await installOn(ann, 'c', lenient);
    expect(hintsOf(ann)).toEqual([mend, mend]);

    const found = await verify(world);
    expect(found).toMatchObject({ heads: 1, layers: 2, faultyLayers: [], faultyHeads: [{ key: aboutKey }] });
    expect(await repair(world, found)).toBe(1);
    await ben.run(() => undefined);
    await ann.run(() => undefined);
    expect(await verify(world)).toMatchObject({ faultyHeads: [] });
    expect((await look(machine()))['index/bucket']).toBe('a\nb\nc\n');
  });
});

describe('the collection state', () => {
  test.each([
    ['unreadable', (state: MemoryRemoteState) => damageMemoryHead(state, collectionKey)],
    ['something else', () => undefined],
  ])('if it is %s, pushes fail with a hint; verify names it and repair deletes it', async (_, damage) => {
    const world = machines();
    const { machine, state } = world;
    const ann = machine();
    await installOn(ann, 'a');
    const other = state.heads.get(headIn(state)) ?? expect.fail('no head');
    state.heads.set(collectionKey, { ...other, bytes: new TextEncoder().encode('{}') });
    damage(state);
    await installOn(ann, 'b', lenient);
    expect(hintsOf(ann)).toContain('cachelane verify remote --repair removes it');

    const found = await verify(world);
    expect(found).toMatchObject({ heads: 1, layers: 1, faultyLayers: [], faultyHeads: [{ key: collectionKey }] });
    expect(await repair(world, found)).toBe(1);
    await ann.run(() => undefined);
    expect(await verify(world)).toMatchObject({ layers: 2, faultyHeads: [] });
  });
});
