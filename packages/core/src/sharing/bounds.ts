import type { ChainLink } from '../lanes/chain-link.ts';
import { type LaneName, laneTrust } from '../lanes/lane.ts';
import { type Namespace, isScopeOf } from '../names/namespace.ts';
import { defaultParents } from '../names/parents.ts';
import type { VolumeName } from '../names/volume.ts';
import type { GrantAccess, GrantRecord } from './grant.ts';

/**
 * Who says that a volume of another namespace is to be had. A person's own word (a flag, the environment, their own configuration, an address that they typed) reaches everywhere on their own engine. A file of the repository,
 * and whatever a confined session asks for, reach what was granted.
 */
export type WhoseWord = 'person' | 'repository' | 'confined';

/** Volumes of another namespace that may be used. */
export interface GrantedVolumes extends Pick<GrantRecord, 'volume' | 'access' | 'trust'> {
  /** All its names, the present one first. */
  readonly owner: readonly Namespace[];
}

/**
 * How far one gets that has nobody's word but its own. Names alone decide: what somebody may not know of is never looked up for them, so that it takes the same work whether it is there or not.
 */
export interface Bounds {
  /** All names of its namespace. */
  readonly own: readonly Namespace[];
  readonly granted: readonly GrantedVolumes[];
}

/** By any of a namespace's names. A project is its namespace, and scopes in it: those of libraries that it uses. What else lies below it are other projects. */
export function isOwn({ own }: Pick<Bounds, 'own'>, names: readonly Namespace[]): boolean {
  return names.some((name) => own.some((each) => each === name || isScopeOf(each, name)));
}

/** What of it a run has that nobody vouches for: of other namespaces those above it, and whatever else was granted to its project it was not granted. */
export function unvouchedBounds({ own, granted }: Bounds): Bounds {
  const above = own.flatMap((name) => defaultParents(name));
  return { own, granted: granted.filter(({ owner }) => owner.some((name) => above.includes(name))) };
}

export interface Reaching {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly access: GrantAccess;
  /** The one that would be written; reading asks for none. */
  readonly lane: LaneName;
}

export function mayReach(bounds: Bounds, { namespace, volume, access, lane }: Reaching): boolean {
  if (isOwn(bounds, [namespace])) return true;
  return bounds.granted.some(
    (grant) =>
      grant.owner.includes(namespace) &&
      (grant.volume === null || grant.volume === volume) &&
      (access === 'read' || (grant.access === 'write' && grant.trust === laneTrust(lane))),
  );
}

/** The links that one gets to for a volume of this name; a namespace that shares nothing of it is no link, however it came to be one. Undefined: nothing bounds them. */
export function linksWithin(
  bounds: Bounds | undefined,
  chain: readonly ChainLink[],
  volume: VolumeName,
): readonly ChainLink[] {
  if (bounds === undefined) return chain;
  return chain.filter(({ namespace, lane }) => mayReach(bounds, { namespace, volume, access: 'read', lane }));
}

/** Whether a namespace shares anything at all, if only one volume. */
export function sharesAny(bounds: Bounds, namespace: Namespace): boolean {
  return isOwn(bounds, [namespace]) || bounds.granted.some(({ owner }) => owner.includes(namespace));
}

/** The links of namespaces that do. */
export function linksOfAny(bounds: Bounds, chain: readonly ChainLink[]): readonly ChainLink[] {
  return chain.filter(({ namespace }) => sharesAny(bounds, namespace));
}
