import type { ChangeSet, Digest, LayerId, LayerStore, StoredLayer } from '@cachelane/core';
import type { ChangeItem } from './change-sets.ts';

/** What becomes of a published layer behind the store's back. */
export type Damage =
  | { readonly kind: 'flip' | 'truncate' | 'remove'; readonly path: string }
  | { readonly kind: 'add'; readonly path: string }
  /** Its index. */
  | { readonly kind: 'flip-index' | 'remove-index' };

/** What a command finds at a path. */
export type SeenFile =
  | { readonly type: 'file'; readonly mode: number; readonly content: string }
  | { readonly type: 'dir'; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'special' };

export type SeenInTree = SeenFile | { readonly type: 'whiteout' };

/** What an overlay would get to see of one layer. */
export interface SeenTree {
  /** By path. */
  readonly files: ReadonlyMap<string, SeenInTree>;
  /** Directories that hide what lower layers have below them. */
  readonly opaque: ReadonlySet<string>;
}

export interface OpenStoreOptions {
  readonly bootId?: string;
  readonly nowMs?: number;
}

/** An empty store for one test. */
export interface LayerStoreFixture extends AsyncDisposable {
  /** A handle as one process has it; all see one store. */
  open(options?: OpenStoreOptions): LayerStore;
  /** Changes as this store's mounter would leave them. Parents first. */
  changes(items: readonly ChangeItem[]): ChangeSet;
  /** Null where the store has no trees. */
  tree(layer: StoredLayer): SeenTree | null;
  damage(id: LayerId, damage: Damage): void;
  damageDerived(key: Digest, damage: Damage): void;
  /** Waits until the layer's content has reached the disk and the store knows. */
  settle(id: LayerId): Promise<void>;
  /** Stagings that nobody put away. */
  leftovers(): readonly string[];
  /** Whether the index can be damaged apart from the content. */
  readonly hasIndexFiles: boolean;
  /** Whether what is made of a layer shares its content with it. */
  readonly sharesContent: boolean;
}

export type LayerStoreFactory = () => Promise<LayerStoreFixture>;
