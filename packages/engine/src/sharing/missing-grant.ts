import { isCachelaneError, type CachelaneError } from '@cachelane/core';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { BoundsDependencies } from './bounds-of.ts';
import { requireReach } from './require-reach.ts';

/** Returns why a volume may not be saved (no grant, or withdrawn), or null. This is reported, not thrown. Errors: those of the store. */
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
