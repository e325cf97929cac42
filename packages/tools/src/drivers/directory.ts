import type { MergeDriver } from '@cachelane/core';
import { allEqual, pickNearest } from './pick.ts';

/** Class D, unknown files: any difference is a change, and two different changes are a conflict. */
export const directoryDriver: MergeDriver = {
  name: 'directory',
  version: 1,
  merges: false,
  same: (pinned, mine) => allEqual([pinned, mine]) && pinned.mode === mine.mode,
  subtract: () => ({ form: 'whole' }),
  compose: pickNearest,
};
