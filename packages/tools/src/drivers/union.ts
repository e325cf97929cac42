import type { MergeDriver } from '@cachelane/core';
import { allEqual, pickNearest } from './pick.ts';

/**
 * Class U, files that never change under their name (named by their digest, or written once). The same path holds the
 * same bytes, so there is nothing to merge; where it does not, one of the two writers was broken and nothing here can
 * tell which.
 */
export const unionDriver: MergeDriver = {
  name: 'union',
  version: 1,
  merges: false,
  same: (pinned, mine) => allEqual([pinned, mine]) && pinned.mode === mine.mode,
  subtract: () => ({ form: 'whole' }),
  compose: pickNearest,
};
