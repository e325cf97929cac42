import { CachelaneError, type ChainLink, type VolumeName } from '@cachelane/core';

/** Checks that a prune affects its own lane only. On a lane that reads other lanes, its removals would hide what they add later. Errors: E_USAGE. */
export function requireNoOthers(name: VolumeName, own: ChainLink, links: readonly ChainLink[]): void {
  const others = links.filter(({ namespace, lane }) => namespace !== own.namespace || lane !== own.lane);
  if (others.length === 0) return;
  const read = others.map(({ namespace, lane }) => (namespace === own.namespace ? lane : `${namespace} ${lane}`));
  throw new CachelaneError(
    'E_USAGE',
    `${name} in lane ${own.lane} cannot be pruned: the lane also reads ${read.join(' and ')}, and the prune would hide files added there later`,
    { hint: 'prune in runs that save to that lane, or remove this lane’s volume with cachelane rm' },
  );
}
