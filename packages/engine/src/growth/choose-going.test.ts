import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GrowthUnit, chooseGoing } from './choose-going.ts';

const usedSinceMs = 50;

const unit: fc.Arbitrary<GrowthUnit> = fc.record({
  sizeBytes: fc.nat({ max: 30 }),
  savedAtMs: fc.nat({ max: 100 }),
  usedAtMs: fc.option(fc.nat({ max: 100 })),
  isRecent: fc.boolean(),
});
const units = fc.array(unit, { maxLength: 40 });
const limits = fc.record({ budgetBytes: fc.nat({ max: 600 }), otherBytes: fc.nat({ max: 60 }) });

function isUsed({ usedAtMs }: GrowthUnit): boolean {
  return usedAtMs !== null && usedAtMs >= usedSinceMs;
}

function bytesOf(of: readonly GrowthUnit[]): number {
  return of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

describe('a removal over a budget', () => {
  test('brings the volume below the budget, or removes everything that may be removed', () => {
    fc.assert(
      fc.property(units, limits, (all, { budgetBytes, otherBytes }) => {
        const going = new Set(chooseGoing(all, { budgetBytes, otherBytes, usedSinceMs }));
        const left = all.filter((each) => !going.has(each));
        const isKept = otherBytes + bytesOf(left) <= budgetBytes;
        if (!isKept) expect(left.every(({ isRecent, sizeBytes }) => isRecent || sizeBytes === 0)).toBe(true);
        if (otherBytes + bytesOf(all) <= budgetBytes) expect(going.size).toBe(0);
        for (const each of going) expect(each.isRecent).toBe(false);
      }),
    );
  });

  test('takes unused before used files, and old before young ones', () => {
    fc.assert(
      fc.property(units, limits, (all, wanted) => {
        const going = chooseGoing(all, { ...wanted, usedSinceMs });
        const left = all.filter((each) => !going.includes(each) && !each.isRecent && each.sizeBytes > 0);
        if (going.some(isUsed)) expect(left.filter((each) => !isUsed(each))).toEqual([]);
        const latestGone = (used: boolean): number =>
          Math.max(0, ...going.filter((each) => isUsed(each) === used).map(sign));
        for (const each of left) expect(sign(each)).toBeGreaterThanOrEqual(latestGone(isUsed(each)));
      }),
    );
  });

  test('is no more than needed, plus a tenth of the budget in unused files', () => {
    fc.assert(
      fc.property(units, limits, (all, { budgetBytes, otherBytes }) => {
        const going = chooseGoing(all, { budgetBytes, otherBytes, usedSinceMs });
        const before = going.slice(0, -1);
        const last = going.at(-1);
        if (last === undefined) return;
        const bytes = otherBytes + bytesOf(all) - bytesOf(before);
        expect(bytes).toBeGreaterThan(isUsed(last) ? budgetBytes : budgetBytes * 0.9);
      }),
    );
  });
});

function sign(each: GrowthUnit): number {
  return isUsed(each) ? (each.usedAtMs ?? 0) : each.savedAtMs;
}
