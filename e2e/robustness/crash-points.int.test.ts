import { requireCommands } from '@cachelane/testkit';
import { test } from 'vitest';
import { enumerate, firstSave, rivalSave, save, secondSave } from './crash-points.fixture.ts';

// Invariant: a process may die at any operation on the disk or the metadata. Each head is then the old or the new snapshot,
// its layers are complete, the next run sees one of the two, and leftovers are deleted.

requireCommands('bwrap', 'flock')('a process that dies at any operation', { timeout: 900_000 }, () => {
  test('in a first save', async () => {
    await enumerate({ prepare: async () => {}, act: (process) => process.run(firstSave) }, 50);
  });

  test('in a save with deltas and removals', async () => {
    await enumerate({ prepare: (home) => save(home, firstSave), act: (process) => process.run(secondSave) }, 50);
  });

  test('in a save that another save overtook', async () => {
    await enumerate(
      {
        prepare: (home) => save(home, firstSave),
        act: (process) => process.run(secondSave),
        hooks: (home) => ({ beforeCommit: () => save(home, rivalSave) }),
        from: 'commit',
      },
      50,
    );
  });
});
