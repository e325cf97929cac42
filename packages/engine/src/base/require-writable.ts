import { CachelaneError, type Context } from '@cachelane/core';

/** Checks that the context may write its lane. Errors: E_USAGE. */
export function requireWritable({ lane, canWrite, why }: Pick<Context, 'lane' | 'canWrite' | 'why'>): void {
  if (canWrite) return;
  throw new CachelaneError('E_USAGE', `the lane ${lane} may not be written here: ${why}`, {
    hint: 'repeat this in a run that may save to this lane',
  });
}
