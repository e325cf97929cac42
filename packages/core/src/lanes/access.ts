import type { ChainLink } from './chain-link.ts';
import { type LaneName, compareTrust, laneTrust } from './lane.ts';

/** A namespace's own read rules, within the fixed rules. */
export interface ReadPolicy {
  /** Whether T1 lanes read each other. Without a hub they do. */
  readonly siblings: 'read' | 'none';
  /** Whether T3 reads T2 lanes. By default, a release reads only releases. */
  readonly releaseReads: 'release' | 'protected';
}

export const policyWithoutHub: ReadPolicy = { siblings: 'read', releaseReads: 'release' };

/**
 * Returns whether a run in lane `from` may read `lane` of the same namespace: its own always, others by {@link
 * canReadOther}.
 */
export function canRead(from: LaneName, lane: LaneName, policy: ReadPolicy = policyWithoutHub): boolean {
  return lane === from || canReadOther(from, lane, policy);
}

/**
 * Returns whether a run in lane `from` may read another lane, which may have the same name in another namespace.
 * Never a T0 lane, which belongs to one run, and never a lane of lower trust, except T2 from T3 if the policy allows.
 * T1 lanes read each other only if the policy allows siblings.
 */
export function canReadOther(from: LaneName, lane: LaneName, policy: ReadPolicy = policyWithoutHub): boolean {
  const own = laneTrust(from);
  const other = laneTrust(lane);
  if (own === 'T3' && other === 'T2') return policy.releaseReads === 'protected';
  if (other === 'T0' || compareTrust(other, own) < 0) return false;
  return own !== 'T1' || other !== 'T1' || policy.siblings === 'read';
}

/** Returns whether a run may write a lane: only the first of its read chain, and only if it may write. */
export function mayWrite(
  run: { readonly readChain: readonly ChainLink[]; readonly canWrite: boolean },
  target: ChainLink,
): boolean {
  const own = run.readChain[0];
  return run.canWrite && own !== undefined && own.namespace === target.namespace && own.lane === target.lane;
}
