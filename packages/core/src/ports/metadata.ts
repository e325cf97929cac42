import type { NamespaceId, RunId, SessionId, VolumeId } from '../ids.ts';
import type { LayerId } from '../layers/entry.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';
import type { RunRecord } from './run-record.ts';
import type { RevocationStore } from './revocation-store.ts';
import type { SquashRecord } from '../snapshots/squashes.ts';
import type { PolicyTexts } from '../policy/policy.ts';
import type { CatalogStore } from './catalog-store.ts';
import type { CollectionStore, Eviction } from './collection-store.ts';
import type { GrowthStore } from './growth-store.ts';
import type { NamespaceRecord, NamespaceStore } from './namespace-store.ts';
import type { SharingStore } from './sharing-store.ts';
import type { Sync } from './tool.ts';

/** What a directory is, apart from its path: a clone that replaced another one at the same path is another directory. */
export interface DirectoryIdentity {
  /** Real path. */
  readonly path: string;
  /** Device, inode and birth time as one opaque text. */
  readonly identity: string;
}

export interface VolumeRecord {
  readonly id: VolumeId;
  readonly namespaceId: NamespaceId;
  readonly name: VolumeName;
  readonly compat: Compat;
  /** The tool whose rules made its layers; an attribute, never identity. Until there is a head, that of the last one who opened it to write. */
  readonly tool: string;
  /** Whether it is shared, as the last one said who opened it to write; an attribute, never identity. Null: nobody said, and its tool's own rule decides. */
  readonly sync: Sync | null;
  readonly createdAtMs: number;
}

export interface HeadRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** 1 for the first commit; grows by 1 with each move. */
  readonly generation: number;
  /** Top first. */
  readonly layers: readonly LayerId[];
  readonly updatedAtMs: number;
  /** The run that moved it last. */
  readonly run: RunId;
}

export interface LayerCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly sizeBytes: number;
}

/** One move of a head; kept for `limits.historyGenerations` and `limits.historyMs`. */
export interface HistoryRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly generation: number;
  /** What the head was after the move. */
  readonly layers: readonly LayerId[];
  /** The layer that was pushed; null for a move that only took layers away. */
  readonly layer: LayerId | null;
  readonly run: RunId;
  readonly atMs: number;
  readonly counts: LayerCounts;
}

export interface LayerRecord {
  readonly id: LayerId;
  /** That whose run saved it; others may name it as well, and it may be gone. */
  readonly volumeId: VolumeId;
  readonly run: RunId;
  readonly counts: LayerCounts;
  /** Files and symlinks that it holds: neither directories nor what it takes away. */
  readonly files: number;
  readonly sealedAtMs: number;
  /** The boot during which it was written: after another one an unsettled layer is verified before use. */
  readonly bootId: string;
}

/** A lane of a namespace, as a read chain lists it. */
export interface ChainLink {
  readonly namespace: Namespace;
  readonly lane: LaneName;
}

export interface OpenVolume {
  readonly name: VolumeName;
  readonly compat: Compat;
  readonly tool: string;
  readonly sync: Sync | null;
  /** Nearest first; the first is the lane that the session writes. */
  readonly chain: readonly ChainLink[];
  /** Of the chain's links in other namespaces only the nearest counts, and only where nothing nearer has anything: see `firstSnapshot`. */
  readonly firstSnapshot?: boolean;
  /** Whether the session wants the own lane for itself, as far as others want it so. */
  readonly lock: boolean;
  /** Used where the namespace has no such volume yet. */
  readonly freshId: VolumeId;
  /** Used where the first link's namespace has no id yet and is not the session's own. */
  readonly freshNamespaceId: NamespaceId;
}

