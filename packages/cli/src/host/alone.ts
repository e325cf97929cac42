import { digestOf, isCachelaneError, parseId, type Lease, type LeaseStore } from '@cachelane/core';
import type { Host } from './host.ts';

const pollMs = 200;

/** A lease that one process of a home can have at a time; waits for whoever has it. */
export async function alone(
  { clock }: Pick<Host, 'clock'>,
  leases: LeaseStore,
  what: string,
  signal: AbortSignal,
): Promise<Lease> {
  for (;;) {
    const lease = await tryLease(leases, what, signal);
    if (lease !== null) return lease;
    await clock.sleep(pollMs, signal);
  }
}

/**
 * The same, of a process that nobody waits for. Null where another one waits already: that one begins later than now, and finds all that there is. So there are
 * never more than two, however many are started while one is slow.
 */
export async function aloneOrNext(
  host: Pick<Host, 'clock'>,
  leases: LeaseStore,
  what: string,
  signal: AbortSignal,
): Promise<Lease | null> {
  await using next = await tryLease(leases, `${what}, next`, signal);
  return next === null ? null : await alone(host, leases, what, signal);
}

async function tryLease(leases: LeaseStore, what: string, signal: AbortSignal): Promise<Lease | null> {
  const id = parseId('session', `ses_${digestOf(what).slice(0, 32)}`);
  if (await leases.isHeld(id, signal)) return null;
  try {
    return await leases.acquire(id, signal);
  } catch (error) {
    // Another one was faster: it has the lease, or is about to.
    if (isCachelaneError(error, 'E_INTERNAL') || (await leases.isHeld(id, signal))) return null;
    throw error;
  }
}
