import type { Clock, Random } from '@cachelane/core';

/** Waits before the next try at a head that another writer moved. Full jitter keeps colliding writers out of step. */
export async function backOff(
  { random, clock }: { readonly random: Random; readonly clock: Clock },
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const ceilingMs = Math.min(200, 2 ** attempt);
  await clock.sleep(((random.bytes(1)[0] ?? 0) / 256) * ceilingMs, signal);
}