export interface OpenSessionRequest {
  readonly sessionId: SessionId;
  readonly run: Omit<RunRecord, 'namespaceId'>;
  readonly namespace: Namespace;
  /** Used where the path has no id yet. */
  readonly freshNamespaceId: NamespaceId;
  /**
   * The project's directory; null where it is unknown. It says whose a `local/…` name is: when another directory stands at the
   * path, the name gets a new id, and the old one goes on under `<name>~<end of its id>`, for `ns adopt`. So a project
   * without a remote whose directory is made anew each time, as CI does, starts cold.
   */
  readonly directory: DirectoryIdentity | null;
  /** The `local/…` name this directory has without a remote: its id is adopted where `namespace` is new and the directory is the same. */
  readonly adoptFrom: Namespace | null;
  /**
   * Whether the session may save. Without it, it leaves no trace that a later run could see: nothing is adopted, no name moves,
   * no directory is recorded, and no tool nor what is said of sharing changes. That it read a head is noted all the same.
   */
  readonly mayWrite: boolean;
  /** Whether its run sees what the volumes hold: what that is stays noted. */
  readonly reads: boolean;
  /** The lane of the namespace's default branch, where that is known: it lives longer than others. Only of a session that may save. */
  readonly defaultLane?: LaneName | null;
  /** What a file in the repository says of how long this lane lives, and how large it may be; likewise. Null: nothing; left out: it was not looked at. */
  readonly lanePolicy?: { readonly texts: PolicyTexts; readonly source: string } | null;
  readonly volumes: readonly OpenVolume[];
  /** Absolute mount points, recorded before they are made, in the order of `volumes`. */
  readonly targets: readonly string[];
  readonly bootId: string;
  readonly atMs: number;
}

/** One link of the chain as it was at open; links whose namespace or volume is unknown are left out. */
export interface PinnedLink {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  readonly generation: number;
  readonly layers: readonly LayerId[];
}

export interface OpenedVolume {
  readonly volume: VolumeRecord;
  /** The head of the session's own lane; generation 0 and no layers where there is none. */
  readonly own: { readonly generation: number; readonly layers: readonly LayerId[] };
  /** Nearest first, own lane included where it has layers. */
  readonly pinned: readonly PinnedLink[];
  /** Where nothing is pinned: what was taken away of the nearest lane that had something; null where nothing was. */
  readonly evicted: Eviction | null;
}

export interface OpenedSession {
  readonly namespace: NamespaceRecord;
  /** True when this open adopted the directory's earlier local namespace. */
  readonly adopted: boolean;
  readonly volumes: readonly OpenedVolume[];
}

export interface SessionRecord {
  readonly id: SessionId;
  readonly run: RunId;
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly bootId: string;
  readonly openedAtMs: number;
  /** `RunPlace.token`, once the command was started. */
  readonly place: string | null;
  readonly targets: readonly string[];
  /** Layers that must not go while the session lives. */
  readonly pins: readonly LayerId[];
}

/** A volume that a session opened: it does not go while the session lives. */
export interface SessionVolume {
  readonly session: SessionId;
  readonly volumeId: VolumeId;
  /** The lane that it has for itself, as far as others want it so; null: none. */
  readonly lockedLane: LaneName | null;
}

/** Where another session has a mount, or is about to. */
export interface OthersMount {
  readonly path: string;
  /** Whether its command was started; before, it may turn out that nothing can be mounted. */
  readonly isStarted: boolean;
}

export interface SessionChange {
  readonly place?: string;
  readonly madeDirs?: readonly string[];
  /** Those of its targets that it mounts at; all of them until this is said. */
  readonly mounts?: readonly string[];
  readonly pins?: readonly LayerId[];
}

export interface CommitRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The generation that the caller saw; 0 for none. */
  readonly expectedGeneration: number;
  /** The head after the move, top first. */
  readonly layers: readonly LayerId[];
  /** The pushed layer, already published; null when layers are only taken away. */
  readonly layer: LayerRecord | null;
  /** Other layers that the head did not name before: made of some of its own by taking entries out, or come from a remote; published too. */
  readonly rewritten?: readonly LayerRecord[];
  /** Those that layers from a remote name; known ones stay as they are. They are kept as runs are that saved something. */
  readonly runs?: readonly RunRecord[];
  /** What the head has in common with its counterpart in a remote after the move. */
  readonly synced?: SyncedChange;
  /** Layers that leave the head because their content is gone here: no remote is to lose them for that. They leave the head's records, and `synced`. */
  readonly lost?: readonly LayerId[];
  /** Runs with a part in what the head comes to name: E_LAYER_REFUSED, having changed nothing, where one of them is revoked for the volume's namespace. */
  readonly origins?: Iterable<RunId>;
  readonly run: RunId;
  readonly counts: LayerCounts;
  readonly atMs: number;
}

