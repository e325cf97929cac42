import type { MergeDriver, Version } from '@cachelane/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { arbitraryJunk, arbitraryOversize, composedVersion, hasOpinion, storedVersion, versionOf } from './versions.ts';

/** A law of all merge drivers; `check` throws with a counterexample. */
export interface MergeDriverLaw {
  readonly name: string;
  check(driver: MergeDriver, arbitraryVersion: fc.Arbitrary<Version>): void;
}

const runs = { numRuns: 500 };

/** Sometimes includes unreadable content. */
function anyVersion(arbitraryVersion: fc.Arbitrary<Version>): fc.Arbitrary<Version> {
  return fc.oneof(
    { arbitrary: arbitraryVersion, weight: 12 },
    { arbitrary: arbitraryJunk, weight: 2 },
    { arbitrary: arbitraryOversize, weight: 1 },
  );
}

/** Wholes and deltas; the driver makes the deltas. */
function stackOf(driver: MergeDriver, arbitraryVersion: fc.Arbitrary<Version>): fc.Arbitrary<readonly Version[]> {
  const whole = anyVersion(arbitraryVersion);
  const stored = fc.tuple(whole, whole).map(([pinned, mine]) => storedVersion(driver, pinned, mine));
  return fc.array(fc.oneof(whole, stored), { minLength: 1, maxLength: 5 });
}

function compose(driver: MergeDriver, versions: readonly Version[]): Version {
  return composedVersion(versions, driver.compose(versions));
}

export const mergeDriverLaws: readonly MergeDriverLaw[] = [
  {
    name: 'idempotent: a version merged with itself is that version',
    check(driver, arbitraryVersion) {
      const property = fc.property(anyVersion(arbitraryVersion), fc.integer({ min: 1, max: 3 }), (version, times) => {
        const versions = Array.from({ length: times }, () => version);
        const composition = driver.compose(versions);
        expect(hasOpinion(composition)).toBe(true);
        expect(composedVersion(versions, composition).digest).toBe(version.digest);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'a merge is independent of the order, if the driver has an opinion',
    check(driver, arbitraryVersion) {
      const stacks = stackOf(driver, arbitraryVersion).chain((stack) =>
        fc.tuple(fc.constant(stack), fc.shuffledSubarray([...stack], { minLength: stack.length })),
      );
      const property = fc.property(stacks, ([stack, shuffled]) => {
        const composition = driver.compose(stack);
        const other = driver.compose(shuffled);
        expect(hasOpinion(other)).toBe(hasOpinion(composition));
        if (!hasOpinion(composition)) return;
        expect(composedVersion(shuffled, other).digest).toBe(composedVersion(stack, composition).digest);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'associative: composing in steps gives what composing at once gives',
    check(driver, arbitraryVersion) {
      const stacks = fc.tuple(stackOf(driver, arbitraryVersion), fc.nat(), fc.nat());
      const property = fc.property(stacks, ([stack, a, b]) => {
        const from = a % stack.length;
        const to = from + 1 + (b % (stack.length - from));
        const nested = [...stack.slice(0, from), compose(driver, stack.slice(from, to)), ...stack.slice(to)];
        expect(compose(driver, nested).digest).toBe(compose(driver, stack).digest);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: "a run's stored version on top of what it saw has what the run left",
    check(driver, arbitraryVersion) {
      const property = fc.property(anyVersion(arbitraryVersion), anyVersion(arbitraryVersion), (pinned, mine) => {
        const stored = compose(driver, [storedVersion(driver, pinned, mine), pinned]);
        const left = compose(driver, [mine, pinned]);
        if (stored.digest === left.digest) return;
        expect([driver.same(stored, left), driver.same(left, stored)]).toEqual([true, true]);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'same is reflexive, whenever the store first saw it',
    check(driver, arbitraryVersion) {
      const property = fc.property(anyVersion(arbitraryVersion), fc.nat({ max: 20 }), (version, sealedAtMs) => {
        expect(driver.same(version, { ...version, sealedAtMs })).toBe(true);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'unreadable contents that differ give no opinion, and the order decides',
    check(driver) {
      const differing = fc
        .array(arbitraryJunk, { minLength: 2, maxLength: 4 })
        .filter(([first, ...others]) => others.some(({ digest }) => digest !== first?.digest));
      const property = fc.property(differing, (versions) => {
        expect(driver.compose(versions)).toEqual({ kind: 'pick', index: 0, opinion: false });
        const [a, b] = versions as [Version, Version];
        expect(driver.same(a, b)).toBe(a.digest === b.digest);
        expect(driver.subtract(a, b).form).toBe('whole');
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'readable content wins over unreadable content',
    check(driver, arbitraryVersion) {
      // Drivers that do not read versions cannot tell.
      if (!driver.merges) return;
      const property = fc.property(arbitraryVersion, arbitraryJunk, (version, junk) => {
        expect(compose(driver, [junk, version]).digest).toBe(compose(driver, [version]).digest);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'a driver that ignores lower versions picks the nearest whole one and stores no deltas',
    check(driver, arbitraryVersion) {
      if (driver.merges) return;
      const versions = fc.array(anyVersion(arbitraryVersion), { minLength: 1, maxLength: 4 });
      const property = fc.property(versions, arbitraryVersion, (wholes, mine) => {
        expect(composedVersion(wholes, driver.compose(wholes))).toBe(wholes[0]);
        const [pinned = mine] = wholes;
        expect(driver.subtract(pinned, mine).form).toBe('whole');
        const delta = versionOf(Uint8Array.of(), { form: 'delta' });
        expect(composedVersion([delta, ...wholes], driver.compose([delta, ...wholes]))).toBe(wholes[0]);
      });
      fc.assert(property, runs);
    },
  },
];
