import type { SessionId } from '../ids.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../layers/digest.ts';
import type { StoredLayer } from './layer-store.ts';

export const mounterNames = ['overlay'] as const;
export type MounterName = (typeof mounterNames)[number];

/** How a runtime is to make a volume visible to the command. */
export interface OverlayMount {
  readonly kind: 'overlay';
  /** Absolute path where the command sees the volume. */
  readonly target: string;
  /** Top first, at least one; absolute. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
}

export type Mount = OverlayMount;

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
  /** The directory that holds the changes as files, in the mounter's form, for a store that takes it over; null in memory. */
  readonly dir: string | null;
}

export interface AttachRequest {
  readonly sessionId: SessionId;
  /** Distinguishes the volumes of one session. */
  readonly ordinal: number;
  /** Top first; may be empty (a cold cache). */
  readonly view: readonly StoredLayer[];
  readonly target: string;
}

export interface AttachedVolume {
  readonly mount: Mount;
  /** Directories that attach had to make for the target to exist, outermost first; removing them is the session's business. */
  readonly madeDirs: readonly string[];
  /**
   * Call after the last process that could write is gone; or with `inUse`, which works on a copy, since the store takes over what it
   * is given and whoever still has it mounted would write into a layer.
   */
  collect(signal: AbortSignal, inUse?: boolean): Promise<ChangeSet>;
  /** Frees what attach made and what collect's reader did not take. Idempotent. */
  release(signal: AbortSignal): Promise<void>;
}

/**
 * Makes a copy-on-write view usable and finds what changed. Guarantees of every driver: the view's layers are never
 * altered; changes are found exactly; two attached volumes never see each other's changes; nothing outside the target is touched.
 */
export interface Mounter {
  readonly name: MounterName;
  /**
   * Directories that `attach` would have to make for the target to exist, outermost first: whoever records them before they
   * are made loses none to a kill. Empty where nothing can be attached; `attach` says why.
   */
  missingDirs(target: string): readonly string[];
  /** Errors: E_MOUNT_POINT (the target is a file or cannot be made), E_MOUNT (cannot work here, with the mend in the hint), E_DISK_FULL, E_ABORTED. */
  attach(request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume>;
  /**
   * Removes directories that attach had made, deepest first; skips what is not empty, busy or gone. Synchronous: it is called inside
   * the metadata transaction that makes sure nobody mounts there meanwhile.
   */
  removeTargets(dirs: readonly string[]): void;
  /** Frees what attached volumes of a dead session left behind. Idempotent; never called while the session's lease is held. */
  discardSession(sessionId: SessionId, signal: AbortSignal): Promise<void>;
}
