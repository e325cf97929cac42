import { CachelaneError, type ChainLink, type VolumeName } from '@cachelane/core';

/** Checks that a prune affects its own lane only. On a lane that reads other lanes, its removals would hide what they add later. Errors: E_USAGE. */
export function requireNoOthers(name: VolumeName, own: ChainLink, links: readonly ChainLink[]): void {
  const others = links.filter(({ namespace, lane }) => namespace !== own.namespace || lane !== own.lane);
  if (others.length === 0) return;
  const read = others.map(({ namespace, lane }) => (namespace === own.namespace ? lane : `${namespace} ${lane}`));
  throw new CachelaneError(
    'E_USAGE',
    `${name} in lane ${own.lane} cannot be pruned: it also shows ${read.join(' and ')}, and the removals would hide later additions there`,
    { hint: 'prune where runs save to that lane; cachelane rm removes this lane’s volume' },
  );
}
