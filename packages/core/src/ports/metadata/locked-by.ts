import { CachelaneError } from '../../base/errors.ts';
import type { RunId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';

export interface LockHolder {
  readonly volume: string;
  readonly lane: LaneName;
  readonly run: RunId;
  readonly sinceMs: number;
}

/** Returns the error for a lock that another session holds. */
export function lockedBy({ volume, lane, run, sinceMs }: LockHolder): CachelaneError {
  const since = new Date(sinceMs).toISOString();
  return new CachelaneError('E_LOCKED', `${volume} is locked on ${lane} by ${run}, since ${since}`, {
    hint: 'wait for that run, or end it',
    retryable: true,
  });
}
