import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { VolumeName } from '../names/volume.ts';
import { type Policy, type PolicyTexts, type StatedPolicy, resolvePolicy, statedPolicy, volumeOf } from './policy.ts';

/** The policy of a namespace and those below it. */
export interface StoredPolicy {
  readonly namespace: Namespace;
  readonly texts: PolicyTexts;
}

/** The policy of the repository's file in the last run that wrote the lane. */
export interface LanePolicy {
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly texts: PolicyTexts;
  /** For people: `cachelane.yaml`. */
  readonly source: string;
}

/** All policies about lifetimes and sizes. */
export interface Policies {
  /** The user's own configuration. */
  readonly user: StatedPolicy;
  readonly stored: readonly StoredPolicy[];
  readonly lanes: readonly LanePolicy[];
}

export interface PolicyPlace {
  /** All paths of the namespace, the current one first. */
  readonly paths: readonly Namespace[];
  /** The lane whose repository file counts; null for none. */
  readonly lane: { readonly namespaceId: NamespaceId; readonly lane: LaneName } | null;
  /** As in `PolicySources`. */
  readonly volume?: VolumeName;
}

/**
 * Returns the policy of a namespace or of one of its lanes. A namespace's policy also holds below it unless a nearer
 * one overrides it.
 */
export function policyAt({ user, stored, lanes }: Policies, { paths, lane, volume }: PolicyPlace): Policy {
  const own = lanes.find((each) => each.namespaceId === lane?.namespaceId && each.lane === lane.lane);
  const repository = own === undefined ? {} : statedPolicy(own.texts, own.source);
  return resolvePolicy({ user, stored: storedAt(stored, paths), repository, volume: volume ?? null });
}

/** Returns the volumes with a budget of their own in any policy. */
export function budgetedVolumes({ user, stored, lanes }: Policies): readonly VolumeName[] {
  const said = [user, ...stored.map(({ texts }) => texts), ...lanes.map(({ texts }) => texts)];
  return [...new Set(said.flatMap((each) => Object.keys(each)).flatMap((key) => volumeOf(key) ?? []))].toSorted();
}

function storedAt(stored: readonly StoredPolicy[], paths: readonly Namespace[]): readonly StatedPolicy[] {
  const names = [...paths, ...prefixesOf(paths[0] ?? '')];
  return names.flatMap((name) => {
    const found = stored.find(({ namespace }) => namespace === name);
    return found === undefined ? [] : [statedPolicy(found.texts, `cachelane ns policy ${name}`)];
  });
}

/** Returns path prefixes, the longest first. */
function prefixesOf(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, segments.length - 1 - index).join('/'));
}
