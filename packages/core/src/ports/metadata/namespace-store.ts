import type { NamespaceId } from '../../base/ids.ts';
import type { Namespace } from '../../names/namespace.ts';

export interface NamespaceRecord {
  readonly id: NamespaceId;
  /** All its paths, the current one first. */
  readonly paths: readonly Namespace[];
  readonly createdAtMs: number;
}

export interface CreateNamespaceRequest {
  readonly path: Namespace;
  /** The id to use if the path has no id yet. */
  readonly freshId: NamespaceId;
  readonly atMs: number;
}

export interface CreatedNamespace {
  readonly namespace: NamespaceRecord;
  /** False if the path already had a namespace. */
  readonly isNew: boolean;
}

/** Namespaces by path. A namespace without volumes and open sessions is deleted unless it was created explicitly. */
export interface NamespaceStore {
  findNamespace(path: Namespace, signal: AbortSignal): Promise<NamespaceRecord | undefined>;
  namespace(id: NamespaceId, signal: AbortSignal): Promise<NamespaceRecord | undefined>;
  listNamespaces(signal: AbortSignal): Promise<readonly NamespaceRecord[]>;
  /** Returns the namespace of a path, creating it if needed. It stays until {@link releaseNamespace}. */
  createNamespace(request: CreateNamespaceRequest, signal: AbortSignal): Promise<CreatedNamespace>;
  /**
   * Undoes the creation: the namespace stays only while it has volumes or open sessions. Its grants, feeds and
   * catalogs are deleted at once; its use of other catalogs stays recorded. Ignores unknown ids.
   */
  releaseNamespace(id: NamespaceId, signal: AbortSignal): Promise<void>;
  /**
   * Makes `to` the current path of the namespace at `from`; both paths keep naming it. Empties its sync records,
   * because they compare with the remote's heads of the old name. If `to` was the only path of a created namespace,
   * this namespace counts as created instead. Grants and catalogs stay with their ids, and are deleted with a deleted
   * namespace. Throws E_NAMESPACE if `to` names another namespace that has heads. The same holds if `to` is its only
   * path and it has grants, feed rules or catalog versions.
   */
  aliasNamespace(from: Namespace, to: Namespace, signal: AbortSignal): Promise<NamespaceRecord>;
}
