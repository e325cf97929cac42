import { createHash } from 'node:crypto';
import type { RunPlace } from '@cachelane/core';
import { hasOpen, readEnvironment, readStat } from './proc.ts';

// Without mounts, a run's processes are known by what they inherit: a variable with a unique name, and the open lease. A process that drops
// both is missed: a daemon with a clean environment and no open files, and everything started by sudo.

const prefix = 'lease:';

export const placeOfLease = (leaseFile: string): RunPlace => ({ token: `${prefix}${leaseFile}` });

/** Returns the lease that names a place, or null for other places. */
export function leaseOf(token: string): string | null {
  return token.startsWith(prefix) ? token.slice(prefix.length) : null;
}

/** Names differ, so that a nested run belongs to both. */
export function placeVariable(leaseFile: string): string {
  return `CACHELANE_PLACE_${createHash('sha256').update(leaseFile).digest('hex').slice(0, 16).toUpperCase()}`;
}

/** Programs that open a lease only to check it. */
const lookers = ['flock', 'true'];

export function holdsLease(pid: number, leaseFile: string): boolean {
  const variable = `${placeVariable(leaseFile)}=`;
  if (readEnvironment(pid).some((each) => each.startsWith(variable))) return readStat(pid)?.state !== 'Z';
  return hasOpen(pid, leaseFile) && !lookers.includes(readStat(pid)?.name ?? '');
}
