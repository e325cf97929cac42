import type { Digest } from '../base/digest.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { Entry, LayerId, LayerIndex } from '../layers/entry.ts';
import type { ChangeSet } from './change-set.ts';

/**
 * A stored layer: an index and the content of its entries. Derived layers (merge results, squashed neighbours) have the same shape and
 * are keyed by their inputs. They are a cache and are never pushed.
 */
export interface StoredLayer {
  /** A layer's id, or a derived layer's key. */
  readonly key: Digest;
  /** Loaded on first access, which may throw E_LAYER_CORRUPT or E_STORE_NEWER. */
  readonly index: LayerIndex;
  /** Number of entries, known without reading the index. */
  readonly entryCount: number;
  /** When the layer was sealed, in milliseconds since the epoch. */
  readonly sealedAtMs: number;
  /** Returns the stored content of a file entry (for a delta, the delta). Throws E_LAYER_CORRUPT if it is missing. */
  read(path: BytePath): Uint8Array;
  /** Returns up to `count` first bytes of a file entry. */
  readHead(path: BytePath, count: number): Uint8Array;
  /** Absolute directory that holds the whole entries and the whiteouts of counted removals; null in memory. Never changes once published. */
  readonly treeDir: string | null;
  /**
   * Absolute path of an EROFS image, which the runtime mounts read-only at `treeDir` for the command alone. Null if `treeDir` holds the
   * tree itself. The image stays for `limits.sweepGraceMs` after the layer was extracted.
   */
  readonly image: string | null;
}

/** How to store a change, or a path copied from a lower layer. */
export type StagedEntry =
  /** Content from the change set. */
  | { readonly from: 'change'; readonly entry: Entry }
  /** New content from a merge driver. For a delta, the changed file itself is not stored. */
  | { readonly from: 'content'; readonly entry: Entry; readonly content: Uint8Array }
  /** Content of another stored layer at the same path (completes a group or fills a derived layer). */
  | { readonly from: 'layer'; readonly entry: Entry; readonly layer: StoredLayer }
  /** A counted removal (the tree hides the path) or a hint (only in the index). */
  | { readonly from: 'removal'; readonly entry: Entry }
  /** A directory that the store creates from the entry. */
  | { readonly from: 'made'; readonly entry: Entry };

/** A complete layer on disk without any references yet. */
export interface StagedLayer {
  readonly id: LayerId;
  readonly sizeBytes: number;
  readonly index: LayerIndex;
}

export interface StageRequest {
  /** The run's changes. The store moves their directory and drops paths without an entry. Null for a layer made of other layers. */
  readonly changes: ChangeSet | null;
  /** In any order; each path at most once. */
  readonly entries: readonly StagedEntry[];
  readonly sealedAtMs: number;
}

export interface ListedLayer {
  readonly id: LayerId;
  readonly sealedAtMs: number;
  /** Total content of all entries; 0 for a damaged layer. */
  readonly sizeBytes: number;
}

export interface LayerVerification {
  readonly key: Digest;
  readonly ok: boolean;
  /** Descriptions of the problems found. */
  readonly problems: readonly string[];
}

/** Disk usage of a store in bytes. Shared content counts once, for the first field below that includes it. */
export interface StoreUsage {
  readonly layersBytes: number;
  readonly derivedBytes: number;
  /** Directories kept between runs, including those outside the home. */
  readonly keptDirectoriesBytes: number;
  /** Registry images that volumes start from. */
  readonly providedImagesBytes: number;
  /** Metadata, sessions, temporary files and trash. */
  readonly otherBytes: number;
}

