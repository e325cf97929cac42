import type { Clock, Random } from '@cachelane/core';

/** Before another try at a head that somebody else moved. Full jitter: writers that collided once do not collide in step again. */
export async function backOff(
  { random, clock }: { readonly random: Random; readonly clock: Clock },
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const ceilingMs = Math.min(200, 2 ** attempt);
  await clock.sleep(((random.bytes(1)[0] ?? 0) / 256) * ceilingMs, signal);
}
