import { settleParents, type Context, type SettledParents } from '@cachelane/core';
import { boundsOf, type BoundsDependencies } from './bounds-of.ts';

/** Returns the claimed parents that are shared with the project. Reads nothing without claimed parents. */
export async function parentsOfRun(
  deps: BoundsDependencies,
  context: Context,
  signal: AbortSignal,
): Promise<SettledParents> {
  if (context.claimed === undefined) return { context, warning: null };
  return settleParents(context, await boundsOf(deps, context.namespace, signal));
}
