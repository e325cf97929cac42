import type { RunId, SessionId, VolumeId } from '../ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../layers/digest.ts';
import type { StoredLayer } from './layer-store.ts';
import type { OthersMount, PinnedLink } from './metadata.ts';

export const mounterNames = ['overlay', 'clone', 'live'] as const;
/**
 * `overlay`: the layers below, what the run writes above, mounted where the command alone sees it. `clone`: a directory of the run's
 * own. `live`: one directory that all runs of a lane write at once.
 */
export type MounterName = (typeof mounterNames)[number];

/** Why a volume gets `overlay` where nothing speaks for another way. What is as usual is not worth a word to people. */
export const usualMounterWhy = 'volumes can be mounted here';

/**
 * Who may be at work in a volume at once: `PRIVATE` (each run in a view of its own, merged at the end), `SHARED` (all runs of a
 * lane on this machine in one directory), `LOCKED` (one run of a lane after the other).
 */
export const sharingModes = ['PRIVATE', 'SHARED', 'LOCKED'] as const;
export type SharingMode = (typeof sharingModes)[number];

/** A layer that lies in an image of a file system (EROFS). Absolute paths. */
export interface LayerImage {
  readonly file: string;
  /** An empty directory: where the layer is to be found while its image is mounted. */
  readonly dir: string;
}

/** How a runtime is to make a volume visible to the command. */
export interface OverlayMount {
  readonly kind: 'overlay';
  /** Absolute path where the command sees the volume. */
  readonly target: string;
  /** Top first, at least one; absolute. */
  readonly lowerDirs: readonly string[];
  /**
   * Of those lower directories that are empty until an image is mounted there: before the overlay, read-only, where the command and
   * what it starts alone see it, so that none is left when the last of them is gone, however it went. Not every machine and user
   * can do that.
   */
  readonly images: readonly LayerImage[];
  readonly upperDir: string;
  readonly workDir: string;
}

/** A directory that is there for the command, which may be told to look there, or finds it by a symlink. */
export interface DirectoryMount {
  readonly kind: 'directory';
  /** Absolute path where the command would have looked. */
  readonly target: string;
  /** Absolute path of the directory with the volume's contents. */
  readonly path: string;
  /** Whether the runtime is to show it at the target; else nothing has to be mounted. */
  readonly bind: boolean;
}

export type Mount = OverlayMount | DirectoryMount;

/**
 * How the command gets to a directory that lies elsewhere: by a `setting` of the tool; by a `bind` mount that the command alone sees;
 * where nothing can be mounted, by a `symlink` at the target, which everybody sees and only a missing or empty directory can give
 * way to.
 */
export type Reach = 'setting' | 'bind' | 'symlink';

/** One difference between what the run saw at attach and what it left behind. */
export type Change =
  | {
      readonly kind: 'file';
      readonly path: BytePath;
      readonly mode: number;
      readonly mtimeNs: bigint;
      readonly sizeBytes: number;
    }
  /** `replaces`: what lay below this directory before is gone (it was removed and made anew). */
  | {
      readonly kind: 'dir';
      readonly path: BytePath;
      readonly mode: number;
      readonly mtimeNs: bigint;
      readonly replaces: boolean;
    }
  | { readonly kind: 'symlink'; readonly path: BytePath; readonly mtimeNs: bigint; readonly target: Uint8Array }
  | { readonly kind: 'removed'; readonly path: BytePath }
  /** Sockets, pipes, devices: seen, never kept. */
  | { readonly kind: 'special'; readonly path: BytePath; readonly what: 'socket' | 'fifo' | 'device' };

/**
 * What a run changed. Directories that were only touched because something below them changed may appear; the reader
 * compares with the view. Reading is synchronous: promise-based file access is three to four times slower, and a first
 * save reads 120k files.
 */
