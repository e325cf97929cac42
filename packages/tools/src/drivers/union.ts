import type { MergeDriver } from '@cachelane/core';
import { allEqual, pickNearest } from './pick.ts';

/**
 * Class U, files that never change under their name (named by digest, or written once). Equal paths have equal bytes, so there is
 * nothing to merge. If they differ, one writer was broken, and the driver cannot tell which.
 */
export const unionDriver: MergeDriver = {
  name: 'union',
  version: 1,
  merges: false,
  same: (pinned, mine) => allEqual([pinned, mine]) && pinned.mode === mine.mode,
  subtract: () => ({ form: 'whole' }),
  compose: pickNearest,
};
