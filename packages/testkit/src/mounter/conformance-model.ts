import type { StoredLayer } from '@cachelane/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attach, collect, describeChanges, lookAt, noAbort, save } from './conformance-helpers.ts';
import { MemoryVolume } from './memory-volume.ts';
import type { MounterFactory } from './mounter-fixture.ts';
import type { VolumeStep } from './volume-steps.ts';

// Invariant: the mount shows what the model shows, the same changes are found, and a view with the saved layer on top shows what the run left.

const arbitraryPath = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd\xff'), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'));

const arbitraryStep: fc.Arbitrary<VolumeStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      path: arbitraryPath,
      content: fc.constantFrom('', 'one', 'two'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path: arbitraryPath }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), path: arbitraryPath }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rename' as const), from: arbitraryPath, to: arbitraryPath }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link' as const), from: arbitraryPath, to: arbitraryPath }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('symlink' as const),
      path: arbitraryPath,
      target: fc.constantFrom('a', '/no/such/place', 'x\xff'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('chmod' as const),
      path: arbitraryPath,
      mode: fc.constantFrom(0o700, 0o755),
    }),
  },
);

const arbitraryRuns = fc.array(fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }), {
  minLength: 2,
  maxLength: 3,
});

/** Returns the steps that are possible, in order. */
function possible(model: MemoryVolume, steps: readonly VolumeStep[]): readonly VolumeStep[] {
  return steps.filter((step) => {
    try {
      model.run([step]);
      return true;
    } catch {
      return false;
    }
  });
}

export interface ModelOptions {
  readonly numRuns: number;
  /** Whether entries that were touched without effect must be reported too. */
  readonly exact: boolean;
}

export function modelConformance(create: MounterFactory, { numRuns, exact }: ModelOptions): void {
  describe('runs of random steps', () => {
    test('show and leave what the model says', async () => {
      await using fixture = await create();
      const check = fc.asyncProperty(arbitraryRuns, async (runs) => {
        let view: readonly StoredLayer[] = [];
        for (const [number, wanted] of runs.entries()) {
          const model = new MemoryVolume(view);
          const before = model.look();
          const steps = possible(model, wanted);
          const volume = await attach(fixture, view);
          await fixture.run(volume, steps);
          expect(await fixture.look(volume)).toEqual(model.look());
          const changes = await collect(volume);
          if (exact && !comesBack(steps))
            expect(describeChanges(changes, before)).toEqual(describeChanges(model.changes(), before));
          view = [await save(fixture, changes, number + 1), ...view];
          await volume.release(noAbort);
          expect(await lookAt(fixture, view)).toEqual(model.look());
        }
      });
      await fc.assert(check, { numRuns });
    });
  });
}

/** Whether something may be renamed away and back, which some mounters see as a new directory. */
function comesBack(steps: readonly VolumeStep[]): boolean {
  const left = new Set<string>();
  for (const step of steps) {
    if (step.do !== 'rename') continue;
    if (left.has(step.to)) return true;
    left.add(step.from);
  }
  return false;
}