export interface ChangeSet {
  /** Parents before children; otherwise any order. Never the root. */
  readonly changes: readonly Change[];
  /** The change at exactly this path. */
  find(path: BytePath): Change | undefined;
  /** Content of a changed file. */
  read(path: BytePath): Uint8Array;
  readHead(path: BytePath, count: number): Uint8Array;
  /** SHA-256 of a changed file's content. */
  digest(path: BytePath): Digest;
  /** The directory that holds the changes as files, in the mounter's form; null in memory. */
  readonly dir: string | null;
  /** Whether the store may take that directory over; else it copies. */
  readonly movable: boolean;
}

export interface AttachRequest {
  readonly sessionId: SessionId;
  /** Distinguishes the volumes of one session. */
  readonly ordinal: number;
  /** Top first; may be empty (a cold cache). */
  readonly view: readonly StoredLayer[];
  /** What the view is composed of; noted with a directory that several runs share. */
  readonly links: readonly PinnedLink[];
  readonly target: string;
  readonly reach: Reach;
  readonly run: RunId;
  /** Whose directory may be handed on from run to run; null: nothing outlives this one. */
  readonly kept: KeptFor | null;
  /**
   * Calls `use` at once with the places where others mount; nobody comes to mount anywhere until it returns. Only for what a mount elsewhere would suffer from: a
   * directory that gives way to a symlink takes along what is mounted on it in other mount namespaces.
   */
  readonly amongMounts: (use: (mounts: readonly OthersMount[]) => void) => Promise<void>;
  /** A directory of the project: hard links need the volume on its mount. */
  readonly near: string;
  /**
   * What the command reads is to be told ({@link CollectedChanges.used}), as far as this driver can see it. A directory that is made for this run alone gives files whose time lies far in the
   * future one that their tool refreshes when it uses them: then that is a change.
   */
  readonly looks: boolean;
  /**
   * What is never saved, and is no secret. A directory that runs share keeps it from one run to the next: the tool may need it there (a list
   * of the projects that link to it).
   */
  readonly isNeverSaved: (path: BytePath, isDirectory: boolean) => boolean;
}

export interface KeptFor {
  readonly volume: VolumeId;
  /** Names the volume also after it went for want of a head, and came again. */
  readonly key: string;
  readonly lane: LaneName;
}

export interface CollectHow {
  /** Processes that can write are left: work on a copy, since the store takes over what it is given. */
  readonly inUse: boolean;
  /** Whether this run's work is to be saved; a directory that others share tells it from theirs no more. */
  readonly wanted: boolean;
}

export type Collected =
  /** Nobody whose work is in the directory wants it saved. */
  | { readonly kind: 'unwanted' }
  | CollectedChanges
  /** Other runs are still at work in the directory: the last of them collects for all. */
  | {
      readonly kind: 'shared';
      readonly others: number;
      /** Somebody who left, this run or an earlier one, wants what is there saved: so it will be, whatever becomes of the others. */
      readonly isWanted: boolean;
    };

/** What stands where a symlink led to the volume: nothing, or something that the command put there. */
export type Displaced = 'nothing' | 'directory' | 'something else';

export interface CollectedChanges {
  readonly kind: 'changes';
  readonly changes: ChangeSet;
  /** What they are changes to: the request's links, but where runs that came before left work in a directory that is shared. */
  readonly links: readonly PinnedLink[];
  /** Other runs that may have made some of them. */
  readonly alsoOf: readonly RunId[];
  /** Files of the view that were used, where that was asked for and can be seen; null: nothing can be told. */
  readonly used: readonly UsedFile[] | null;
  /** Null: all that was done. Else others go on working there, for so long that what they have finished is saved without them. */
  readonly part: CollectedPart | null;
  /**
   * To be called once they are saved, or mean nothing: until then whoever comes next finds them unsaved. Of a part: which paths those
   * are, and what the rest are changes to from now on.
   */
  saved(part?: SavedPart): void;
}

/** A file as it was in the view, that somebody read, or linked to. */
export interface UsedFile {
  readonly path: BytePath;
  /** When, in milliseconds since 1970; null: while this run had the volume. */
  readonly atMs: number | null;
}