/** The size of the store's file system in bytes. */
export interface Space {
  /** Free space available to the owner of the store. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** The wire form of a layer: its index, and its content in an order that the index defines. */
export interface WireLayer {
  readonly index: Uint8Array;
  /** Chunks of any size, owned by the reader. A reader that stops early ends the iterator. */
  readonly data: AsyncIterable<Uint8Array>;
}

export interface IncomingLayer extends WireLayer {
  readonly id: LayerId;
  readonly sealedAtMs: number;
}

/**
 * Layers as files. Guarantees of every driver:
 * - content is invisible until `publish`; a crash before it leaves only files that `sweep` removes;
 * - after `publish` returns, `open` finds exactly the staged content, in this and every later process;
 * - a published layer never changes; publishing the same layer twice is one layer;
 * - `unpack` restores exactly the layer that `pack` read, from any store. It refuses other input and leaves no files of it.
 *   Publishing it replaces a damaged copy. Paths in an index never lead outside the layer's own tree;
 * - entries that are not plain files, directories, symlinks or removals cannot be staged;
 * - `stage` normalises: the store owns all files, without setuid and setgid. Of the mounter's markers it keeps or creates only those
 *   that entries need: whiteouts for `counted`, opaque directories for `below`.
 * Errors: E_LAYER_MISSING, E_LAYER_CORRUPT, E_LAYER_REFUSED, E_DISK_FULL, E_ABORTED.
 */
export interface LayerStore {
  open(id: LayerId, signal: AbortSignal): Promise<StoredLayer>;
  has(id: LayerId, signal: AbortSignal): Promise<boolean>;
  stage(request: StageRequest, signal: AbortSignal): Promise<StagedLayer>;
  publish(staged: StagedLayer, signal: AbortSignal): Promise<void>;
  /** Returns the wire form of a published or staged layer. Its data throws E_LAYER_CORRUPT at damaged content. */
  pack(layer: LayerId | StagedLayer, signal: AbortSignal): Promise<WireLayer>;
  /** Verifies and stages a layer from another store. Throws E_LAYER_REFUSED with the reason. */
  unpack(incoming: IncomingLayer, signal: AbortSignal): Promise<StagedLayer>;
  /** Extracts an image layer to a tree, for users who cannot mount it. Other layers do not change. Mounted images stay usable. */
  extract(id: LayerId, signal: AbortSignal): Promise<StoredLayer>;
  /** Deletes a staged layer that will not be published. */
  unstage(staged: StagedLayer, signal: AbortSignal): Promise<void>;
  /** Returns the derived layer with this key, or undefined. */
  openDerived(key: Digest, signal: AbortSignal): Promise<StoredLayer | undefined>;
  /** Builds a derived layer, or returns the existing one with this key. */
  derive(key: Digest, request: StageRequest, signal: AbortSignal): Promise<StoredLayer>;
  /** Returns all published layers. */
  list(signal: AbortSignal): Promise<readonly ListedLayer[]>;
  /** Returns the published layers among `ids`, in the same order. */
  describe(ids: readonly LayerId[], signal: AbortSignal): Promise<readonly ListedLayer[]>;
  listDerived(signal: AbortSignal): Promise<readonly { readonly key: Digest; readonly usedAtMs: number }[]>;
  /** Returns the disk usage, including file system overhead. Visits every file. */
  usage(signal: AbortSignal): Promise<StoreUsage>;
  space(signal: AbortSignal): Promise<Space>;
  /** Returns whether the layer exists, damaged or not. Synchronous for the same reason as `remove`. */
  isThere(id: LayerId): boolean;
  /** Hides layers at once and frees their space in the background; ignores unknown ids. Synchronous: it runs inside the metadata transaction that checks for users. */
  remove(ids: readonly LayerId[]): void;
  /** Does the same for derived layers. */
  removeDerived(keys: readonly Digest[]): void;
  /** Reads all content and compares the digests with the index. Calls `onBytes` with the size of each entry that it has read. */
  verify(id: LayerId, signal: AbortSignal, onBytes?: (count: number) => void): Promise<LayerVerification>;
  /** Returns false if the layer may not have reached the disk before a crash of the machine: verify it before use. */
  isSettled(id: LayerId, signal: AbortSignal): Promise<boolean>;
  /** Removes files of dead processes older than `limits.sweepGraceMs`. Returns descriptions of the removed files. */
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Removes images of layers extracted longer than `limits.sweepGraceMs` ago. Visits every layer. Returns descriptions of the removed images. */
  sweepImages(nowMs: number, signal: AbortSignal): Promise<readonly string[]>;
}
