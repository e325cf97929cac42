import type { RunId } from '../base/ids.ts';
import type { BytePath } from './byte-path.ts';
import type { Digest } from '../base/digest.ts';

export type LayerId = Digest & { readonly __layerId: unique symbol };

export type EntryType = 'file' | 'dir' | 'symlink';

/**
 * How versions of one path relate (docs/explanation/merging.md): U path union, A append-union of lines,
 * L newest embedded time, Q SQLite upsert, G atomic group, W last writer, D unknown directory.
 */
export const mergeClasses = ['U', 'A', 'L', 'Q', 'G', 'W', 'D'] as const;
export type MergeClass = (typeof mergeClasses)[number];

/**
 * `whole`: the layer holds the path's full content. `delta`: the layer holds only what its run added to a version below
 * (lines, rows); a reader needs the class's driver to make the file.
 */
export type EntryForm = 'whole' | 'delta';

/**
 * What a layer takes away from the layers below it.
 * - `counted`: the path and everything below it is absent, unless a layer above brings it back (the tree holds a whiteout);
 * - `below`: the path is there, but what lower layers have at or below it does not count. On a directory: its lower
 *   contents are absent (the tree's directory carries the overlay's opaque marker); a run that removed a directory and made it anew
 *   leaves this. On a whole file of a merging class: older versions are not united with it (the tree needs no marker); a
 *   prune run that took lines or rows out of it leaves this. A squash leaves both;
 * - `hint`: the run removed it, but its class does not let removals count: the tree tells nothing, only garbage collection reads it.
 */
export type Removal = 'counted' | 'below' | 'hint';

/** One path of one layer. */
export interface Entry {
  readonly path: BytePath;
  readonly type: EntryType;
  /** Permission bits 0o777 and sticky; setuid and setgid never enter a layer. */
  readonly mode: number;
  /** Modification time in nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  /** Bytes of the stored content: of the delta where the form is `delta`; 0 for directories and removals. */
  readonly sizeBytes: number;
  /** Of the stored content; of the target for a symlink; null for directories and removals. */
  readonly digest: Digest | null;
  /** Runs that put this entry there; several after a merge or a squash, sorted, without repeats. */
  readonly origins: readonly RunId[];
  readonly mergeClass: MergeClass;
  /** Label of the atomic group that the path belongs to: a layer holds a group complete or not at all. */
  readonly group: string | null;
  readonly form: EntryForm;
  readonly removed: Removal | null;
}

/** Whether people would call it a file that the layer holds. */
export function isHeldFile({ type, removed }: Entry): boolean {
  return type !== 'dir' && (removed === null || removed === 'below');
}

/**
 * A layer's sorted list of entries with random access. Implementations may decode on demand: a view of a 120k-file
 * volume must not cost 120k objects to look one path up.
 */
export interface LayerIndex {
  readonly count: number;
  /** The entry at exactly this path. */
  find(path: BytePath): Entry | undefined;
  /** In byte order of the paths; those from place `from` (0) up to place `to` (`count`), without it. */
  entries(from?: number, to?: number): Iterable<Entry>;
  /** In byte order; everything strictly below `directory`, at any depth. */
  below(directory: BytePath): Iterable<Entry>;
  /** Entries whose form is `delta`, that are grouped, or that remove: the few that composing must look at one by one. */
  special(): Iterable<Entry>;
  /** Runs, the origins of all entries among them; found without going through those. */
  runs(): Iterable<RunId>;
}
