import { CachelaneError, type Context } from '@cachelane/core';

/** The rule of a run: a lane is written by those whose own it is, where they may write at all. Throws E_USAGE. */
export function requireWritable({ lane, canWrite, why }: Pick<Context, 'lane' | 'canWrite' | 'why'>): void {
  if (canWrite) return;
  throw new CachelaneError('E_USAGE', `the lane ${lane} may not be written here: ${why}`, {
    hint: 'do this where a run of this lane may save',
  });
}
