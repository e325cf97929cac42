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

/** What a directory is, apart from its path: a clone that replaced another one at the same path is another directory. */
export interface DirectoryIdentity {
  /** Real path. */
  readonly path: string;
  /** Device, inode and birth time as one opaque text. */
  readonly identity: string;
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
