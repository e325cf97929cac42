import type { Digest } from '../../base/digest.ts';
import type { NamespaceId, VolumeId } from '../../base/ids.ts';
import type { LaneName, TrustLevel } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { Namespace } from '../../names/namespace.ts';
import type { Compat, VolumeName } from '../../names/volume.ts';
import type { LanePolicy, StoredPolicy } from '../../policy/policies.ts';
import type { PolicyKey, StatedKey, StatedPolicy } from '../../policy/policy.ts';
import type { SquashRecord } from '../../snapshots/squashes.ts';
import type { HeadRecord, HistoryRecord, VolumeRecord } from './head-records.ts';
import type { NamespaceRecord } from './namespace-store.ts';

/** A head with the time when it last moved or a session last read it, to the hour. */
export interface UsedHead extends HeadRecord {
  readonly usedAtMs: number;
}

/** The directory that a namespace is named after. */
export interface OwnDirectory {
  readonly namespace: Namespace;
  /** Absolute. */
  readonly path: string;
  /** When a collection first found the directory missing; null if it exists. */
  readonly goneSinceMs: number | null;
}

/** A record of an evicted head, kept for 30 days or until the lane has a head again. */
export interface Eviction {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly compat: Compat;
  readonly lane: LaneName;
  readonly policy: PolicyKey;
  /** One clause of display text. */
  readonly why: string;
  readonly atMs: number;
}

/** A squash of a lane. The replaced layers stay for `limits.revocationMs` while the lane has a head. */
export interface LaneSquash extends SquashRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
}

/** What a collection asks for. */
export interface CollectionQuestion {
  /** `due`: only lanes that may have expired data, regardless of sizes. */
  readonly lanes: 'due' | 'all';
  readonly nowMs: number;
  /** The policy from the user's own configuration. */
  readonly user: StatedPolicy;
  /** Namespaces of missing directories; their lanes are due. */
  readonly gone: readonly Namespace[];
  /** Layers to report on, besides loose ones. */
  readonly layers: readonly LayerId[];
  /** Volumes to report on, besides those of the lanes. */
  readonly volumes: readonly VolumeId[];
  /** The namespace whose bytes to report; null for none. */
  readonly namespace: Namespace | null;
}

/** Bytes of layers held by lanes, each layer counted once per total. Layers without a record do not count. */
export interface TakenBytes {
  readonly store: number;
  /** A layer counts for the highest level that holds it. */
  readonly levels: Readonly<Partial<Record<TrustLevel, number>>>;
  /** Bytes of the requested namespace; 0 if none was requested or it does not exist. */
  readonly namespace: number;
}

/**
 * Everything that decides what may be deleted, at one moment. A lane holds the layers in its head, its history and
 * its squashes younger than `limits.revocationMs`. After that time it may keep holding them until `forgetLayers`. Due
 * lanes are those found by `dueRules`, all T0 lanes, lanes of missing directories, and lanes that hold expired
 * layers.
 */
export interface CollectionFacts {
  /** Whether `heads` contains every head. */
  readonly isWhole: boolean;
  /** Namespaces of the volumes, and the requested one. */
  readonly namespaces: readonly NamespaceRecord[];
  /** Lanes of default branches, as runs reported them. */
  readonly defaultLanes: ReadonlyMap<NamespaceId, LaneName>;
  /** Volumes of the lanes, and the requested volumes that exist. */
  readonly volumes: readonly VolumeRecord[];
  /** Volumes among them that also have heads outside `heads`. */
  readonly volumesElsewhere: ReadonlySet<VolumeId>;
  readonly heads: readonly UsedHead[];
  /** Newest first, for each head. */
  readonly history: readonly HistoryRecord[];
  /** Oldest first, for each lane. */
  readonly squashes: readonly LaneSquash[];
  /** Layers that are recorded or were once named by a lane or session, and that no lane may hold now. */
  readonly loose: ReadonlySet<LayerId>;
  /** Loose, requested, pinned or named layers that other lanes hold. */
  readonly heldElsewhere: ReadonlySet<LayerId>;
  /** Sizes of the recorded layers that are pinned or named by these lanes. */
  readonly sizes: ReadonlyMap<LayerId, number>;
  readonly taken: TakenBytes;
  /** Namespaces that take more than the lowest limit of their policies, with the bytes they take. */
  readonly crowded: readonly { readonly namespace: NamespaceRecord; readonly takenBytes: number }[];
  /** Levels that have heads. */
  readonly levels: ReadonlySet<TrustLevel>;
  /** Layers pinned by open sessions. */
  readonly pins: ReadonlySet<LayerId>;
  /** Volumes opened by sessions, with the lanes they write. */
  readonly open: readonly { readonly volumeId: VolumeId; readonly lane: LaneName }[];
  readonly policies: readonly StoredPolicy[];
  readonly lanePolicies: readonly LanePolicy[];
}

