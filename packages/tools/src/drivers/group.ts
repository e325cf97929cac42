import type { MergeDriver } from '@cachelane/core';
import { allEqual, pickNearest } from './pick.ts';

/**
 * Class G, files that are correct only together: a repository, a database and its log. The engine takes a group from one
 * writer; the driver never chooses between two.
 */
export const groupDriver: MergeDriver = {
  name: 'group',
  version: 1,
  merges: false,
  same: (pinned, mine) => allEqual([pinned, mine]) && pinned.mode === mine.mode,
  subtract: () => ({ form: 'whole' }),
  compose: pickNearest,
};
