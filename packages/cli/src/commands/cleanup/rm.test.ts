import { openMemoryMounter } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage } from '../../fixtures/staged-host.fixture.ts';
import { json, push, web } from '../share/pushed.fixture.ts';

const withMounters = {
  openMounters: async () => {
    const mounter = openMemoryMounter();
    return await Promise.resolve({ overlay: mounter, clone: mounter, live: mounter });
  },
};

describe('rm', () => {
  test.each([[], ['--lane', 't1:local'], ['--all-lanes'], ['--dry-run']])(
    'is refused if a run may not save: %j',
    async (...options) => {
      using on = stage({ env: mergeRequestOfFork });
      await push(on, { layers: ['a'] });
      expect(await on.cachelane('rm', `${web}:npm`, ...options)).toBe(2);
      expect(on.err()).toMatch(
        /the lane t0:\S+ may not be written here: .*\n  repeat this in a run that may save to this lane\n/,
      );
      expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
    },
  );

  test('a dry run removes nothing and lists what it would', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a', 'b'] });
    expect(await on.cachelane('rm', `${web}:npm`, '--dry-run', '--json')).toBe(0);
    expect(json(on)).toEqual({
      dryRun: true,
      volume: `${web}:npm`,
      removed: [{ compat: {}, lane: 't1:local', generation: 2, layers: 2, sizeBytes: 8192 }],
      inRemote: [],
    });
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });

  test('removes the lane that a run here would write', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('rm', `${web}:npm`)).toBe(0);
    expect(on.out()).toBe('removed github.com/acme/web:npm (-) in lane t1:local: generation 1, 1 layer, 4.1 kB\n');
    expect(await on.metadata.listVolumes(new AbortController().signal)).toEqual([]);
  });

  test('another lane is only removed by name', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 't1:ref:main')).toBe(1);
    expect(on.err()).toContain('lanes: t1:local');
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 'main')).toBe(2);
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 't1:local', '--all-lanes')).toBe(2);
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });
});
