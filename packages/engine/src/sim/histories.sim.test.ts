import { formatLane, parseLane, type RunId } from '@cachelane/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryHistory, look, play, type History, type Played } from './histories.fixture.ts';
import { removeRuns } from '../removal/remove-runs.ts';
import { indexedTool } from '../testing/test-engine.fixture.ts';

const signal = AbortSignal.timeout(600_000);
const lane = formatLane(parseLane('t1:local'));

/** Names that only this job installs. */
const ownNames = (job: number): fc.Arbitrary<readonly string[]> =>
  fc
    .integer({ min: 0, max: 4 })
    .map((count) => Array.from({ length: count }, (_, index) => `${'abc'[index % 3]}-${job}-${index}`));

/** Names that other jobs may install too. */
const sharedNames = (): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'c1'), { maxLength: 4 });

async function remove({ engine, runs }: Played, job: number): Promise<RunId | undefined> {
  const run = runs[job];
  const [volume] = await engine.deps.metadata.listVolumes(signal);
  if (volume === undefined || run === undefined) return run;
  await removeRuns(
    engine.deps,
    { volumeId: volume.id, lane, tool: indexedTool, runs: new Set([run]), by: run, fetchReplaced: null },
    signal,
  );
  return run;
}

async function originsInHeads({ engine }: Played): Promise<ReadonlySet<RunId>> {
  const origins = new Set<RunId>();
  for (const head of await engine.deps.metadata.listHeads(signal)) {
    for (const id of head.layers) {
      const layer = await engine.deps.layers.open(id, signal);
      for (const entry of layer.index.entries()) for (const origin of entry.origins) origins.add(origin);
    }
  }
  return origins;
}

function linesOf(seen: ReadonlyMap<string, string>): readonly string[] {
  return [...seen].flatMap(([path, content]) =>
    path.startsWith('index/') ? content.split('\n').filter((line) => line !== '') : [],
  );
}

describe('P6: of N concurrent writers', () => {
  test('every entry that one of them added is in the head', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory(sharedNames), async (history: History) => {
        const played = await play(history);
        const seen = await look(played.engine);
        for (const name of new Set(history.jobs.flatMap(({ names }) => names))) {
          expect(seen.get(`content/${name}`)).toBe(`bytes of ${name}`);
          expect(linesOf(seen)).toContain(name);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('P5: after a run is removed', () => {
  test('no head has it among its origins, and every name has its content', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory(sharedNames), fc.nat({ max: 6 }), async (history, pick) => {
        const played = await play(history);
        const run = await remove(played, pick % history.jobs.length);
        expect(await originsInHeads(played)).not.toContain(run);
        const seen = await look(played.engine);
        for (const line of linesOf(seen)) expect(seen.has(`content/${line}`)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('every remaining entry equals the replay without the run', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory(sharedNames), fc.nat({ max: 6 }), async (history, pick) => {
        const job = pick % history.jobs.length;
        const played = await play(history);
        await remove(played, job);
        const replay = await look((await play(history, job)).engine);
        const seen = await look(played.engine);
        for (const [path, content] of seen) if (path.startsWith('content/')) expect(replay.get(path)).toBe(content);
        for (const line of linesOf(seen)) expect(linesOf(replay)).toContain(line);
      }),
      { numRuns: 100 },
    );
  });

  test('if no two runs installed the same name, the rest is the replay without the run', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory(ownNames), fc.nat({ max: 6 }), async (history, pick) => {
        const job = pick % history.jobs.length;
        const played = await play(history);
        await remove(played, job);
        expect(await look(played.engine)).toEqual(await look((await play(history, job)).engine));
      }),
      { numRuns: 100 },
    );
  });
});
