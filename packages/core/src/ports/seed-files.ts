import type { LayerId } from '../layers/entry.ts';
import type { Mount } from './mount.ts';

/** Facts about a directory, found without reading its files. */
export interface SeedLook {
  /** The real path, without symlinks. */
  readonly path: string;
  /** Changes whenever a name, kind, size, time or inode in the directory changes. */
  readonly stamp: string;
  /**
   * When the directory last changed, in milliseconds since 1970. A change in the same instant may leave the stamp as
   * it is.
   */
  readonly changedAtMs: number;
  /** Total size of the files, with holes. Hard links count once. */
  readonly sizeBytes: number;
}

export interface SeedCopy {
  /**
   * The number of skipped entries: symlinks that lead out, special files, unreadable files, and files that changed
   * during each read. For registry images, also entries skipped while unpacking.
   */
  readonly leftOut: number;
}

export interface SeedTarget {
  /** An attached, empty volume. */
  readonly into: Mount;
  /** The maximum size of the copy, because the directory may have grown since the look. */
  readonly maxBytes: number;
}

/** The result of the last copy of a directory. */
export interface SeedNote {
  /** The stamp of the look before the copy; empty if the directory may still change without a new stamp. */
  readonly stamp: string;
  /** Null: the directory had nothing to store. */
  readonly layer: LayerId | null;
  /** As in the copy. */
  readonly leftOut: number;
}

/**
 * Directories on this machine that seed volumes. Guarantees of every driver:
 * - a directory is only read, and reads never block: fifos are not opened;
 * - the directory's own path may contain symlinks. Symlinks inside it are copied, never followed;
 * - other processes may change it. Vanished files are ignored; files that cannot be read whole are skipped and
 *   counted. A write that keeps size and time may be copied half. Only the directory itself must exist and be
 *   readable;
 * - long reads yield to other tasks.
 * Errors: E_NOT_FOUND if it does not exist; E_USAGE if it is not a directory, not readable, too large for a volume,
 * or contains the store; E_QUOTA if it grew beyond the maximum; E_DISK_FULL, E_ABORTED.
 */
export interface SeedFiles {
  /** Looks at a directory, in the form of {@link parseSeedDirectory}. */
  look(dir: string, signal: AbortSignal): Promise<SeedLook>;
  copy(dir: string, to: SeedTarget, signal: AbortSignal): Promise<SeedCopy>;
  /**
   * Returns the last note of any process under the key, if readable. Old notes are deleted, and a noted layer may be
   * gone.
   */
  noted(key: string, signal: AbortSignal): Promise<SeedNote | null>;
  /** Replaces the note. A failure to write it is ignored. */
  note(key: string, note: SeedNote, signal: AbortSignal): Promise<void>;
}