export type CommitResult =
  | { readonly kind: 'moved'; readonly head: HeadRecord }
  | { readonly kind: 'conflict'; readonly head: HeadRecord | null };

/** A remote as it calls itself, wherever it is reached: 32 hex characters that its first user wrote into it. */
export type RemoteId = string & { readonly __remoteId: unique symbol };

/**
 * Layers that a head here and its counterpart in a remote have both named, as of their last comparison: what one of them lacks now was taken
 * out there, and what only one has is new.
 */
export interface SyncedHead {
  readonly remote: RemoteId;
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** In byte order. */
  readonly layers: readonly LayerId[];
  /** 1 for the first record; grows by 1 with each change. */
  readonly revision: number;
  readonly atMs: number;
}

/** Moves a record by compare-and-swap: several processes sync at once. */
export interface SyncedChange {
  readonly remote: RemoteId;
  readonly layers: readonly LayerId[];
  /** What the remote knows of squashes of this lane: from then on it is known here. */
  readonly squashes?: readonly SquashRecord[];
  /** The revision that the caller saw; 0 for none. */
  readonly expectedRevision: number;
}

export interface HeadStore {
  head(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<HeadRecord | undefined>;
  commit(request: CommitRequest, signal: AbortSignal): Promise<CommitResult>;
  /** Newest first. */
  history(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly HistoryRecord[]>;
  listHeads(signal: AbortSignal): Promise<readonly HeadRecord[]>;
  /** As {@link listHeads}, of these volumes: costs what they have, whatever else the store has. */
  headsOf(volumes: readonly VolumeId[], signal: AbortSignal): Promise<readonly HeadRecord[]>;
  volume(id: VolumeId, signal: AbortSignal): Promise<VolumeRecord | undefined>;
  listVolumes(signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** As {@link listVolumes}, of one namespace: costs what that has, whatever else the store has. */
  volumesOf(namespaceId: NamespaceId, signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** As it was saved first, whoever names it by now: see {@link volumesHolding}. */
  layer(id: LayerId, signal: AbortSignal): Promise<LayerRecord | undefined>;
  /** Volumes of which some lane holds the layer, in the order of their ids. */
  volumesHolding(id: LayerId, signal: AbortSignal): Promise<readonly VolumeId[]>;
  run(id: RunId, signal: AbortSignal): Promise<RunRecord | undefined>;
  /** Deletes the volume's heads (of one lane, or all), their history, and the volume itself when no head is left; one that is locked goes with the session that locks it. Layers become unreferenced. */
  removeVolume(volumeId: VolumeId, lane: LaneName | null, signal: AbortSignal): Promise<void>;
  /** Layers that some head, history row or squash within its window, or live session refers to. */
  referencedLayers(nowMs: number, signal: AbortSignal): Promise<ReadonlySet<LayerId>>;
  /**
   * In one transaction: of `candidates`, forgets and returns those that nothing refers to at this moment, and drops expired history and squashes.
   * Once returned, no later open or commit can refer to them.
   */
  forgetLayers(candidates: readonly LayerId[], nowMs: number, signal: AbortSignal): Promise<readonly LayerId[]>;
}

export interface SquashRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The squash, already published. */
  readonly layer: LayerRecord;
  /** What it replaces, top first. */
  readonly layers: readonly LayerId[];
  readonly atMs: number;
}

export interface SquashStore {
  /** Squashes that are known of a lane, whether the head names them or not. Forgotten by `forgetLayers`, see `expireSquashes`. */
  squashes(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly SquashRecord[]>;
  /**
   * Puts a squash in the place of what it replaces, wherever the head is by now; its generation, and its history, stay as they are, since readers find the same. Undefined, having changed nothing, where the
   * head does not name those layers side by side. Replaced layers stay referenced for `limits.revocationMs`. Errors: E_LAYER_MISSING where the squash was forgotten before.
   */
  squash(request: SquashRequest, signal: AbortSignal): Promise<HeadRecord | undefined>;
}

export interface SessionStore {
  /** E_LOCKED (retryable, its message names the holder), having changed nothing, while another session has a lock that this one asks for. */
  openSession(request: OpenSessionRequest, signal: AbortSignal): Promise<OpenedSession>;
  /**
   * Records directories that are about to be made to mount on, the place of the command, and layers to pin beside those of open. What is pinned before it is
   * published is safe from then on, also if a layer of that id was forgotten once.
   */
  updateSession(id: SessionId, change: SessionChange, signal: AbortSignal): Promise<void>;
  /**
   * Forgets the session, and its volumes and namespaces that have no head and that no other session opened. `removeDirs` gets the directories that it (or an earlier one) made to mount on and that no other
   * session needs: neither at, above nor below one of its targets. It is called inside the transaction, so that no session can open meanwhile:
   * removing a mount point detaches it in every mount namespace. Deepest first; the callback skips what is not empty.
   */
  closeSession(id: SessionId, removeDirs: (dirs: readonly string[]) => void, signal: AbortSignal): Promise<void>;
  /**
   * Calls `use` with the places where sessions other than this one mount, inside the transaction: no session can open meanwhile, and what `use` does to a
   * directory is there for those that open later. `use` does not throw.
   */
  amongMounts(id: SessionId, use: (mounts: readonly OthersMount[]) => void, signal: AbortSignal): Promise<void>;
  listSessions(signal: AbortSignal): Promise<readonly SessionRecord[]>;
  /** In the order of session and volume. */
  listSessionVolumes(signal: AbortSignal): Promise<readonly SessionVolume[]>;
}

export interface SyncStore {
  syncedHead(
    remote: RemoteId,
    volumeId: VolumeId,
    lane: LaneName,
    signal: AbortSignal,
  ): Promise<SyncedHead | undefined>;
  /** Of all remotes, or of one; in the order of remote, volume id and lane. */
  listSyncedHeads(remote: RemoteId | null, signal: AbortSignal): Promise<readonly SyncedHead[]>;
  /** Without moving the head, which need not be there. False, having changed nothing, where the record is not at that revision. E_NOT_FOUND without the volume. */
  recordSynced(request: RecordSyncedRequest, signal: AbortSignal): Promise<boolean>;
}

export interface RecordSyncedRequest extends SyncedChange {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly atMs: number;
}

/**
 * Namespaces, volumes, heads, sessions. Guarantees of every driver:
 * - each method is one atomic, isolated, durable transaction; after a crash it happened or it did not;
 * - `commit` moves a head only from `expectedGeneration` and only to layers that `layer`, an earlier commit or a pin of this store recorded;
 * - of the sessions that ask for a lock on a lane of a volume, one at a time is open; its lock goes with it;
 * - `openSession` records pins in the same transaction that reads the heads: nothing pinned can be collected;
 * - methods may be called by many processes at once;
 * - `commit` with `synced` moves both or none: a head that stands still conflicts where the record moved;
 * - records of what is synced go when their lane is removed, with a head or without, and with their volume;
 * - the metadata never refer to a layer that was not published before `commit` was called (the caller's duty, checked by tests).
 * Errors: E_STORE_BUSY (retryable), E_STORE_CORRUPT, E_STORE_NEWER, E_DISK_FULL, E_NOT_FOUND, E_ABORTED.
 */
export interface Metadata
  extends
    NamespaceStore,
    HeadStore,
    SquashStore,
    RevocationStore,
    SessionStore,
    SyncStore,
    CollectionStore,
    GrowthStore,
    SharingStore,
    CatalogStore,
    AsyncDisposable {}
