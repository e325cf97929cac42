import { digestOf, isCachelaneError, parseId, type Lease, type LeaseStore } from '@cachelane/core';
import type { Host } from './host.ts';

const pollMs = 200;

/** Acquires a lease that one process of a home can hold, and waits for its holder. */
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
 * Does the same, but returns null if another process already waits, because that process will see all changes. So at most two processes
 * exist.
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
    // Another process was faster and has or gets the lease.
    if (isCachelaneError(error, 'E_INTERNAL') || (await leases.isHeld(id, signal))) return null;
    throw error;
  }
}
