import { requireCommands } from '@cachelane/testkit';
import { test } from 'vitest';
import { enumerate, firstSave, rivalSave, save, secondSave } from './crash-points.fixture.ts';

// Invariant: whatever operation on the disk or on the metadata is the last one of a process, each head is the old or the
// new snapshot, every layer that it names is whole, the next run sees one of the two, and the rest is removed.

requireCommands('bwrap', 'flock')('a process that dies at any operation', { timeout: 900_000 }, () => {
  test('of a first save', async () => {
    await enumerate({ prepare: async () => {}, act: (process) => process.run(firstSave) }, 50);
  });

  test('of a save with deltas and removals', async () => {
    await enumerate({ prepare: (home) => save(home, firstSave), act: (process) => process.run(secondSave) }, 50);
  });

  test('of a save that another one overtook', async () => {
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
