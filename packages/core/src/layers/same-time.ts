/** Times that Node sets may differ by less than this; other times are exact. */
const timeToleranceNs = 1000n;

/** Returns whether one time may be the other after being set on a file. */
export function isSameTime(a: bigint, b: bigint): boolean {
  const difference = a - b;
  return difference < timeToleranceNs && difference > -timeToleranceNs;
}
