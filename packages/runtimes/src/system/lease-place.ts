import { createHash } from 'node:crypto';
import type { RunPlace } from '@cachelane/core';
import { hasOpen, readEnvironment, readStat } from './proc.ts';

// Where nothing is mounted, whoever belongs to a run is known by what it inherited: a variable of the environment with a name that
// no other run has, and the lease, which it keeps open. One that gives up both is missed: a daemon that
// starts with a clean environment and closes all files, and whatever sudo starts, which does the same to it.

const prefix = 'lease:';

export const placeOfLease = (leaseFile: string): RunPlace => ({ token: `${prefix}${leaseFile}` });

/** The lease that a place is known by; null for places of another kind. */
export function leaseOf(token: string): string | null {
  return token.startsWith(prefix) ? token.slice(prefix.length) : null;
}

/** Names differ so that a run inside another one belongs to both. */
export function placeVariable(leaseFile: string): string {
  return `CACHELANE_PLACE_${createHash('sha256').update(leaseFile).digest('hex').slice(0, 16).toUpperCase()}`;
}

/** Programs that open a lease to see whether somebody holds it. */
const lookers = ['flock', 'true'];

export function holdsLease(pid: number, leaseFile: string): boolean {
  const variable = `${placeVariable(leaseFile)}=`;
  if (readEnvironment(pid).some((each) => each.startsWith(variable))) return readStat(pid)?.state !== 'Z';
  return hasOpen(pid, leaseFile) && !lookers.includes(readStat(pid)?.name ?? '');
}
