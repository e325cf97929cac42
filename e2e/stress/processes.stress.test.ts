import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, inject, test } from 'vitest';
import { stress } from './stress.fixture.ts';

/** Selects the operations. The interleaving of the processes differs between runs. */
const seed = 4;

requireCommands('bwrap', 'flock')('8 processes that run random operations on one home and are killed at random', () => {
  test('keep everything that they reported as saved, restore nothing that was removed, and leave no unowned files', async () => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-stress-')));
    try {
      const options = {
        dir,
        seed,
        workers: 8,
        operations: 200,
        killsPerHundred: 6,
        cachelane: inject('cachelaneProgram'),
      };
      const { faults, figures, kills } = await stress(options);
      expect(faults, `${figures.join('\n')}\nnpm run kill -- --seed ${seed}`).toEqual([]);
      expect(kills).toBeGreaterThanOrEqual(5);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
