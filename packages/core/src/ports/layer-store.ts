import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../layers/digest.ts';
import type { Entry, LayerId, LayerIndex } from '../layers/entry.ts';
import type { ChangeSet } from './mounter.ts';

/**
 * A layer as it lies in the store: an index and the content of its entries. Derived layers (answers of merge drivers,
 * squashed neighbours) have the same shape and are named by what they were made of; they are a cache, never pushed.
 */
export interface StoredLayer {
  /** A layer's id, or a derived layer's key. */
  readonly key: Digest;
  /** May be read when it is first asked for, and throw E_LAYER_CORRUPT or E_STORE_NEWER then. */
  readonly index: LayerIndex;
  /** Entries of the index, known without reading it. */
  readonly entryCount: number;
  /** When the store saw it sealed, milliseconds since the epoch. */
  readonly sealedAtMs: number;
  /** Stored content of a file entry (the delta where that is its form); throws E_LAYER_CORRUPT when it is not there. */
  read(path: BytePath): Uint8Array;
  /** At most `count` first bytes of a file entry. */
  readHead(path: BytePath, count: number): Uint8Array;
  /** Absolute directory that holds the whole entries and the whiteouts of counted removals; null in memory. Never altered once published. */
  readonly treeDir: string | null;
  /**
   * Absolute path of an EROFS image; then `treeDir` is where whoever shows the layer mounts it, read-only and for the command alone. Null where the tree
   * lies in `treeDir` itself. Stays where it is for `limits.sweepGraceMs` after the layer got a tree.
   */
  readonly image: string | null;
}

/** What becomes of a change, or of a path that is brought in from below. */
export type StagedEntry =
  /** The change's own content, as it lies in the change set. */
  | { readonly from: 'change'; readonly entry: Entry }
  /** New content made by a driver. For a delta the change's own file does not enter the tree. */
  | { readonly from: 'content'; readonly entry: Entry; readonly content: Uint8Array }
  /** Content that another stored layer holds at the same path (completes a group, fills a derived layer). */
  | { readonly from: 'layer'; readonly entry: Entry; readonly layer: StoredLayer }
  /** A counted removal (the tree hides the path) or a hint (only the index tells). */
  | { readonly from: 'removal'; readonly entry: Entry }
  /** A directory that the store makes as the entry says. */
  | { readonly from: 'made'; readonly entry: Entry };

/** A layer that is complete on disk but that nothing refers to yet. */
export interface StagedLayer {
  readonly id: LayerId;
  readonly sizeBytes: number;
  readonly index: LayerIndex;
}

export interface StageRequest {
  /** Where the run's changes lie; consumed: the store takes the directory over without a copy and drops what no entry names. Null for a layer made of other layers. */
  readonly changes: ChangeSet | null;
  /** Any order; no path twice. */
  readonly entries: readonly StagedEntry[];
  readonly sealedAtMs: number;
}

export interface ListedLayer {
  readonly id: LayerId;
  readonly sealedAtMs: number;
  /** Content of all entries; 0 for one that is damaged. */
  readonly sizeBytes: number;
}

export interface LayerVerification {
  readonly key: Digest;
  readonly ok: boolean;
  /** What was found wrong, for people. */
  readonly problems: readonly string[];
}

/** What a store takes, in bytes. What several share (derived layers link the content of layers) counts once, for the first that is named here. */
export interface StoreUsage {
  readonly layersBytes: number;
  readonly derivedBytes: number;
  /** Directories that are kept from run to run, also those that lie outside of the home. */
  readonly keptDirectoriesBytes: number;
  /** What images of registries hold, for volumes that begin with it. */
  readonly providedImagesBytes: number;
  /** Metadata, sessions, and what is being written or thrown away. */
  readonly otherBytes: number;
}

