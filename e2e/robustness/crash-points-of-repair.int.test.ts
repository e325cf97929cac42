import { parseId, type LayerId } from '@cachelane/core';
import { collectGarbage, removeRuns } from '@cachelane/engine';
import { requireCommands } from '@cachelane/testkit';
import { directoryTool, npmTool } from '@cachelane/tools';
import { expect, test } from 'vitest';
import { everything, lookScript, noAbort, ownLink, pastGraceMs, volumesOf } from './crash-home.fixture.ts';
import { enumerate, firstSave, leaveWreckage, rivalSave, save, secondSave } from './crash-points.fixture.ts';

// The invariant of crash-points.int.test.ts for operations that delete.

requireCommands('bwrap', 'flock')('a process that dies at any operation', { timeout: 900_000 }, () => {
  test('in a start that repairs what two dead processes left', async () => {
    await enumerate({ prepare: leaveWreckage, act: (process) => process.run(lookScript()) }, 20);
  });

  test('in a garbage collection', async () => {
    await enumerate(
      {
        prepare: async (home) => {
          await leaveWreckage(home);
          home.clockOffsetMs += pastGraceMs;
        },
        act: (process) => collectGarbage(process.deps, everything, noAbort),
      },
      10,
    );
  });

  test('in a collection that evicts to fit a size limit', async () => {
    const policy = { 'volume-budget:npm': { value: 1, source: 'test' } };
    await enumerate(
      {
        prepare: async (home) => {
          await save(home, firstSave);
          await save(home, rivalSave);
          await save(home, secondSave);
        },
        act: async ({ deps }) => {
          const { growth } = await collectGarbage(deps, { ...everything, policy }, noAbort);
          expect(growth).toMatchObject([{ held: { volume: { name: 'npm' } }, plan: { paths: { size: 1 } } }]);
        },
      },
      10,
    );
  });

  test('in the removal of a run', async () => {
    await enumerate(
      {
        prepare: async (home) => {
          await save(home, firstSave);
          await save(home, rivalSave);
          await save(home, secondSave);
        },
        act: async ({ deps }) => {
          for (const { volume, head } of (await volumesOf(deps.metadata)).values()) {
            const first = await deps.metadata.layer(head?.layers.at(-1) as LayerId, noAbort);
            if (first === undefined) continue;
            const tool = volume.name === 'npm' ? npmTool : directoryTool;
            const by = parseId('run', `run_${'0'.repeat(32)}`);
            await removeRuns(
              deps,
              { volumeId: volume.id, lane: ownLink.lane, tool, runs: new Set([first.run]), by, fetchReplaced: null },
              noAbort,
            );
          }
        },
      },
      10,
    );
  });
});
