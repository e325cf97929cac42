/** Times that Node sets may be off by less than this; those that a build wrote stay exact, since nobody sets them. */
const timeToleranceNs = 1000n;

/** Whether one may be the other as it comes back from a file that it was set on. */
export function isSameTime(a: bigint, b: bigint): boolean {
  const difference = a - b;
  return difference < timeToleranceNs && difference > -timeToleranceNs;
}
