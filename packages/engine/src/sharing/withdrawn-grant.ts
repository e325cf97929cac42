import { isCachelaneError, type CachelaneError } from '@cachelane/core';
import type { PlannedVolume } from '../volumes/plan.ts';
import type { BoundsDependencies } from './bounds-of.ts';
import { requireReach } from './require-reach.ts';

/** What was granted when a session was opened may not be any more, and that is told and no failure. Null: what is to be saved may be. Errors: those of the store. */
export async function withdrawnGrant(
  deps: BoundsDependencies,
  { grant }: Pick<PlannedVolume, 'grant'>,
  signal: AbortSignal,
): Promise<CachelaneError | null> {
  if (grant === null) return null;
  try {
    await requireReach(deps, grant, signal);
    return null;
  } catch (thrown) {
    if (isCachelaneError(thrown, 'E_GRANT')) return thrown;
    throw thrown;
  }
}
