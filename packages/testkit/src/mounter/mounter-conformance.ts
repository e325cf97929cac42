import { describe } from 'vitest';
import { changeConformance } from './conformance-changes.ts';
import { modelConformance } from './conformance-model.ts';
import { viewConformance } from './conformance-views.ts';
import type { MounterFactory } from './mounter-fixture.ts';

export interface MounterConformanceOptions {
  /** Sequences of random runs; each makes several mounts. */
  readonly randomRuns?: number;
  /** False for a driver that does not tell a file that was touched without effect from one that was not. */
  readonly exact?: boolean;
}

/**
 * What every driver of the `Mounter` port must do, with the store that it works with; each guarantee of the port's
 * contract is a test here. `create` makes an empty home, once for each test.
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
