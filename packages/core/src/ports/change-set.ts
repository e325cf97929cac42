import type { Digest } from '../base/digest.ts';
import type { BytePath } from '../layers/byte-path.ts';

/** One difference between the view at attach and the volume's contents afterwards. */
export type Change =
  | {
      readonly kind: 'file';
      readonly path: BytePath;
      readonly mode: number;
      readonly mtimeNs: bigint;
      readonly sizeBytes: number;
    }
  /** `replaces`: the run removed this directory with its contents and created it again. */
  | {
      readonly kind: 'dir';
      readonly path: BytePath;
      readonly mode: number;
      readonly mtimeNs: bigint;
      readonly replaces: boolean;
    }
  | { readonly kind: 'symlink'; readonly path: BytePath; readonly mtimeNs: bigint; readonly target: Uint8Array }
  | { readonly kind: 'removed'; readonly path: BytePath }
  /** Sockets, pipes and devices are reported but never saved. */
  | { readonly kind: 'special'; readonly path: BytePath; readonly what: 'socket' | 'fifo' | 'device' };

/**
 * The changes of a run. May include directories that changed only because of a child; the reader compares with the view.
 * Reads are synchronous: promise-based file access is three to four times slower, and a first save reads 120k files.
 */
export interface ChangeSet {
  /** Parents before children; otherwise any order. Never the root. */
  readonly changes: readonly Change[];
  /** Returns the change at exactly this path. */
  find(path: BytePath): Change | undefined;
  /** Returns the content of a changed file. */
  read(path: BytePath): Uint8Array;
  readHead(path: BytePath, count: number): Uint8Array;
  /** Returns the SHA-256 of a changed file's content. */
  digest(path: BytePath): Digest;
  /** The directory that holds the changes as files, in the mounter's form; null in memory. */
  readonly dir: string | null;
  /** Whether the store may move that directory instead of copying it. */
  readonly movable: boolean;
}