/** What a collection stores for the next one. */
export interface CollectionNote {
  /**
   * Layers that were missing from the disk earlier. If still missing, they are no longer loose, and are forgotten if
   * unreferenced.
   */
  readonly absent: readonly LayerId[];
  /**
   * Returns whether a layer's files exist; called inside the transaction. A layer published later becomes loose again
   * when it is recorded or unpinned.
   */
  readonly isThere: (id: LayerId) => boolean;
  /** Layers to mark as not loose, if some lane holds them. */
  readonly held: readonly LayerId[];
  readonly atMs: number;
  /** Whether the whole disk was compared with the metadata. */
  readonly isAll: boolean;
}

export interface EvictRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The state that the decision was based on. A head that has moved or been used since stays. */
  readonly generation: number;
  readonly usedAtMs: number;
  readonly policy: PolicyKey;
  readonly why: string;
  readonly atMs: number;
}

export interface TrimRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** Earlier generations are deleted; the head's own always stays. */
  readonly fromGeneration: number;
  readonly atMs: number;
}

/**
 * The data for collections. Guarantees of every driver, besides those of `Metadata`:
 * - reading a head in a session counts as a use, recorded at most once an hour; sessions of T0 lanes do not count;
 * - `evict` removes a head only if it is unchanged and no open session writes it or pins its layers (or layers
 *   that its squashes replaced). Otherwise it changes nothing and returns false. Generations of the
 *   lane continue, and a volume that a session has open stays;
 * - evicting and trimming leave no references to layers;
 * - a layer becomes loose in the transaction in which a lane drops it, it is recorded without a holder, or its
 *   session closes. It stays loose until `noteCollection`.
 */
export interface CollectionStore {
  /** Returns the facts. The cost depends on due, loose and requested items, not on the size of the store. */
  collectionFacts(question: CollectionQuestion, signal: AbortSignal): Promise<CollectionFacts>;
  /** Returns the directories in the order of their namespaces. */
  ownDirectories(signal: AbortSignal): Promise<readonly OwnDirectory[]>;
  /** Returns when `noteCollection` last reported that everything was compared; null for never. */
  lookedAtMs(signal: AbortSignal): Promise<number | null>;
  noteCollection(note: CollectionNote, signal: AbortSignal): Promise<void>;
  evict(request: EvictRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Calls `use` inside the transaction with the keys that are neither pinned by an open session nor recorded. No
   * other process can pin or record one until it returns. Rethrows what `use` throws.
   */
  amongUnused(keys: readonly Digest[], use: (keys: readonly Digest[]) => void, signal: AbortSignal): Promise<void>;
  /** Returns the number of deleted history records. */
  trimHistory(request: TrimRequest, signal: AbortSignal): Promise<number>;
  /** Returns evictions, newest first. */
  listEvictions(signal: AbortSignal): Promise<readonly Eviction[]>;
  listPolicies(signal: AbortSignal): Promise<readonly StoredPolicy[]>;
  /** Sets a policy; null removes it. The namespace may have no volumes. */
  setPolicy(namespace: Namespace, key: StatedKey, text: string | null, signal: AbortSignal): Promise<void>;
  /** Records since when directories are missing (null: they exist). Ignores unknown directories. */
  noteDirectories(
    directories: readonly Pick<OwnDirectory, 'namespace' | 'goneSinceMs'>[],
    signal: AbortSignal,
  ): Promise<void>;
}
