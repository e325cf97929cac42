import type { ChainLink } from './chain-link.ts';
import { type LaneName, compareTrust, laneTrust } from './lane.ts';

/** What a namespace allows beyond the rules that always hold. */
export interface ReadPolicy {
  /** Whether T1 lanes read each other. Without a hub they do: nobody is there to defend against. */
  readonly siblings: 'read' | 'none';
  /** Whether T3 reads lanes below it; a release is made of nothing else unless its namespace opts in. */
  readonly releaseReads: 'release' | 'protected';
}

export const policyWithoutHub: ReadPolicy = { siblings: 'read', releaseReads: 'release' };

/** Whether a run in lane `from` may read `lane` of the same namespace: its own always, others by {@link canReadOther}. */
export function canRead(from: LaneName, lane: LaneName, policy: ReadPolicy = policyWithoutHub): boolean {
  return lane === from || canReadOther(from, lane, policy);
}

/**
 * Whether a run in lane `from` may read somebody else's `lane`, which in another namespace may have the same name. Never
 * one of lower trust, never a T0 lane (it belongs to one run), a T1 lane from T1 only among siblings. The one exception to
 * "never lower" is T3 reading T2 by opt-in.
 */
export function canReadOther(from: LaneName, lane: LaneName, policy: ReadPolicy = policyWithoutHub): boolean {
  const own = laneTrust(from);
  const other = laneTrust(lane);
  if (own === 'T3' && other === 'T2') return policy.releaseReads === 'protected';
  if (other === 'T0' || compareTrust(other, own) < 0) return false;
  return own !== 'T1' || other !== 'T1' || policy.siblings === 'read';
}

/** Whether a run writes a lane: exactly the first of its read chain, and only if it may write at all. */
export function mayWrite(
  run: { readonly readChain: readonly ChainLink[]; readonly canWrite: boolean },
  target: ChainLink,
): boolean {
  const own = run.readChain[0];
  return run.canWrite && own !== undefined && own.namespace === target.namespace && own.lane === target.lane;
}
