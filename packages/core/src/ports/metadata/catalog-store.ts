import type { NamespaceId, VolumeId } from '../../base/ids.ts';
import type { Digest } from '../../base/digest.ts';

/** One version of what a namespace offers; immutable. */
export interface CatalogRecord {
  readonly namespaceId: NamespaceId;
  /** 1 for the first; grows by 1 with each other content. */
  readonly version: number;
  /** Of the text. */
  readonly digest: Digest;
  /** As `catalogText` writes it. */
  readonly text: string;
  readonly publishedAtMs: number;
  /** Who did, for people. */
  readonly by: string;
}

export type ListedCatalog = Omit<CatalogRecord, 'text'>;

export interface PublishRequest extends Omit<CatalogRecord, 'version'> {
  /** The latest version that the caller saw; 0 for none. */
  readonly expectedVersion: number;
}

export type PublishResult =
  | { readonly kind: 'published'; readonly record: CatalogRecord }
  /** The latest version says the same already, whoever published it. */
  | { readonly kind: 'same'; readonly record: CatalogRecord }
  /** The latest version is another one than the caller saw: somebody published meanwhile, or removed versions. Null: none is left. */
  | { readonly kind: 'conflict'; readonly record: CatalogRecord | null };

/** That a project asked for a volume by its definition. */
export interface CatalogUse {
  /** Whose definition it is. */
  readonly namespaceId: NamespaceId;
  readonly definition: string;
  /** The version that it went by; it may have been removed since. */
  readonly version: number;
  readonly consumerId: NamespaceId;
  /** What it got; null: that is not there yet, or no more. */
  readonly volumeId: VolumeId | null;
  readonly atMs: number;
}

/**
 * What namespaces offer, and who uses it. It goes with the namespace; uses go with either of both, when the consumer is released, and when they are older than `limits.catalogUsesMs`, with `forgetLayers`. No namespace stays because
 * of what it offers ({@link NamespaceStore.createNamespace} makes it stay); a consumer does as long as it is known to be one, since it may have no volume of its own. The latest version is the highest
 * that is there. Versions of a namespace never come twice, also not after one was removed: the next one is higher than any before.
 */
export interface CatalogStore {
  /** What says the same as the latest version is that one, whatever version the caller saw. Errors: E_NOT_FOUND for a namespace that is not there. */
  publishCatalog(request: PublishRequest, signal: AbortSignal): Promise<PublishResult>;
  /** `version` null: the latest. */
  catalogVersion(
    namespaceId: NamespaceId,
    version: number | null,
    signal: AbortSignal,
  ): Promise<CatalogRecord | undefined>;
  /** Newest first. */
  catalogVersions(namespaceId: NamespaceId, signal: AbortSignal): Promise<readonly ListedCatalog[]>;
  /** The latest of each namespace, in the order of their ids. */
  listCatalogs(signal: AbortSignal): Promise<readonly ListedCatalog[]>;
  /** What the next one will be called, whatever was removed before: 1 for a namespace that is not there. */
  nextCatalogVersion(namespaceId: NamespaceId, signal: AbortSignal): Promise<number>;
  /** False: there was none. */
  removeCatalogVersion(namespaceId: NamespaceId, version: number, signal: AbortSignal): Promise<boolean>;
  /** The last use of each consumer is kept, for each definition. Nothing happens where one of both namespaces is not there. */
  noteCatalogUse(use: CatalogUse, signal: AbortSignal): Promise<void>;
  /** Of one definition, or of all (null); in the order of definition and consumer. */
  catalogUses(namespaceId: NamespaceId, definition: string | null, signal: AbortSignal): Promise<readonly CatalogUse[]>;
}
