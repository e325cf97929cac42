import { beforeEach, describe, expect, test } from 'vitest';
import {
  limits,
  statedPolicy,
  type CollectionNote,
  type CollectionQuestion,
  type LayerId,
  type Metadata,
  type PolicyTexts,
} from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import {
  aLane,
  aLayer,
  aNamespace,
  aQuestion,
  countingIds,
  layerRecord,
  local,
  main,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  startMs,
  type OpenedForTest,
} from '../metadata-builders.ts';

const dayMs = 86_400_000;
const pull = aLane('t1:pr:12');
/** Size of each layer. */
const layerBytes = 4096;

async function due(metadata: Metadata, options: Partial<CollectionQuestion> = {}): Promise<readonly string[]> {
  const facts = await metadata.collectionFacts(aQuestion({ lanes: 'due', ...options }), noAbort);
  expect(facts.isWhole).toBe(false);
  const names = new Map(facts.namespaces.map(({ id, paths }) => [id, paths[0] ?? '']));
  return facts.heads.map(({ volumeId, lane }) => {
    const namespaceId = facts.volumes.find(({ id }) => id === volumeId)?.namespaceId;
    return `${namespaceId === undefined ? '' : (names.get(namespaceId) ?? '').split('/').at(-1)} ${lane}`;
  });
}

const aNote: CollectionNote = { absent: [], isThere: () => false, held: [], atMs: startMs, isAll: false };

const loose = async (metadata: Metadata): Promise<readonly LayerId[]> =>
  [...(await metadata.collectionFacts(aQuestion({ lanes: 'due' }), noAbort)).loose].toSorted();

function stated(texts: PolicyTexts): Pick<CollectionQuestion, 'user'> {
  return { user: statedPolicy(texts, 'own file') };
}

