import { CachelaneError, type ChainLink, type VolumeName } from '@cachelane/core';

/**
 * What a prune takes away is gone for whoever reads the lane, and with it whatever lanes below hold at the same path: also what they add
 * to a file later, while its contents show. So it is for the lane that reads no other one's layers. `links`: those of the read chain that
 * hold layers. Throws E_USAGE.
 */
export function requireNoOthers(name: VolumeName, own: ChainLink, links: readonly ChainLink[]): void {
  const others = links.filter(({ namespace, lane }) => namespace !== own.namespace || lane !== own.lane);
  if (others.length === 0) return;
  const read = others.map(({ namespace, lane }) => (namespace === own.namespace ? lane : `${namespace} ${lane}`));
  throw new CachelaneError(
    'E_USAGE',
    `${name} in lane ${own.lane} cannot be pruned: it also shows what ${read.join(' and ')} holds, and would hide what is added there later`,
    { hint: 'prune where runs save to that lane; cachelane rm takes this lane’s volume away' },
  );
}
