import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../base/digest.ts';
import type { EntryForm } from '../layers/entry.ts';

/** One version of a path for a merge driver. */
export interface Version {
  readonly form: EntryForm;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mode: number;
  /**
   * When the layer was sealed. Later times inside the content count as this time, so that a wrong clock does not win
   * forever.
   */
  readonly sealedAtMs: number;
  /** Returns the content, at most `limits.mergedFileBytes`. */
  content(): Uint8Array;
}

/** The part of a file that a run added. */
export type Subtraction = { readonly form: 'whole' } | { readonly form: 'delta'; readonly content: Uint8Array };

/** The merge result of several versions of a path. */
export type Composition =
  /** One version wins. `opinion` is false if the driver only broke a tie; the caller then reports a conflict. */
  | { readonly kind: 'pick'; readonly index: number; readonly opinion: boolean }
  /** A merged file. */
  | { readonly kind: 'content'; readonly content: Uint8Array };

/**
 * Merges versions of one path. Pure: no I/O except `Version.content`. Laws, each a property test of the conformance
 * suite:
 * - compose is idempotent (`[v, v]` is v), commutative where it has an opinion, and associative;
 * - `compose([mine as subtracted from pinned, pinned])` contains everything that `mine` added to `pinned`;
 * - `same(v, v)` is true. The caller drops changes that are `same`, so they must not matter to the tool;
 * - unexpected content never throws. It merges without an opinion.
 */
export interface MergeDriver {
  /** Stable name for reports and docs: `union`, `lines`, `newest`. */
  readonly name: string;
  /**
   * Raise it when `compose` or `subtract` gives different answers. Answers cached under older versions are not
   * reused.
   */
  readonly version: number;
  /** Whether versions below the nearest whole one matter. False for content named by its digest. */
  readonly merges: boolean;
  /** Returns whether the change from `pinned` to `mine` does not matter to the tool. Both are whole. */
  same(pinned: Version, mine: Version): boolean;
  /** Returns what `mine` adds to `pinned`, the version at the start of the run. Both are whole. */
  subtract(pinned: Version, mine: Version): Subtraction;
  /** Merges versions, nearest first: at least one, whole or delta. */
  compose(versions: readonly Version[]): Composition;
  /**
   * Returns the part of a whole file that may be stored, for files with secrets (a request header in an index line).
   * Null: all of it. Absent if the files hold no secrets.
   */
  clean?(mine: Version): Uint8Array | null;
  /**
   * Returns the content without references to paths that `has` does not find in the composed view; null if none is
   * missing. Absent if the content refers to no paths.
   */
  close?(version: Version, path: BytePath, has: (path: BytePath) => boolean): Uint8Array | null;
}
