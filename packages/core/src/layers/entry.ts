import type { RunId } from '../base/ids.ts';
import type { BytePath } from './byte-path.ts';
import type { Digest } from '../base/digest.ts';

export type LayerId = Digest & { readonly __layerId: unique symbol };

export type EntryType = 'file' | 'dir' | 'symlink';

/**
 * How versions of one path merge (docs/explanation/merging.md): U path union, A append-union of lines, L newest
 * embedded time, Q SQLite upsert, G atomic group, W last writer, D unknown directory.
 */
export const mergeClasses = ['U', 'A', 'L', 'Q', 'G', 'W', 'D'] as const;
export type MergeClass = (typeof mergeClasses)[number];

/**
 * `whole`: the layer holds the full content. `delta`: it holds only what its run added to a version below (lines,
 * rows); reading it needs the class's driver.
 */
export type EntryForm = 'whole' | 'delta';

/**
 * What a layer removes from the layers below it.
 * - `counted`: the path and everything below it is absent, unless a higher layer restores it. The tree holds a
 *   whiteout;
 * - `below`: the path exists, but lower layers do not count at or below it. On a directory: lower contents are
 *   absent, as after a run that replaced the directory; the tree has an opaque marker. On a whole file of a merging
 *   class: older versions are not merged, as after a prune run; the tree needs no marker. A squash leaves both;
 * - `hint`: the run removed the path, but removals of its class do not count. Only garbage collection reads it.
 */
export type Removal = 'counted' | 'below' | 'hint';

/** One path of one layer. */
export interface Entry {
  readonly path: BytePath;
  readonly type: EntryType;
  /** Permission bits 0o777 and sticky. Layers never have setuid or setgid. */
  readonly mode: number;
  /** Modification time in nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  /** Bytes of the stored content (of the delta for `delta`); 0 for directories and removals. */
  readonly sizeBytes: number;
  /** Digest of the stored content or symlink target; null for directories and removals. */
  readonly digest: Digest | null;
  /** The runs that made this entry, sorted and unique; several after a merge or squash. */
  readonly origins: readonly RunId[];
  readonly mergeClass: MergeClass;
  /** Label of the path's atomic group. A layer holds a group completely or not at all. */
  readonly group: string | null;
  readonly form: EntryForm;
  readonly removed: Removal | null;
}

/** Returns whether the displayed count of the layer's files includes the entry. */
export function isHeldFile({ type, removed }: Entry): boolean {
  return type !== 'dir' && (removed === null || removed === 'below');
}

/**
 * A layer's sorted entries with random access. Implementations may decode on demand: looking up one path of 120k must
 * not create 120k objects.
 */
export interface LayerIndex {
  readonly count: number;
  /** Returns the entry at exactly this path. */
  find(path: BytePath): Entry | undefined;
  /** Returns entries in byte order, from position `from` (0) to before position `to` (`count`). */
  entries(from?: number, to?: number): Iterable<Entry>;
  /** Returns everything strictly below `directory`, in byte order. */
  below(directory: BytePath): Iterable<Entry>;
  /** Returns deltas, grouped entries and removals: the few that merging must check one by one. */
  special(): Iterable<Entry>;
  /** Returns runs, including the origins of all entries, without reading the entries. */
  runs(): Iterable<RunId>;
}