/** The changes of a part are those that nobody has open for writing, or made a moment ago. Databases are read as of one transaction, and before all else. */
export interface CollectedPart {
  readonly others: number;
  /** Whether a file that was found is still the same. */
  isAsFound(path: BytePath): boolean;
  /** Whether what was read of it until now is of the moment when the files were looked for, or before: a database is read from its copy. */
  isReadAsFound(path: BytePath): boolean;
}

export interface SavedPart {
  readonly links: readonly PinnedLink[];
  readonly taken: ReadonlySet<BytePath>;
  /** Whether nothing but these was found. */
  readonly isAll: boolean;
}

export interface AttachedVolume<M extends Mount = Mount> {
  readonly mount: M;
  /** What the command finds: the request's links, but in a directory where others are at work, or left work that is not saved. */
  readonly links: readonly PinnedLink[];
  /** Directories that attach had to make for the target to exist, outermost first; removing them is the session's business. */
  readonly madeDirs: readonly string[];
  /**
   * Null while the target leads to the volume. A mount point cannot be removed, a symlink can: what the command writes there from
   * then on is not in the volume.
   */
  displacedBy(): Displaced | null;
  /** Call after the last process of the run that could write is gone, or with `inUse`. */
  collect(signal: AbortSignal, how: CollectHow): Promise<Collected>;
  /** Frees what attach made and what collect's reader did not take. Idempotent. */
  release(signal: AbortSignal): Promise<void>;
}

/**
 * Makes a view usable and finds what changed. Guarantees of every driver: the view's layers are never altered; changes are found
 * exactly; two attached volumes never see each other's changes (but where sharing is what the driver is for); nothing outside
 * the home and the target is touched.
 */
export interface Mounter<M extends Mount = Mount> {
  readonly name: MounterName;
  /**
   * Directories (and the symlink) that `attach` would have to make for the target to exist, outermost first: whoever records them before they
   * are made loses none to a kill. Empty where nothing can be attached; `attach` says why.
   */
  missingDirs(target: string, reach: Reach): readonly string[];
  /** Errors: E_MOUNT_POINT (the target is a file or cannot be made), E_MOUNT (cannot work here, with the mend in the hint), E_DISK_FULL, E_ABORTED. */
  attach(request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume<M>>;
  /**
   * Removes directories and symlinks that attach had made, deepest first; skips what is not empty, busy, somebody else's or gone. Synchronous: it is called inside
   * the metadata transaction that makes sure nobody mounts there meanwhile.
   */
  removeTargets(dirs: readonly string[]): void;
  /** Directories that are kept and that no run uses at this moment; none for a driver that keeps none. */
  listKept(signal: AbortSignal): Promise<readonly KeptDirectory[]>;
  /** Kept directories that sessions are at work in; some of these may be dead. None for a driver that keeps none. */
  listUsed(signal: AbortSignal): Promise<readonly UsedDirectory[]>;
  /** Removes them, those that a run took meanwhile left out. Nothing is lost: the layers have what they held, but for work of a shared directory that nobody saved yet. */
  removeKept(directories: readonly KeptDirectory[], signal: AbortSignal): Promise<void>;
  /** Sessions that something attached is noted for; some of them may be dead. */
  sessions(signal: AbortSignal): Promise<readonly SessionId[]>;
  /** Frees what attached volumes of a dead session left behind. Idempotent; never called while the session's lease is held. */
  discardSession(sessionId: SessionId, signal: AbortSignal): Promise<void>;
}

/** What outlives the runs of a volume's lane in a directory that is kept. */
export interface KeptDirectory {
  readonly volume: VolumeId;
  readonly lane: LaneName;
  /** Absolute. */
  readonly dir: string;
  readonly usedAtMs: number;
  /** Whether it holds work of runs that ended well, which the next run is to save. */
  readonly hasUnsaved: boolean;
}

/** A kept directory that a session works in; one that several share is told of once for each. */
export interface UsedDirectory {
  readonly session: SessionId;
  readonly volume: VolumeId;
  readonly lane: LaneName;
  /** Absolute: what is kept lies in it. */
  readonly dir: string;
}

/** One for each way; which one a volume gets is decided by what the machine, the tool and the person allow. */
export type Mounters = Readonly<Record<MounterName, Mounter>>;
