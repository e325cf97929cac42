import { limits } from '../base/limits.ts';
import type { Namespace } from '../names/namespace.ts';
import { type ReadPolicy, canRead, canReadOther } from './access.ts';
import type { ChainLink } from './chain-link.ts';
import type { LaneName } from './lane.ts';

export interface ReadChainRequest {
  readonly namespace: Namespace;
  /** The run's own lane. */
  readonly lane: LaneName;
  /** The lane of the target branch of a pull request or merge queue. */
  readonly base: LaneName | null;
  /** The lane of the default branch. */
  readonly defaultLane: LaneName | null;
  /** In the order of reading. */
  readonly parents: readonly Namespace[];
  /** The lane that is read from parents; null: they are not read. */
  readonly parentLane: LaneName | null;
  readonly policy: ReadPolicy;
}

/**
 * Returns the lanes that a run reads, nearest first: own, base, default, parents. The own lane is always first,
 * writable or not. Links are unique and readable, at most `limits.readChainLanes`.
 */
export function readChain(request: ReadChainRequest): readonly ChainLink[] {
  const { namespace, lane, base, defaultLane, parents, parentLane, policy } = request;
  const wished: (readonly [Namespace, LaneName | null])[] = [
    [namespace, lane],
    [namespace, base],
    [namespace, defaultLane],
    ...parents.map((parent) => [parent, parentLane] as const),
  ];
  const seen = new Set<string>();
  const links: ChainLink[] = [];
  for (const [place, wish] of wished) {
    if (wish === null) continue;
    const isReadable = place === namespace ? canRead(lane, wish, policy) : canReadOther(lane, wish, policy);
    if (!isReadable) continue;
    const key = `${place} ${wish}`;
    if (seen.has(key) || links.length === limits.readChainLanes) continue;
    seen.add(key);
    links.push({ namespace: place, lane: wish });
  }
  return links;
}
