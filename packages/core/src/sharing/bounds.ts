import type { ChainLink } from '../lanes/chain-link.ts';
import { type LaneName, laneTrust } from '../lanes/lane.ts';
import { type Namespace, isScopeOf } from '../names/namespace.ts';
import { defaultParents } from '../names/parents.ts';
import type { VolumeName } from '../names/volume.ts';
import type { GrantAccess, GrantRecord } from './grant.ts';

/**
 * Who asks for a volume of another namespace. `person` (a flag, the environment, the user's configuration, a typed
 * address) may reach every namespace. Repository files and confined sessions reach only granted volumes.
 */
export type WhoseWord = 'person' | 'repository' | 'confined';

/** Granted volumes of another namespace. */
export interface GrantedVolumes extends Pick<GrantRecord, 'volume' | 'access' | 'trust'> {
  /** All its names, the current one first. */
  readonly owner: readonly Namespace[];
}

/**
 * The volumes that a project may reach without a person's own request. Only names decide, so that unreachable volumes
 * are never looked up and response times reveal nothing.
 */
export interface Bounds {
  /** All names of the project's namespace. */
  readonly own: readonly Namespace[];
  readonly granted: readonly GrantedVolumes[];
}

/**
 * Returns whether one of the names is the project itself or a scope in it (of a library that it uses). Other
 * namespaces below it are other projects.
 */
export function isOwn({ own }: Pick<Bounds, 'own'>, names: readonly Namespace[]): boolean {
  return names.some((name) => own.some((each) => each === name || isScopeOf(each, name)));
}

/** Returns the bounds of an untrusted run: grants count only for namespaces above the project. */
export function unvouchedBounds({ own, granted }: Bounds): Bounds {
  const above = own.flatMap((name) => defaultParents(name));
  return { own, granted: granted.filter(({ owner }) => owner.some((name) => above.includes(name))) };
}

export interface Reaching {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly access: GrantAccess;
  /** The lane to write; ignored for reading. */
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

/** Returns the reachable links of the chain for a volume; all if there are no bounds. */
export function linksWithin(
  bounds: Bounds | undefined,
  chain: readonly ChainLink[],
  volume: VolumeName,
): readonly ChainLink[] {
  if (bounds === undefined) return chain;
  return chain.filter(({ namespace, lane }) => mayReach(bounds, { namespace, volume, access: 'read', lane }));
}

/** Returns whether a namespace shares at least one volume. */
export function sharesAny(bounds: Bounds, namespace: Namespace): boolean {
  return isOwn(bounds, [namespace]) || bounds.granted.some(({ owner }) => owner.includes(namespace));
}

/** Returns the links of namespaces that share at least one volume. */
export function linksOfAny(bounds: Bounds, chain: readonly ChainLink[]): readonly ChainLink[] {
  return chain.filter(({ namespace }) => sharesAny(bounds, namespace));
}
