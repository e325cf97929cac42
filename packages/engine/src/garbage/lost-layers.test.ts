import type { LayerId } from '@cachelane/core';
import { countingIds, noAbort, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { everything, install, testEngine, testHome, type TestEngine } from '../testing/test-engine.fixture.ts';
import { collectGarbage } from './collect-garbage.ts';
import { dayMs, later } from './garbage.fixture.ts';

/** Returns what the next collection removes, which checks loose layers only. */
async function removedNext(engine: TestEngine): Promise<readonly string[]> {
  const { layers } = await collectGarbage(later(engine, dayMs / 2), everything, noAbort);
  return layers.map(({ id }) => id);
}

async function saveAndLetGo(engine: TestEngine): Promise<readonly LayerId[]> {
  await engine.run(([volume]) => install(volume, 'a'));
  const [head] = await engine.deps.metadata.listHeads(noAbort);
  const { volumeId, lane, layers } = head ?? expect.fail('there is no head');
  await engine.deps.metadata.removeVolume(volumeId, lane, noAbort);
  return layers;
}

describe('a layer that a collection does not find on disk', () => {
  test('is removed by the next one if it was saved and released after the listing', async () => {
    const engine = testEngine();
    let saved: readonly LayerId[] = [];
    const layers: typeof engine.deps.layers = {
      ...engine.deps.layers,
      list: async (signal) => {
        const listed = await engine.deps.layers.list(signal);
        saved = await saveAndLetGo(engine);
        return listed;
      },
    };
    await collectGarbage({ ...engine.deps, layers }, { ...everything, all: true }, noAbort);
    expect(saved).toHaveLength(1);
    expect(await removedNext(engine)).toEqual(saved);
    expect(await engine.deps.layers.list(noAbort)).toEqual([]);
    expect(await engine.deps.metadata.layer(saved[0] ?? expect.fail('nothing'), noAbort)).toBeUndefined();
  });

  test('is removed by the next one if another process made it again without a head', async () => {
    const home = testHome();
    const engine = testEngine({ home });
    const [id] = await saveAndLetGo(engine);
    const made = home.disk.layers.get(id ?? expect.fail('nothing')) ?? expect.fail('nothing');
    const soon = later(engine, dayMs / 3);
    expect(await collectGarbage(soon, everything, noAbort)).toMatchObject({ layers: [{ id }] });
    const metadata: typeof engine.deps.metadata = {
      ...engine.deps.metadata,
      noteCollection: async (...note) => {
        // Like a run that saves the same and then dies.
        const request = openRequest(countingIds());
        await engine.deps.metadata.openSession(request, noAbort);
        await engine.deps.metadata.updateSession(request.sessionId, { pins: [id as LayerId] }, noAbort);
        home.disk.layers.set(id as LayerId, made);
        await engine.deps.metadata.closeSession(request.sessionId, () => {}, noAbort);
        await engine.deps.metadata.noteCollection(...note);
      },
    };
    await collectGarbage({ ...soon, metadata }, everything, noAbort);
    expect(await removedNext(engine)).toEqual([id]);
    expect(home.disk.layers.size).toBe(0);
  });

  test('is forgotten if it is still recorded', async () => {
    const home = testHome();
    const engine = testEngine({ home });
    const [id] = await saveAndLetGo(engine);
    home.disk.layers.clear();
    await collectGarbage(engine.deps, everything, noAbort);
    expect(await engine.deps.metadata.layer(id ?? expect.fail('nothing'), noAbort)).toBeUndefined();
  });
});
