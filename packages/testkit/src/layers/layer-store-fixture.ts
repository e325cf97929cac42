import type { ChangeSet, Digest, LayerId, LayerStore, StoredLayer } from '@cachelane/core';
import type { ChangeItem } from './change-sets.ts';

/** Damage to a published layer on disk. */
export type Damage =
  | { readonly kind: 'flip' | 'truncate' | 'remove'; readonly path: string }
  | { readonly kind: 'add'; readonly path: string }
  /** Damage to its index. */
  | { readonly kind: 'flip-index' | 'remove-index' };

/** What a command finds at a path. */
export type SeenFile =
  | { readonly type: 'file'; readonly mode: number; readonly content: string }
  | { readonly type: 'dir'; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'special' };

export type SeenInTree = SeenFile | { readonly type: 'whiteout' };

/** One layer as an overlay sees it. */
export interface SeenTree {
  /** By path. */
  readonly files: ReadonlyMap<string, SeenInTree>;
  /** Directories that hide lower contents. */
  readonly opaque: ReadonlySet<string>;
}

export interface OpenStoreOptions {
  readonly bootId?: string;
  readonly nowMs?: number;
}

/** An empty store for one test. */
export interface LayerStoreFixture extends AsyncDisposable {
  /** Opens a handle, like another process with the same store. */
  open(options?: OpenStoreOptions): LayerStore;
  /** Changes as this store's mounter collects them; parents first. */
  changes(items: readonly ChangeItem[]): ChangeSet;
  /** Null: the store has no trees. */
  tree(layer: StoredLayer): SeenTree | null;
  damage(id: LayerId, damage: Damage): void;
  damageDerived(key: Digest, damage: Damage): void;
  /** Waits until the layer is on disk and settled. */
  settle(id: LayerId): Promise<void>;
  /** Stagings that were not cleaned up. */
  leftovers(): readonly string[];
  /** Whether the index can be damaged separately from the content. */
  readonly hasIndexFiles: boolean;
  /** Whether derived layers share content with their sources. */
  readonly sharesContent: boolean;
}

export type LayerStoreFactory = () => Promise<LayerStoreFixture>;
