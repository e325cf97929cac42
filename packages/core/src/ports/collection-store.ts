import type { NamespaceId, VolumeId } from '../ids.ts';
import type { Digest } from '../layers/digest.ts';
import type { LayerId } from '../layers/entry.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';
import type { PolicyKey, PolicyTexts, StatedKey } from '../policy/policy.ts';
import type { SquashRecord } from '../snapshots/squashes.ts';
import type { HeadRecord, HistoryRecord, NamespaceRecord, VolumeRecord } from './metadata.ts';

/** A head, and when a session read it last; to the hour, and never before it was moved last. */
export interface UsedHead extends HeadRecord {
  readonly usedAtMs: number;
}

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

/** The directory whose own name a namespace's path is, where a run said so. */
export interface OwnDirectory {
  readonly namespace: Namespace;
  /** Absolute. */
  readonly path: string;
  /** When a collection first found it gone; null: it is there, as far as is known. */
  readonly goneSinceMs: number | null;
}

/** What is left of a head that was evicted: for 30 days, or until the lane has a head again. */
export interface Eviction {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly compat: Compat;
  readonly lane: LaneName;
  readonly policy: PolicyKey;
  /** One clause for people. */
  readonly why: string;
  readonly atMs: number;
}

/** A squash of a lane: what it replaced stays for `limits.revocationMs`, as long as the lane has a head. */
export interface LaneSquash extends SquashRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
}

/** All that decides what may go, as of one moment. */
export interface CollectionFacts {
  readonly namespaces: readonly NamespaceRecord[];
  /** Lanes of default branches, as runs said. */
  readonly defaultLanes: ReadonlyMap<NamespaceId, LaneName>;
  readonly volumes: readonly VolumeRecord[];
  readonly heads: readonly UsedHead[];
  /** Newest first, of each head. */
  readonly history: readonly HistoryRecord[];
  /** Oldest first, of each lane. */
  readonly squashes: readonly LaneSquash[];
  /** Of open sessions. */
  readonly pins: ReadonlySet<LayerId>;
  /** What open sessions have, on the lane that they write. */
  readonly open: readonly { readonly volumeId: VolumeId; readonly lane: LaneName }[];
  readonly policies: readonly StoredPolicy[];
  readonly lanePolicies: readonly LanePolicy[];
  readonly directories: readonly OwnDirectory[];
}

export interface EvictRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** As the decision was made on: one that moved or was used since stays. */
  readonly generation: number;
  readonly usedAtMs: number;
  readonly policy: PolicyKey;
  readonly why: string;
  readonly atMs: number;
}

export interface TrimRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** Earlier generations go; that of the head itself always stays. */
  readonly fromGeneration: number;
}

/**
 * What a collection goes by. Guarantees of every driver, beside those of `Metadata`:
 * - a session that reads a head is a use of it, written down at most once an hour; a session of a T0 lane is none;
 * - `evict` takes away a head that no open session pins a layer of (also one that a squash replaced) or has open to write, and that is as it was: else it changes nothing and says false;
 *   the generations of its lane go on where they were, and a volume stays that some session has open;
 * - what is evicted, and trimmed, leaves no reference to a layer behind.
 */
export interface CollectionStore {
  collectionFacts(signal: AbortSignal): Promise<CollectionFacts>;
  evict(request: EvictRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Calls `use` with those of `keys` that no open session pins, inside the transaction: no session can pin one meanwhile, and one that pins it later finds what `use` did to it. What `use`
   * throws is thrown.
   */
  amongUnpinned(keys: readonly Digest[], use: (keys: readonly Digest[]) => void, signal: AbortSignal): Promise<void>;
  /** Returns how many states of the head's history went. */
  trimHistory(request: TrimRequest, signal: AbortSignal): Promise<number>;
  /** Newest first. */
  listEvictions(signal: AbortSignal): Promise<readonly Eviction[]>;
  listPolicies(signal: AbortSignal): Promise<readonly StoredPolicy[]>;
  /** Null takes it back. The namespace need not have volumes. */
  setPolicy(namespace: Namespace, key: StatedKey, text: string | null, signal: AbortSignal): Promise<void>;
  /** Notes since when directories are gone; null: they are there. Those that are not known are left alone. */
  noteDirectories(
    directories: readonly Pick<OwnDirectory, 'namespace' | 'goneSinceMs'>[],
    signal: AbortSignal,
  ): Promise<void>;
}