/** The file system that a store lies on, in bytes. */
export interface Space {
  /** For whoever the store belongs to. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** A layer on its way to another store: its index, and its contents in a form that follows from the index. */
export interface WireLayer {
  readonly index: Uint8Array;
  /** In pieces of any size, the reader's to keep: it may give their memory back. Whoever stops early ends it. */
  readonly data: AsyncIterable<Uint8Array>;
}

export interface IncomingLayer extends WireLayer {
  readonly id: LayerId;
  readonly sealedAtMs: number;
}

/**
 * Layers as files. Guarantees of every driver:
 * - content is invisible until `publish`: a crash before it leaves only sweepable leftovers;
 * - after `publish` returned, `open` finds exactly what was staged, in this and every later process;
 * - a published layer never changes; publishing the same layer twice is one layer;
 * - `unpack` makes of what `pack` gave the same layer, whatever store it was; anything else is refused, and nothing of it stays. Published where the
 *   layer is there and damaged, it takes its place. What an index
 *   says is followed only inside the layer's own tree;
 * - entries that are not plain files, directories, symlinks or removals cannot be staged;
 * - `stage` normalises: owners are the store's, setuid and setgid are gone; of the mounter's markers only those are left (or
  made) that entries ask for: whiteouts for `counted`, opaque directories for `below`.
 * Errors: E_LAYER_MISSING, E_LAYER_CORRUPT, E_LAYER_REFUSED, E_DISK_FULL, E_ABORTED.
 */
export interface LayerStore {
  open(id: LayerId, signal: AbortSignal): Promise<StoredLayer>;
  has(id: LayerId, signal: AbortSignal): Promise<boolean>;
  stage(request: StageRequest, signal: AbortSignal): Promise<StagedLayer>;
  publish(staged: StagedLayer, signal: AbortSignal): Promise<void>;
  /** The wire form of a published layer. The data throws E_LAYER_CORRUPT where it comes to content that is not what was saved. */
  pack(id: LayerId, signal: AbortSignal): Promise<WireLayer>;
  /** Stages a layer from elsewhere, checked in all that it claims. Throws E_LAYER_REFUSED with the reason. */
  unpack(incoming: IncomingLayer, signal: AbortSignal): Promise<StagedLayer>;
  /** Gives a layer that is an image a tree, for whoever cannot mount it; of any other layer nothing changes. Runs that have it mounted go on. */
  extract(id: LayerId, signal: AbortSignal): Promise<StoredLayer>;
  /** Drops a staged layer that will not be published. */
  unstage(staged: StagedLayer, signal: AbortSignal): Promise<void>;
  /** A derived layer by its key, or undefined; building one is `derive`. */
  openDerived(key: Digest, signal: AbortSignal): Promise<StoredLayer | undefined>;
  /** Makes or replaces nothing: where the key exists already, that one is returned. */
  derive(key: Digest, request: StageRequest, signal: AbortSignal): Promise<StoredLayer>;
  /** Every published layer. */
  list(signal: AbortSignal): Promise<readonly ListedLayer[]>;
  /** Those of them that are published, in their order. */
  describe(ids: readonly LayerId[], signal: AbortSignal): Promise<readonly ListedLayer[]>;
  listDerived(signal: AbortSignal): Promise<readonly { readonly key: Digest; readonly usedAtMs: number }[]>;
  /** As the medium counts it: beside the content, what keeping it takes. Looks at every file. */
  usage(signal: AbortSignal): Promise<StoreUsage>;
  space(signal: AbortSignal): Promise<Space>;
  /** Whether anything lies where it belongs, damaged or not. Synchronous, for the same reason as `remove`. */
  isThere(id: LayerId): boolean;
  /** Moves them out of sight at once; the space is freed in the background. Unknown ones are no error. Synchronous: it is called inside the metadata transaction that makes sure that nobody has them. */
  remove(ids: readonly LayerId[]): void;
  /** The same for derived layers. */
  removeDerived(keys: readonly Digest[]): void;
  /** Reads everything and compares digests with the index. */
  verify(id: LayerId, signal: AbortSignal): Promise<LayerVerification>;
  /** False for a layer that may not have reached the disk before the machine went down: verify it before use. */
  isSettled(id: LayerId, signal: AbortSignal): Promise<boolean>;
  /** Removes leftovers of dead processes older than `limits.sweepGraceMs`. Returns what was removed, for people. */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Removes images of layers that got a tree longer than `limits.sweepGraceMs` ago. Looks at every layer. Returns what was removed, for people. */
  sweepImages(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
}
