import type { MergeDriver, Version } from '@cachelane/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { arbitraryJunk, arbitraryOversize, composedVersion, hasOpinion, storedVersion, versionOf } from './versions.ts';

/** One thing that every merge driver keeps; `check` throws with a counterexample where it does not. */
export interface MergeDriverLaw {
  readonly name: string;
  check(driver: MergeDriver, arbitraryVersion: fc.Arbitrary<Version>): void;
}

const runs = { numRuns: 500 };

/** Now and then something that the driver cannot read. */
function anyVersion(arbitraryVersion: fc.Arbitrary<Version>): fc.Arbitrary<Version> {
  return fc.oneof(
    { arbitrary: arbitraryVersion, weight: 12 },
    { arbitrary: arbitraryJunk, weight: 2 },
    { arbitrary: arbitraryOversize, weight: 1 },
  );
}

/** Wholes and deltas; deltas are made by the driver itself. */
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
    name: 'idempotent: a version with itself is that version',
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
    name: 'where it has an opinion, the order does not matter',
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
    name: 'associative: composing what was composed gives what composing all at once gives',
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
    name: 'what a run stores, on what it saw, carries what the run left',
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
    name: 'same is reflexive, whenever the store saw it',
    check(driver, arbitraryVersion) {
      const property = fc.property(anyVersion(arbitraryVersion), fc.nat({ max: 20 }), (version, sealedAtMs) => {
        expect(driver.same(version, { ...version, sealedAtMs })).toBe(true);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'different contents that it cannot read are a matter of order, without an opinion',
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
    name: 'what it can read wins over what it cannot',
    check(driver, arbitraryVersion) {
      // Drivers that do not look into versions cannot tell.
      if (!driver.merges) return;
      const property = fc.property(arbitraryVersion, arbitraryJunk, (version, junk) => {
        expect(compose(driver, [junk, version]).digest).toBe(compose(driver, [version]).digest);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'where lower versions do not matter, the nearest whole one is picked and nothing is stored as a delta',
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
