import { describe } from 'vitest';
import { changeConformance } from './conformance-changes.ts';
import { modelConformance } from './conformance-model.ts';
import { viewConformance } from './conformance-views.ts';
import type { MounterFactory } from './mounter-fixture.ts';

export interface MounterConformanceOptions {
  /** Number of random run sequences; each makes several mounts. */
  readonly randomRuns?: number;
  /** False for a driver that cannot see files that were touched without effect. */
  readonly exact?: boolean;
}

/**
 * The conformance suite of the `Mounter` port with its store: one test for each guarantee of its contract. `create` makes an empty home for
 * each test.
 */
export function mounterConformance(
  name: string,
  create: MounterFactory,
  { randomRuns = 100, exact = true }: MounterConformanceOptions = {},
): void {
  describe(`mounter: ${name}`, () => {
    changeConformance(create);
    viewConformance(create);
    modelConformance(create, { numRuns: randomRuns, exact });
  });
}
