import type { RunId, SessionId, VolumeId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { ChangeSet } from './change-set.ts';
import type { StoredLayer } from './layer-store.ts';
import type { OthersMount, PinnedLink } from './metadata/session-store.ts';
import type { Mount } from './mount.ts';
import type { Survivor } from './runtime.ts';

export const mounterNames = ['overlay', 'clone', 'live'] as const;
/**
 * `overlay`: an overlay mount that only the command sees; the run's writes go to the upper directory. `clone`: a private directory for
 * the run. `live`: one directory that all runs of a lane share.
 */
export type MounterName = (typeof mounterNames)[number];

/** The reason for the default choice, `overlay`. Reporters do not show it. */
export const usualMounterWhy = 'volumes can be mounted here';

/**
 * How runs share a volume. `PRIVATE`: each run has its own view, merged at the end. `SHARED`: all runs of a lane on this machine use
 * one directory. `LOCKED`: the runs of a lane take turns.
 */
export const sharingModes = ['PRIVATE', 'SHARED', 'LOCKED'] as const;
export type SharingMode = (typeof sharingModes)[number];

/**
 * How the command reaches a directory elsewhere: a tool `setting`, a `bind` mount that only the command sees, or a `symlink` at the
 * target. All processes see a symlink, and it can replace only a missing or empty directory.
 */
export type Reach = 'setting' | 'bind' | 'symlink';

export interface AttachRequest {
  readonly sessionId: SessionId;
  /** Distinguishes the volumes of one session. */
  readonly ordinal: number;
  /** Top first; may be empty (a cold cache). */
  readonly view: readonly StoredLayer[];
  /** The layers of the view; recorded with a directory that several runs share. */
  readonly links: readonly PinnedLink[];
  readonly target: string;
  readonly reach: Reach;
  readonly run: RunId;
  /** Identifies the directory that later runs may reuse; null: the directory is deleted after this run. */
  readonly kept: KeptFor | null;
  /**
   * Calls `use` with the mounts of other sessions, and blocks new sessions until it returns. Replacing a directory with a symlink
   * detaches mounts on it in other mount namespaces.
   */
  readonly amongMounts: (use: (mounts: readonly OthersMount[]) => void) => Promise<void>;
  /** A project directory. Hard links work only if the volume is on the same mount. */
  readonly near: string;
  /**
   * Whether to report the files that the command reads ({@link CollectedChanges.used}), if this driver can see them. In a private
   * directory, file times far in the future are lowered so that the tool refreshes them on use, which then counts as a change.
   */
  readonly looks: boolean;
  /**
   * Whether a private directory may reuse the path of earlier runs, for tools that record the path of their cache. A path is not reused
   * while a process of an earlier run survives. If false, each run gets a new path, so stale processes cannot write to it.
   */
  readonly samePath: boolean;
  /**
   * Returns whether a path is never saved for a reason other than secrecy. A shared directory keeps such files between runs because the
   * tool may need them, such as a list of the projects that link to it.
   */
  readonly isNeverSaved: (path: BytePath, isDirectory: boolean) => boolean;
}

export interface KeptFor {
  readonly volume: VolumeId;
  /** Identifies the volume even after it was deleted and created again. */
  readonly key: string;
  readonly lane: LaneName;
}

export interface CollectHow {
  /** Processes that can write are still running, so collect from a copy: the store moves the files that it gets. */
  readonly inUse: boolean;
  /** Whether to save this run's changes. A shared directory cannot tell them from the changes of other runs. */
  readonly wanted: boolean;
}

export type Collected =
  /** No run with changes in the directory asked to save them. */
  | { readonly kind: 'unwanted' }
  | CollectedChanges
  /** Other runs still use the directory. The last one collects for all. */
  | {
      readonly kind: 'shared';
      readonly others: number;
      /** Whether this run or an earlier one asked to save the contents; they are then saved even if the other runs fail. */
      readonly isWanted: boolean;
    };

/** What replaced the symlink to the volume: nothing, or something that the command created. */
export type Displaced = 'nothing' | 'directory' | 'something else';

export interface CollectedChanges {
  readonly kind: 'changes';
  readonly changes: ChangeSet;
  /** The base of the changes: the request's links, unless earlier runs left unsaved changes in a shared directory. */
  readonly links: readonly PinnedLink[];
  /** Other runs that may have made some of the changes. */
  readonly alsoOf: readonly RunId[];
  /** Files of the view that were used; null if not requested or not known. */
  readonly used: readonly UsedFile[] | null;
  /** Null if the changes are complete. Otherwise other runs still use the directory, and only finished files are saved. */
  readonly part: CollectedPart | null;
  /**
   * Marks the changes as saved; until then the next run finds them unsaved. For a part, `part` names the saved paths and the new base of
   * the remaining changes.
   */
  saved(part?: SavedPart): void;
}

/** A file of the view that was read or linked. */
export interface UsedFile {
  readonly path: BytePath;
  /** Time of use in milliseconds since 1970; null: some time during this run. */
  readonly atMs: number | null;
}

/** A partial save. It skips files that are open for writing or changed a moment ago. Databases are read first, each in one transaction. */
export interface CollectedPart {
  readonly others: number;
  /** Returns whether a found file is unchanged. */
  isAsFound(path: BytePath): boolean;
  /** Returns whether the content read so far is no newer than the scan. Databases are read from a copy. */
  isReadAsFound(path: BytePath): boolean;
}

export interface SavedPart {
  readonly links: readonly PinnedLink[];
  readonly taken: ReadonlySet<BytePath>;
  /** Whether these are all the changes that were found. */
  readonly isAll: boolean;
}

export interface AttachedVolume<M extends Mount = Mount> {
  readonly mount: M;
  /** The contents that the command sees: the request's links, unless a shared directory has other or unsaved changes. */
  readonly links: readonly PinnedLink[];
  /** Directories that attach created for the target, outermost first. The session removes them. */
  readonly madeDirs: readonly string[];
  /** Processes of earlier runs that still use the directory that this run would have reused. */
  readonly passedOver: readonly Survivor[];
  /**
   * Returns null while the target leads to the volume. A command can remove a symlink (not a mount point); later writes there do not
   * reach the volume.
   */
  displacedBy(): Displaced | null;
  /** Returns the changes. Call it after the last process that can write has ended, or with `inUse`. */
  collect(signal: AbortSignal, how: CollectHow): Promise<Collected>;
  /** Deletes everything that attach created and that the store did not take. Idempotent. */
  release(signal: AbortSignal): Promise<void>;
}

/**
 * Attaches a view for a command and finds the changes. Guarantees of every driver:
 * - the layers of the view never change;
 * - changes are found exactly;
 * - attached volumes never see each other's changes, except in a driver that shares a directory;
 * - known processes that outlived an earlier run cannot write to a new volume;
 * - nothing outside the home and the target is touched.
 */
export interface Mounter<M extends Mount = Mount> {
  readonly name: MounterName;
  /**
   * Returns the directories (and the symlink) that `attach` would create for the target, outermost first. Callers record them first, so
   * a kill leaves none behind. Empty if the volume cannot be attached; `attach` reports why.
   */
  missingDirs(target: string, reach: Reach): readonly string[];
  /** Errors: E_MOUNT_POINT (the target is a file or cannot be made), E_MOUNT (cannot work here; the hint says what to do), E_DISK_FULL, E_ABORTED. */
  attach(request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume<M>>;
  /**
   * Removes directories and symlinks that attach created, deepest first. Skips paths that are not empty, busy, foreign or gone.
   * Synchronous: it runs inside the metadata transaction that blocks new mounts.
   */
  removeTargets(dirs: readonly string[]): void;
  /** Returns the kept directories that no run uses now. */
  listKept(signal: AbortSignal): Promise<readonly KeptDirectory[]>;
  /** Returns the kept directories that sessions use. Some of the sessions may be dead. */
  listUsed(signal: AbortSignal): Promise<readonly UsedDirectory[]>;
  /** Deletes kept directories, except those that a run has taken since. Only unsaved changes in a shared directory are lost. */
  removeKept(directories: readonly KeptDirectory[], signal: AbortSignal): Promise<void>;
  /** Returns the sessions with attached volumes. Some of them may be dead. */
  sessions(signal: AbortSignal): Promise<readonly SessionId[]>;
  /** Deletes what the volumes of a dead session left behind. Idempotent; never called while the session's lease is held. */
  discardSession(sessionId: SessionId, signal: AbortSignal): Promise<void>;
}

/** A directory that is kept between the runs of a volume's lane. */
export interface KeptDirectory {
  readonly volume: VolumeId;
  readonly lane: LaneName;
  /** Absolute. */
  readonly dir: string;
  readonly usedAtMs: number;
  /** Whether it holds unsaved changes of successful runs, which the next run saves. */
  readonly hasUnsaved: boolean;
}

/** A kept directory that a session uses. A shared directory is listed once for each session. */
export interface UsedDirectory {
  readonly session: SessionId;
  readonly volume: VolumeId;
  readonly lane: LaneName;
  /** Absolute path of the kept directory. */
  readonly dir: string;
}

/** One mounter for each name. The machine, the tool and the user decide which one a volume gets. */
export type Mounters = Readonly<Record<MounterName, Mounter>>;
