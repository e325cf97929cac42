import type { NamespaceId, VolumeId } from '../../base/ids.ts';
import type { Digest } from '../../base/digest.ts';

/** One immutable version of a namespace's catalog. */
export interface CatalogRecord {
  readonly namespaceId: NamespaceId;
  /** 1 for the first; each new content adds 1. */
  readonly version: number;
  /** The digest of `text`. */
  readonly digest: Digest;
  /** As written by `catalogText`. */
  readonly text: string;
  readonly publishedAtMs: number;
  /** Who published it; display text. */
  readonly by: string;
}

export type ListedCatalog = Omit<CatalogRecord, 'text'>;

export interface PublishRequest extends Omit<CatalogRecord, 'version'> {
  /** The latest version that the caller read; 0 for none. */
  readonly expectedVersion: number;
}

export type PublishResult =
  | { readonly kind: 'published'; readonly record: CatalogRecord }
  /** The latest version already has this content. */
  | { readonly kind: 'same'; readonly record: CatalogRecord }
  /** The latest version is not the one that the caller read. Null: no version is left. */
  | { readonly kind: 'conflict'; readonly record: CatalogRecord | null };

/** A project's request for a volume by its definition. */
export interface CatalogUse {
  /** The owner of the definition. */
  readonly namespaceId: NamespaceId;
  readonly definition: string;
  /** The version used; it may have been removed since. */
  readonly version: number;
  readonly consumerId: NamespaceId;
  /** The volume it got; null if it does not exist. */
  readonly volumeId: VolumeId | null;
  readonly atMs: number;
}

/**
 * Catalogs of namespaces, and their uses. A catalog is deleted with its namespace. Uses are deleted with either
 * namespace, when the consumer is released, or by `forgetLayers` after `limits.catalogUsesMs`. A catalog does not
 * keep its namespace alive ({@link NamespaceStore.createNamespace} does). A use keeps its consumer alive, which may
 * have no volume of its own. The latest version has the highest number, and numbers of removed versions are never
 * reused.
 */
export interface CatalogStore {
  /**
   * Publishes a version. Content equal to the latest version returns that version, whatever `expectedVersion` is.
   * Errors: E_NOT_FOUND if the namespace does not exist.
   */
  publishCatalog(request: PublishRequest, signal: AbortSignal): Promise<PublishResult>;
  /** Returns one version; null for the latest. */
  catalogVersion(
    namespaceId: NamespaceId,
    version: number | null,
    signal: AbortSignal,
  ): Promise<CatalogRecord | undefined>;
  /** Returns all versions, newest first. */
  catalogVersions(namespaceId: NamespaceId, signal: AbortSignal): Promise<readonly ListedCatalog[]>;
  /** Returns the latest version of each namespace, in the order of their ids. */
  listCatalogs(signal: AbortSignal): Promise<readonly ListedCatalog[]>;
  /** Returns the number of the next version; 1 for an unknown namespace. */
  nextCatalogVersion(namespaceId: NamespaceId, signal: AbortSignal): Promise<number>;
  /** Returns false if the version did not exist. */
  removeCatalogVersion(namespaceId: NamespaceId, version: number, signal: AbortSignal): Promise<boolean>;
  /** Records a use and keeps the last one of each consumer for each definition. Ignores unknown namespaces. */
  noteCatalogUse(use: CatalogUse, signal: AbortSignal): Promise<void>;
  /** Returns the uses of one definition or of all (null), in the order of definition and consumer. */
  catalogUses(namespaceId: NamespaceId, definition: string | null, signal: AbortSignal): Promise<readonly CatalogUse[]>;
}
