import type { NamespaceId, RunId, SessionId, VolumeId } from '../../base/ids.ts';
import type { ChainLink } from '../../lanes/chain-link.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { Namespace } from '../../names/namespace.ts';
import type { Compat, Sync, VolumeName } from '../../names/volume.ts';
import type { PolicyTexts } from '../../policy/policy.ts';
import type { Eviction } from './collection-store.ts';
import type { VolumeRecord } from './head-records.ts';
import type { NamespaceRecord } from './namespace-store.ts';
import type { RunRecord } from './run-record.ts';

/** Identifies a directory beyond its path: a new clone at the same path is a different directory. */
export interface DirectoryIdentity {
  /** The real path. */
  readonly path: string;
  /** Device, inode and birth time as one opaque text. */
  readonly identity: string;
}

export interface OpenVolume {
  readonly name: VolumeName;
  readonly compat: Compat;
  readonly tool: string;
  readonly sync: Sync | null;
  /** Nearest first; the session writes the first. */
  readonly chain: readonly ChainLink[];
  /**
   * Whether only the nearest link of other namespaces counts, and only if no nearer link has layers; see
   * `firstSnapshot`.
   */
  readonly firstSnapshot?: boolean;
  /** Whether the session asks for a lock on its own lane. */
  readonly lock: boolean;
  /** The id to use if the namespace has no such volume yet. */
  readonly freshId: VolumeId;
  /** The id to use if the first link's namespace is new and differs from the session's. */
  readonly freshNamespaceId: NamespaceId;
}

export interface OpenSessionRequest {
  readonly sessionId: SessionId;
  readonly run: Omit<RunRecord, 'namespaceId'>;
  readonly namespace: Namespace;
  /** The id to use if the path has no id yet. */
  readonly freshNamespaceId: NamespaceId;
  /**
   * The project's directory; null if unknown. It owns a `local/…` name: if another directory now has the path, the
   * name gets a new id. The old id continues as `<name>~<end of its id>`, for `ns adopt`. So a project without a
   * remote starts cold when CI recreates its directory.
   */
  readonly directory: DirectoryIdentity | null;
  /**
   * The directory's `local/…` name without a remote. Its id is adopted if `namespace` is new and the directory is the
   * same.
   */
  readonly adoptFrom: Namespace | null;
  /**
   * Whether the session may save. If not, it leaves no trace for later runs except that it read a head: no adoption,
   * alias, recorded directory, or change of tool or sharing.
   */
  readonly mayWrite: boolean;
  /** Whether the run sees the volumes' contents, which is then recorded. */
  readonly reads: boolean;
  /** The lane of the default branch, if known; it lives longer than others. Only for sessions that may save. */
  readonly defaultLane?: LaneName | null;
  /**
   * The retention policy of this lane from a file in the repository. Null: none; absent: not read. Only for sessions
   * that may save.
   */
  readonly lanePolicy?: { readonly texts: PolicyTexts; readonly source: string } | null;
  readonly volumes: readonly OpenVolume[];
  /** Absolute mount points in the order of `volumes`, recorded before they are created. */
  readonly targets: readonly string[];
  readonly bootId: string;
  readonly atMs: number;
}

/** One link of the chain at open. Links with an unknown namespace or volume are left out. */
export interface PinnedLink {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  readonly generation: number;
  readonly layers: readonly LayerId[];
}

export interface OpenedVolume {
  readonly volume: VolumeRecord;
  /** The head of the session's own lane; generation 0 and no layers if it does not exist. */
  readonly own: { readonly generation: number; readonly layers: readonly LayerId[] };
  /** Nearest first, including the own lane if it has layers. */
  readonly pinned: readonly PinnedLink[];
  /** If nothing is pinned: the eviction in the nearest lane that had layers, if any. */
  readonly evicted: Eviction | null;
}

export interface OpenedSession {
  readonly namespace: NamespaceRecord;
  /** Whether this open adopted the directory's earlier local namespace. */
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
  /** `RunPlace.token`, once the command has started. */
  readonly place: string | null;
  readonly targets: readonly string[];
  /** Layers that are kept while the session lives. */
  readonly pins: readonly LayerId[];
}

/** A volume opened by a session; it is kept while the session lives. */
export interface SessionVolume {
  readonly session: SessionId;
  readonly volumeId: VolumeId;
  /** The lane that the session locks; null for none. */
  readonly lockedLane: LaneName | null;
}

/** A mount of another session, existing or planned. */
export interface OthersMount {
  readonly path: string;
  /** Whether the session's command has started. Until then the mount may still fail. */
  readonly isStarted: boolean;
}

export interface SessionChange {
  readonly place?: string;
  readonly madeDirs?: readonly string[];
  /** The targets that it mounts at; until set, all of them. */
  readonly mounts?: readonly string[];
  readonly pins?: readonly LayerId[];
}

export interface SessionStore {
  /**
   * Opens a session. Throws E_LOCKED (retryable, names the holder) and changes nothing if another session holds a
   * requested lock.
   */
  openSession(request: OpenSessionRequest, signal: AbortSignal): Promise<OpenedSession>;
  /**
   * Records mount directories about to be created, the command's place, and more layers to pin. A layer pinned before
   * its publication is safe from then on, even if its id was forgotten before.
   */
  updateSession(id: SessionId, change: SessionChange, signal: AbortSignal): Promise<void>;
  /**
   * Forgets the session, and its volumes and namespaces that have no head and no other session. Calls `removeDirs`
   * inside the transaction with mount directories, deepest first, that no other session needs: none is at, above or
   * below another session's target. Removing a mount point detaches it in every mount namespace, so no session may
   * open meanwhile. The callback skips directories that are not empty.
   */
  closeSession(id: SessionId, removeDirs: (dirs: readonly string[]) => void, signal: AbortSignal): Promise<void>;
  /**
   * Calls `use` inside the transaction with the mounts of other sessions. No session can open until it returns. `use`
   * does not throw.
   */
  amongMounts(id: SessionId, use: (mounts: readonly OthersMount[]) => void, signal: AbortSignal): Promise<void>;
  listSessions(signal: AbortSignal): Promise<readonly SessionRecord[]>;
  /** Returns all session volumes in the order of session and volume. */
  listSessionVolumes(signal: AbortSignal): Promise<readonly SessionVolume[]>;
}
