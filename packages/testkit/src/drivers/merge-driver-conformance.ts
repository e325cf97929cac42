import type { MergeDriver, Version } from '@cachelane/core';
import type fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeDriverLaws } from './merge-driver-laws.ts';

/**
 * The laws of {@link MergeDriver}, for every driver. `arbitraryVersion` makes whole versions in the driver's format, with
 * few distinct contents, so that versions overlap. Embedded times may be after `sealedAtMs` (see `arbitraryVersionOf`).
 *
 * ```ts
 * mergeDriverConformance('npm buckets', npmBucketDriver, arbitraryVersionOf(arbitraryBucket));
 * ```
 */
export function mergeDriverConformance(
  name: string,
  driver: MergeDriver,
  arbitraryVersion: fc.Arbitrary<Version>,
): void {
  describe(`${name} as a merge driver`, () => {
    test('has a name and a version', () => {
      expect(driver.name).toMatch(/^[a-z]+$/);
      expect(driver.version).toBeGreaterThanOrEqual(1);
    });

    test.each(mergeDriverLaws)('$name', (law) => {
      law.check(driver, arbitraryVersion);
    });
  });
}
