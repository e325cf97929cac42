import { isCachelaneError, type CachelaneError } from '@cachelane/core';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { BoundsDependencies } from './bounds-of.ts';
import { requireReach } from './require-reach.ts';

/** Why a volume may not be saved to, which is told and no failure: it never was granted, or is not any more. Null: it may be. Errors: those of the store. */
export async function missingGrant(
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
