import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../base/digest.ts';
import type { EntryForm } from '../layers/entry.ts';

/** One version of a path as a driver sees it. */
export interface Version {
  readonly form: EntryForm;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mode: number;
  /** When the store saw the layer sealed; embedded times count at most up to here, so that a clock in the future cannot win for ever. */
  readonly sealedAtMs: number;
  /** The stored content; read on demand, at most `limits.mergedFileBytes`. */
  content(): Uint8Array;
}

/** What a run added to the version it saw. */
export type Subtraction = { readonly form: 'whole' } | { readonly form: 'delta'; readonly content: Uint8Array };

/** The answer for several versions of one path. */
export type Composition =
  /** One version stands for all. `opinion` is false where the driver only broke a tie: the caller reports a conflict. */
  | { readonly kind: 'pick'; readonly index: number; readonly opinion: boolean }
  /** A new file made of them. */
  | { readonly kind: 'content'; readonly content: Uint8Array };

/**
 * How versions of one path relate. Pure: same input, same answer, no I/O but `Version.content`. Laws, each a property
 * test of the conformance suite:
 * - compose is idempotent (`[v, v]` is v), does not depend on the order where it has an opinion, and is associative:
 *   composing composed versions gives what composing all at once gives;
 * - `compose([mine as subtracted from pinned, pinned])` carries everything that `mine` had and `pinned` had not;
 * - `same(v, v)`; a change that is `same` is dropped by the caller, so it must mean nothing to the tool;
 * - content that is not what the driver expects never throws: it is content without an opinion.
 */
export interface MergeDriver {
  /** Stable name for reports and docs: `union`, `lines`, `newest`. */
  readonly name: string;
  /** Raised when `compose` or `subtract` answers differently: cached answers of older versions are not reused. */
  readonly version: number;
  /** Whether versions below the nearest whole one matter. False for content that is named by its digest. */
  readonly merges: boolean;
  /** True when the change from `pinned` to `mine` means nothing to the tool. Both are whole. */
  same(pinned: Version, mine: Version): boolean;
  /** Both are whole; `pinned` is what the run saw when it started. */
  subtract(pinned: Version, mine: Version): Subtraction;
  /** Nearest first, at least one, wholes and deltas. */
  compose(versions: readonly Version[]): Composition;
  /**
   * What of a run's file may be stored, where it holds more than that (a request header with a credential in an index
   * line); null where all of it may. `mine` is whole. Absent for classes whose files hold no such thing.
   */
  clean?(mine: Version): Uint8Array | null;
  /**
   * The content without names whose content is gone, judged against a composed view; null when nothing has to go.
   * `has` tells whether the view holds a path of the volume. Absent for classes that name nothing.
   */
  close?(version: Version, path: BytePath, has: (path: BytePath) => boolean): Uint8Array | null;
}