export function factsConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  interface Saving {
    readonly namespace?: string;
    readonly lane?: typeof local;
    readonly layers: readonly string[];
  }

  async function save(
    metadata: Metadata,
    { namespace = 'github.com/acme/web', lane = local, layers }: Saving,
  ): Promise<OpenedForTest> {
    const opened = await openOne(metadata, openRequest(ids, { namespace: aNamespace(namespace), lane }));
    const { volumeId, run } = opened;
    for (const layer of layers) await pushLayer(metadata, { volumeId, run, layer: aLayer(layer), lane });
    await metadata.closeSession(opened.request.sessionId, () => undefined, noAbort);
    return opened;
  }

  describe('lanes that are due', () => {
    test('are those beyond their lifetime, except lanes used since', async () => {
      await using store = await create();
      await using metadata = await store.open();
      for (const lane of [pull, main, aLane('t0:run:1')]) await save(metadata, { lane, layers: ['a'] });
      expect(await due(metadata)).toEqual(['web t0:run:1']);
      const nowMs = startMs + 3 * dayMs;
      expect(await due(metadata, { nowMs: nowMs - 1 })).toEqual(['web t0:run:1']);
      expect(await due(metadata, { nowMs })).toEqual(['web t0:run:1', 'web t1:pr:12']);
      const user = statedPolicy({ 'keep-pr': '9d', 'keep-default': '1d' }, 'own file');
      expect(await due(metadata, { nowMs, user })).toEqual(['web t0:run:1', 'web t2:ref:main']);
    });

    test('change with the default branch that a run reports', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const lane = aLane('t1:ref:main');
      await save(metadata, { lane, layers: ['a'] });
      const nowMs = startMs + 14 * dayMs;
      expect(await due(metadata, { nowMs })).toEqual([]);
      const defaultLane = aLane('t1:ref:trunk');
      const { request } = await openOne(metadata, openRequest(ids, { lane: pull, defaultLane }));
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await due(metadata, { nowMs })).toEqual(['web t1:ref:main']);
      await save(metadata, { lane: defaultLane, layers: ['b'] });
      expect(await due(metadata, { nowMs })).toEqual(['web t1:ref:main']);
    });

    test('follow shorter lifetimes of their namespace, a parent or the lane', async () => {
      await using store = await create();
      await using metadata = await store.open();
      for (const name of ['web', 'web/api', 'webber']) {
        await save(metadata, { namespace: `github.com/acme/${name}`, lane: pull, layers: [name] });
      }
      const nowMs = startMs + dayMs;
      expect(await due(metadata, { nowMs })).toEqual([]);
      await metadata.setPolicy(aNamespace('github.com/acme/web'), 'keep-pr', '1d', noAbort);
      expect(await due(metadata, { nowMs })).toEqual(['web t1:pr:12', 'api t1:pr:12']);
      const lanePolicy = { texts: { 'keep-pr': '12h' }, source: 'cachelane.yaml' };
      const said = openRequest(ids, { namespace: aNamespace('github.com/acme/webber'), lane: pull, lanePolicy });
      const { request } = await openOne(metadata, { ...said, mayWrite: true });
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await due(metadata, { nowMs })).toHaveLength(3);
    });

    test('include lanes with too many or too old states, and lanes over a budget', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await save(metadata, { layers: ['a', 'b', 'c'] });
      expect(await due(metadata, stated({ 'history-generations': '3' }))).toEqual([]);
      expect(await due(metadata, stated({ 'history-generations': '2' }))).toEqual(['web t1:local']);
      const later = { nowMs: startMs + dayMs + 1 };
      expect(await due(metadata, { ...later, ...stated({ history: '2d' }) })).toEqual([]);
      expect(await due(metadata, { ...later, ...stated({ history: '1d' }) })).toEqual(['web t1:local']);
      expect(await due(metadata, stated({ 'volume-budget': `${3 * layerBytes}B` }))).toEqual([]);
      expect(await due(metadata, stated({ 'volume-budget:npm': `${3 * layerBytes - 1}B` }))).toEqual(['web t1:local']);
    });

    test('include lanes that lose something to time, once, and those of a missing directory', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await save(metadata, { layers: ['a'] });
      const nowMs = startMs + limits.historyMs + 1;
      expect(await due(metadata, { nowMs: nowMs - 1 })).toEqual([]);
      expect(await due(metadata, { nowMs })).toEqual(['web t1:local']);
      await metadata.forgetLayers([], nowMs, noAbort);
      expect(await due(metadata, { nowMs })).toEqual([]);
      expect(await due(metadata, { nowMs, gone: [aNamespace('github.com/acme/web')] })).toEqual(['web t1:local']);
    });
  });

  describe('loose layers', () => {
    test('are layers that a lane released, and unnamed ones, until they are checked', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await save(metadata, { layers: ['a', 'b'] });
      expect(await loose(metadata)).toEqual([]);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await loose(metadata)).toEqual(['a', 'b'].map(aLayer).toSorted());
      await metadata.noteCollection({ ...aNote, held: [aLayer('a')] }, noAbort);
      expect(await loose(metadata)).toHaveLength(2);
      await metadata.noteCollection({ ...aNote, absent: [aLayer('a')] }, noAbort);
      expect(await loose(metadata)).toEqual([aLayer('b')]);
    });

    test('stay loose if their files exist, and are forgotten otherwise, unless something refers to them', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await save(metadata, { layers: ['a', 'b'] });
      await metadata.removeVolume(volumeId, null, noAbort);
      const held = await save(metadata, { layers: ['c'] });
      const { request } = await openOne(metadata, openRequest(ids));
      await metadata.updateSession(request.sessionId, { pins: [aLayer('d')] }, noAbort);
      const head = await metadata.head(held.volumeId, local, noAbort);
      const push = pushRequest({ volumeId: held.volumeId, run, onto: head, layer: aLayer('e') });
      await metadata.commit({ ...push, rewritten: [layerRecord(aLayer('d'), held.volumeId, run)] }, noAbort);
      const absent = ['a', 'b', 'c', 'd'].map(aLayer);
      await metadata.noteCollection({ ...aNote, absent, isThere: (id) => id === aLayer('b') }, noAbort);
      expect(await loose(metadata)).toEqual([aLayer('b')]);
      const known = await Promise.all(absent.map((id) => metadata.layer(id, noAbort)));
      expect(known.map((layer) => layer?.id)).toEqual([undefined, ...absent.slice(1)]);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await loose(metadata)).toEqual([aLayer('b'), aLayer('d')].toSorted());
      // Its files are gone, so a run that wants to name it must save it again.
      const onto = await metadata.head(held.volumeId, local, noAbort);
      const next = pushRequest({ volumeId: held.volumeId, run, onto, layer: aLayer('f') });
      const naming = metadata.commit({ ...next, layers: [aLayer('f'), aLayer('a')] }, noAbort);
      await expect(naming).rejects.toMatchObject({ code: 'E_LAYER_MISSING' });
    });

    test('include pinned layers that no lane ever named', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await save(metadata, { layers: ['a'] });
      const { request } = await openOne(metadata, openRequest(ids));
      await metadata.updateSession(request.sessionId, { pins: [aLayer('x')] }, noAbort);
      expect(await loose(metadata)).toEqual([]);
      await metadata.closeSession(request.sessionId, () => undefined, noAbort);
      expect(await loose(metadata)).toEqual([aLayer('x')]);
    });

    test('include layers recorded beside a head, and replaced layers beyond their window', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await save(metadata, { layers: ['a', 'b'] });
      const layer = layerRecord(aLayer('S'), volumeId, run);
      const layers = ['b', 'a'].map(aLayer);
      await metadata.squash({ volumeId, lane: local, layer, layers, atMs: startMs }, noAbort);
      expect(await loose(metadata)).toEqual([]);
      await metadata.forgetLayers([], startMs + limits.revocationMs + 1, noAbort);
      expect(await loose(metadata)).toEqual(layers.toSorted());
      const head = await metadata.head(volumeId, local, noAbort);
      const push = pushRequest({ volumeId, run, onto: head, layer: aLayer('c') });
      await metadata.commit({ ...push, rewritten: [layerRecord(aLayer('beside'), volumeId, run)] }, noAbort);
      expect(await loose(metadata)).toEqual([...layers, aLayer('beside')].toSorted());
    });
  });

  test('replaced layers stay held through a save with a clock that is ahead for a moment', async () => {
    await using store = await create();
    await using metadata = await store.open();
    const { volumeId, run } = await save(metadata, { layers: ['a', 'b'] });
    const layer = layerRecord(aLayer('S'), volumeId, run);
    const layers = ['b', 'a'].map(aLayer);
    await metadata.squash({ volumeId, lane: local, layer, layers, atMs: startMs }, noAbort);
    await pushLayer(metadata, { volumeId, run, layer: aLayer('c'), atMs: startMs + 9 * limits.revocationMs });
    expect([...(await metadata.referencedLayers(startMs, noAbort))]).toEqual(expect.arrayContaining(layers));
    expect(await loose(metadata)).toEqual([]);
    expect(await metadata.forgetLayers(layers, startMs, noAbort)).toEqual([]);
  });

  describe('sizes', () => {
    test('count a layer once for the store, for each namespace, and for the highest level that holds it', async () => {
      await using store = await create();
      await using metadata = await store.open();
      await save(metadata, { layers: ['a', 'b'] });
      const pulls = await save(metadata, { lane: pull, layers: ['b', 'c'] });
      await save(metadata, { lane: main, layers: ['c', 'd'] });
      const other = await save(metadata, { namespace: 'github.com/acme/api', layers: ['a'] });
      const taken = async (namespace: string) => {
        const question = aQuestion({
          namespace: aNamespace(namespace),
          user: statedPolicy({ 'namespace-size': '13KB' }, ''),
        });
        const facts = await metadata.collectionFacts(question, noAbort);
        return { ...facts.taken, crowded: facts.crowded.map((each) => each.takenBytes), levels: facts.taken.levels };
      };
      const [two, four] = [2 * layerBytes, 4 * layerBytes];
      const before = { store: four, levels: { T1: two, T2: two }, crowded: [four] };
      expect(await taken('github.com/acme/web')).toEqual({ ...before, namespace: four });
      expect(await taken('github.com/acme/api')).toEqual({ ...before, namespace: layerBytes });
      await metadata.removeVolume(pulls.volumeId, main, noAbort);
      const after = { store: 3 * layerBytes, levels: { T1: 3 * layerBytes }, crowded: [], namespace: 3 * layerBytes };
      expect(await taken('github.com/acme/web')).toEqual(after);
      await metadata.removeVolume(pulls.volumeId, null, noAbort);
      await metadata.removeVolume(other.volumeId, null, noAbort);
      expect(await taken('github.com/acme/web')).toEqual({ store: 0, levels: {}, crowded: [], namespace: 0 });
    });

    test('include holders on lanes that are not listed', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId } = await save(metadata, { layers: ['a', 'b'] });
      await save(metadata, { lane: pull, layers: ['b', 'c'] });
      const nowMs = startMs + 3 * dayMs;
      const layers = ['a', 'x'].map(aLayer);
      const facts = await metadata.collectionFacts(aQuestion({ lanes: 'due', nowMs, layers }), noAbort);
      expect(facts.heads.map(({ lane }) => lane)).toEqual([pull]);
      expect([...facts.heldElsewhere].toSorted()).toEqual(['a', 'b'].map(aLayer).toSorted());
      expect([...facts.volumesElsewhere]).toEqual([volumeId]);
      expect([...facts.sizes.keys()].toSorted()).toEqual(['b', 'c'].map(aLayer).toSorted());
    });
  });

  test('keep the time of the last full check', async () => {
    await using store = await create();
    await using metadata = await store.open();
    expect(await metadata.lookedAtMs(noAbort)).toBeNull();
    for (const isAll of [true, false]) await metadata.noteCollection({ ...aNote, atMs: isAll ? 7 : 8, isAll }, noAbort);
    expect(await metadata.lookedAtMs(noAbort)).toBe(7);
  });
}
