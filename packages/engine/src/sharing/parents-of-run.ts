import { settleParents, type Context, type SettledParents } from '@cachelane/core';
import { boundsOf, type BoundsDependencies } from './bounds-of.ts';

/** Which of the parents that a file of the repository claims are shared with the project. Without such parents nothing is looked up. */
export async function parentsOfRun(
  deps: BoundsDependencies,
  context: Context,
  signal: AbortSignal,
): Promise<SettledParents> {
  if (context.claimed === undefined) return { context, warning: null };
  return settleParents(context, await boundsOf(deps, context.namespace, signal));
}
