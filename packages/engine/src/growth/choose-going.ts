/** What can go by itself: a file, or a group. */
export interface GrowthUnit {
  readonly sizeBytes: number;
  /** When a run saved it, as that run's start; the latest of several. */
  readonly savedAtMs: number;
  /** When a run was last seen to use it, after it was saved; null: that was never seen. */
  readonly usedAtMs: number | null;
  /** One of the latest runs added or used it: it stays. */
  readonly isRecent: boolean;
}

export interface GrowthLimits {
  readonly budgetBytes: number;
  /** What does not go, whatever else is said, and counts. */
  readonly otherBytes: number;
  /** What was last used before this counts as not used. */
  readonly usedSinceMs: number;
}

/** A budget that is exceeded is left by so much that not every run has to take something away again. */
const roomPart = 0.1;

/**
 * Of what is over the budget, what goes, in order: what no recent run used, the oldest first; then what is used, the least recently used first. Nothing where the budget is
 * kept. What the latest runs added or used stays, and so may leave the budget unmet: it would be made again by the next run.
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
    // What is used goes for the budget's sake alone, not for room.
    if (bytes <= (isUsed(unit) ? budgetBytes : target)) break;
    going.push(unit);
    bytes -= unit.sizeBytes;
  }
  return going;
}
