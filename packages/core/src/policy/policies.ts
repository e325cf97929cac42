import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { VolumeName } from '../names/volume.ts';
import { type Policy, type PolicyTexts, type StatedPolicy, resolvePolicy, statedPolicy, volumeOf } from './policy.ts';

/** What was said of a namespace and of those below it. */
export interface StoredPolicy {
  readonly namespace: Namespace;
  readonly texts: PolicyTexts;
}

/** What the file in the repository said in the last run that wrote the lane. */
export interface LanePolicy {
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly texts: PolicyTexts;
  /** For people: `cachelane.yaml`. */
  readonly source: string;
}

/** All that is said of how long things live, and how large they may be. */
export interface Policies {
  /** By the person's own file. */
  readonly user: StatedPolicy;
  readonly stored: readonly StoredPolicy[];
  readonly lanes: readonly LanePolicy[];
}

export interface PolicyPlace {
  /** Of the namespace, the current path first. */
  readonly paths: readonly Namespace[];
  /** Whose file in the repository has a say; null: of no lane. */
  readonly lane: { readonly namespaceId: NamespaceId; readonly lane: LaneName } | null;
  /** As in `PolicySources`. */
  readonly volume?: VolumeName;
}

/** What holds for a namespace, or for one of its lanes. What was said of a namespace holds for those below it, unless something nearer is said. */
export function policyAt({ user, stored, lanes }: Policies, { paths, lane, volume }: PolicyPlace): Policy {
  const own = lanes.find((each) => each.namespaceId === lane?.namespaceId && each.lane === lane.lane);
  const repository = own === undefined ? {} : statedPolicy(own.texts, own.source);
  return resolvePolicy({ user, stored: storedAt(stored, paths), repository, volume: volume ?? null });
}

/** Names of volumes of whose budget something is said, by anybody. */
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

/** The longest first. */
function prefixesOf(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, segments.length - 1 - index).join('/'));
}
