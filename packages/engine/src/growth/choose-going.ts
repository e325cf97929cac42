/** Something that can be removed alone: a file or a group. */
export interface GrowthUnit {
  readonly sizeBytes: number;
  /** Start of the latest run that saved it. */
  readonly savedAtMs: number;
  /** Last observed use after its save; null: none. */
  readonly usedAtMs: number | null;
  /** One of the latest runs added or used it, so it stays. */
  readonly isRecent: boolean;
}

export interface GrowthLimits {
  readonly budgetBytes: number;
  /** Bytes that cannot be removed but count. */
  readonly otherBytes: number;
  /** Uses before this time do not count. */
  readonly usedSinceMs: number;
}

/** The part of the budget to free in addition, so that not every run must remove something. */
const roomPart = 0.1;

/**
 * Returns what to remove over the budget, in order: units that no recent run used, oldest first, then used ones, least recently used first.
 * What the latest runs added or used stays, even over the budget, since the next run would make it again.
 */
export function chooseGoing<U extends GrowthUnit>(units: readonly U[], limits: GrowthLimits): readonly U[] {
  const { budgetBytes, otherBytes, usedSinceMs } = limits;
  let bytes = units.reduce((sum, { sizeBytes }) => sum + sizeBytes, otherBytes);
  if (bytes <= budgetBytes) return [];
  const isUsed = ({ usedAtMs }: U): boolean => usedAtMs !== null && usedAtMs >= usedSinceMs;
  const lastSign = (unit: U): number => (isUsed(unit) ? (unit.usedAtMs ?? 0) : unit.savedAtMs);
  const order = units
    .filter(({ isRecent, sizeBytes }) => !isRecent && sizeBytes > 0)
    .toSorted((a, b) => Number(isUsed(a)) - Number(isUsed(b)) || lastSign(a) - lastSign(b));
  const target = budgetBytes * (1 - roomPart);
  const going: U[] = [];
  for (const unit of order) {
    // Used units are removed only down to the budget.
    if (bytes <= (isUsed(unit) ? budgetBytes : target)) break;
    going.push(unit);
    bytes -= unit.sizeBytes;
  }
  return going;
}
