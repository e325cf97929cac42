import type { HistoryRecord, RunId } from '@cachelane/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryHistory, look, play } from '../sim/histories.fixture.ts';
import { rollBack } from './roll-back.ts';
import { indexedTool, testContext, type TestEngine } from '../testing/test-engine.fixture.ts';
import { compareSnapshots } from '../views/compare.ts';

const signal = AbortSignal.timeout(600_000);
const context = testContext();
const by = `run_${'f'.repeat(32)}` as RunId;

const names = (): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'c1'), { maxLength: 4 });

async function movesOf({ deps }: TestEngine): Promise<readonly HistoryRecord[]> {
  const [head] = await deps.metadata.listHeads(signal);
  return head === undefined ? [] : await deps.metadata.history(head.volumeId, head.lane, signal);
}

/** Paths whose content differs. */
function differing(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): readonly string[] {
  const paths = new Set([...one.keys(), ...other.keys()]);
  return [...paths].filter((path) => one.get(path) !== other.get(path)).toSorted();
}

test('a rollback shows what runs found at that generation, and reports the differences of a comparison', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory(names), async (history) => {
      const { engine } = await play(history);
      const moves = await movesOf(engine);
      let before = await look(engine);
      let present = moves[0]?.layers ?? [];
      for (const { volumeId, generation, layers } of moves) {
        await rollBack(engine.deps, { volumeId, tool: indexedTool, context, to: generation, by }, signal);
        const after = await look(engine);
        const states = { before: { layers: present, tool: indexedTool }, after: { layers, tool: indexedTool } };
        const found = await compareSnapshots(engine.deps.layers, states, signal);
        expect(found.map(({ path }): string => path)).toEqual(differing(before, after));
        [before, present] = [after, layers];
      }
      // A second rollback restores the newest state.
      const [newest] = moves;
      if (newest === undefined) return;
      const last = { volumeId: newest.volumeId, tool: indexedTool, context, to: newest.generation, by };
      await rollBack(engine.deps, last, signal);
      const { jobs } = history;
      const seen = await look(engine);
      for (const name of new Set(jobs.flatMap((job) => job.names))) expect(seen.get(`content/${name}`)).toBeDefined();
    }),
    { numRuns: 60 },
  );
});
