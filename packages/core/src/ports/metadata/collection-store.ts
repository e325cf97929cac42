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

/** A head, and when it was moved last, or a session read it since; to the hour. */
export interface UsedHead extends HeadRecord {
  readonly usedAtMs: number;
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

/** What a collection wants to know. */
export interface CollectionQuestion {
  /** `due`: only lanes of which something may have to go by now, whatever the sizes are. */
  readonly lanes: 'due' | 'all';
  readonly nowMs: number;
  /** What the person's own file says. */
  readonly user: StatedPolicy;
  /** Names of directories that are gone: their lanes are due. */
  readonly gone: readonly Namespace[];
  /** Asked about beside those that are loose. */
  readonly layers: readonly LayerId[];
  /** Asked about beside those of the lanes. */
  readonly volumes: readonly VolumeId[];
  /** Whose bytes are asked for; null: of none. */
  readonly namespace: Namespace | null;
}

/** Bytes of layers that lanes hold, each counted once for each of these; what is held and not recorded counts for nothing. */
export interface TakenBytes {
  readonly store: number;
  /** A layer counts for the highest level that holds it. */
  readonly levels: Readonly<Partial<Record<TrustLevel, number>>>;
  /** Of the one that was asked for; 0 where none was, or there is none. */
  readonly namespace: number;
}

/**
 * All that decides what may go, as of one moment. A lane holds what its head, its history and its squashes within `limits.revocationMs` name; where that ended by time alone, it may hold it until `forgetLayers`.
 * Lanes are due that `dueRules` find, all of T0, those of directories that are gone, and those that hold something beyond its time.
 */
export interface CollectionFacts {
  /** Whether every head is among `heads`. */
  readonly isWhole: boolean;
  /** Of the volumes, and the one asked for. */
  readonly namespaces: readonly NamespaceRecord[];
  /** Lanes of default branches, as runs said. */
  readonly defaultLanes: ReadonlyMap<NamespaceId, LaneName>;
  /** Of the lanes, and those asked about as far as they are there. */
  readonly volumes: readonly VolumeRecord[];
  /** Of these those that have heads beside `heads`. */
  readonly volumesElsewhere: ReadonlySet<VolumeId>;
  readonly heads: readonly UsedHead[];
  /** Newest first, of each head. */
  readonly history: readonly HistoryRecord[];
  /** Oldest first, of each lane. */
  readonly squashes: readonly LaneSquash[];
  /** Recorded, or named once by a lane or a session, and perhaps not held by any lane now. */
  readonly loose: ReadonlySet<LayerId>;
  /** Of those that are loose, asked about, pinned or named by these lanes: those that other lanes hold. */
  readonly heldElsewhere: ReadonlySet<LayerId>;
  /** Of the layers that are pinned or that these lanes name, as far as they are recorded. */
  readonly sizes: ReadonlyMap<LayerId, number>;
  readonly taken: TakenBytes;
  /** Namespaces that take more than the least that a policy says of any of them, and what they take. */
  readonly crowded: readonly { readonly namespace: NamespaceRecord; readonly takenBytes: number }[];
  /** Levels that have heads. */
  readonly levels: ReadonlySet<TrustLevel>;
  /** Of open sessions. */
  readonly pins: ReadonlySet<LayerId>;
  /** What open sessions have, on the lane that they write. */
  readonly open: readonly { readonly volumeId: VolumeId; readonly lane: LaneName }[];
  readonly policies: readonly StoredPolicy[];
  readonly lanePolicies: readonly LanePolicy[];
}

/** What a collection leaves noted for the next one. */
export interface CollectionNote {
  /** Not found on the disk some time ago. Those that are not there now either are loose no more, and forgotten where nothing refers to them. */
  readonly absent: readonly LayerId[];
  /** Whether files of a layer are there: called inside the transaction. Who publishes one later makes it loose again when it is recorded, or no more pinned. */
  readonly isThere: (id: LayerId) => boolean;
  /** Loose no more, if some lane holds them. */
  readonly held: readonly LayerId[];
  readonly atMs: number;
  /** Whether all that lies on the disk was compared with the metadata. */
  readonly isAll: boolean;
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
  readonly atMs: number;
}

/**
 * What a collection goes by. Guarantees of every driver, beside those of `Metadata`:
 * - a session that reads a head is a use of it, written down at most once an hour; a session of a T0 lane is none;
 * - `evict` takes away a head that no open session pins a layer of (also one that a squash replaced) or has open to write, and that is as it was: else it changes nothing and says false;
 *   the generations of its lane go on where they were, and a volume stays that some session has open;
 * - what is evicted, and trimmed, leaves no reference to a layer behind;
 * - a layer that a lane lets go of, or that is recorded and held by none, is loose in the same transaction, and so are the pins of a session that is closed; what is loose stays so until `noteCollection`.
 */
export interface CollectionStore {
  /** Costs what is due, loose and asked about, not what else is known. */
  collectionFacts(question: CollectionQuestion, signal: AbortSignal): Promise<CollectionFacts>;
  /** In the order of their namespaces. */
  ownDirectories(signal: AbortSignal): Promise<readonly OwnDirectory[]>;
  /** When `noteCollection` said last that all was looked at; null: never. */
  lookedAtMs(signal: AbortSignal): Promise<number | null>;
  noteCollection(note: CollectionNote, signal: AbortSignal): Promise<void>;
  evict(request: EvictRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Calls `use` with those of `keys`, of layers or derived layers, that no open session pins and that are not recorded, inside the transaction: nobody can pin or record one meanwhile, and who does so later finds what `use` did to it. What `use`
   * throws is thrown.
   */
  amongUnused(keys: readonly Digest[], use: (keys: readonly Digest[]) => void, signal: AbortSignal): Promise<void>;
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
