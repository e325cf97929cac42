import type { LayerId } from '../layers/entry.ts';
import type { Mount } from './mount.ts';

/** What can be told of a directory without reading its files. */
export interface SeedLook {
  /** Where it really lies: without symlinks. */
  readonly path: string;
  /** Another text whenever anything in it changed: names, kinds, sizes, times, inodes. */
  readonly stamp: string;
  /** When anything in it changed last, as its file system says, in milliseconds since 1970: a change in the same instant may leave the stamp as it is. */
  readonly changedAtMs: number;
  /** Of all files: their lengths, holes included; one with several names counts once. */
  readonly sizeBytes: number;
}

export interface SeedCopy {
  /** Symlinks that lead out of the directory, what is neither file, directory nor symlink, what we may not read, and files that changed each time that they were read; of an image of a registry also what was left out when it was unpacked. */
  readonly leftOut: number;
}

export interface SeedTarget {
  /** Of a volume that is attached with nothing in it. */
  readonly into: Mount;
  /** No more of files is copied: a directory may grow after a look. */
  readonly maxBytes: number;
}

/** What came of a directory when it was read last. */
export interface SeedNote {
  /** Of the look before; empty where the directory may still change without another one. */
  readonly stamp: string;
  /** Null: it held nothing that is ever stored. */
  readonly layer: LayerId | null;
  /** As of the copy. */
  readonly leftOut: number;
}

/**
 * Directories of this machine that volumes are seeded from. Guarantees of every driver:
 * - a directory is read and never changed, and nothing in it is waited for: a fifo is not opened;
 * - its own path may lead through symlinks; one that lies in it is taken as it is and never followed;
 * - others may be at work in it: what vanishes meanwhile is as if it had never been there, what cannot be read whole is left out and counted. Who writes without changing size or time of
 *   a file may be found with half of it. Only the directory itself must be there, and ours to read;
 * - others get their turn while it is read.
 * Errors: E_NOT_FOUND where there is nothing, E_USAGE for what is no directory, is not ours to read, is larger than what a volume takes in, or holds the store itself,
 * E_QUOTA for what grew beyond its bound, E_DISK_FULL, E_ABORTED.
 */
export interface SeedFiles {
  /** `dir`: as {@link parseSeedDirectory} gives it. */
  look(dir: string, signal: AbortSignal): Promise<SeedLook>;
  copy(dir: string, to: SeedTarget, signal: AbortSignal): Promise<SeedCopy>;
  /** What any process that has this store noted under the key last; null: nothing that can be read; the oldest notes go, so that there are not many. A note is no promise: the layer may be gone. */
  noted(key: string, signal: AbortSignal): Promise<SeedNote | null>;
  /** In place of what was noted before. Nothing is lost where it cannot be written. */
  note(key: string, note: SeedNote, signal: AbortSignal): Promise<void>;
}
