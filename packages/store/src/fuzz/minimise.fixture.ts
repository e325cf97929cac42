/** Enough for inputs of some kilobytes. A few extra bytes in the result do no harm. */
const attemptsMax = 3000;

export interface Minimising {
  readonly fails: (candidate: Buffer) => Promise<boolean>;
  /** Readers that use a disk are slow. */
  readonly msMax: number;
}

/**
 * Returns a smaller input with the same failure: removes bytes that do not matter, and zeroes those whose value
 * does not matter.
 */
export async function minimised(input: Buffer, { fails, msMax }: Minimising): Promise<Buffer> {
  let smallest = input;
  let attempts = 0;
  const until = performance.now() + msMax;
  const mayGoOn = (): boolean => attempts < attemptsMax && performance.now() < until;
  const isBetter = async (candidate: Buffer): Promise<boolean> => {
    attempts += 1;
    if (candidate.equals(smallest) || !(await fails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  for (let size = 1 << Math.floor(Math.log2(Math.max(input.length, 1))); size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.length && mayGoOn();) {
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (!(await isBetter(without))) at += size;
    }
  }
  for (let size = 512; size >= 1; size >>= 3) {
    for (let at = 0; at < smallest.length && mayGoOn(); at += size) {
      await isBetter(Buffer.from(smallest).fill(0, at, Math.min(at + size, smallest.length)));
    }
  }
  return smallest;
}
