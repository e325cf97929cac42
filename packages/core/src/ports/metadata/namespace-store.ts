import type { NamespaceId } from '../../base/ids.ts';
import type { Namespace } from '../../names/namespace.ts';

export interface NamespaceRecord {
  readonly id: NamespaceId;
  /** Every path that names it, the current one first. */
  readonly paths: readonly Namespace[];
  readonly createdAtMs: number;
}

export interface CreateNamespaceRequest {
  readonly path: Namespace;
  /** Used where the path has no id yet. */
  readonly freshId: NamespaceId;
  readonly atMs: number;
}

export interface CreatedNamespace {
  readonly namespace: NamespaceRecord;
  /** False: the path named it already. */
  readonly isNew: boolean;
}

/** Namespaces by their paths. A namespace without volumes and without open sessions goes, but one that somebody created. */
export interface NamespaceStore {
  findNamespace(path: Namespace, signal: AbortSignal): Promise<NamespaceRecord | undefined>;
  namespace(id: NamespaceId, signal: AbortSignal): Promise<NamespaceRecord | undefined>;
  listNamespaces(signal: AbortSignal): Promise<readonly NamespaceRecord[]>;
  /** The namespace that the path names, made where it names none, stays from now on until {@link releaseNamespace}. */
  createNamespace(request: CreateNamespaceRequest, signal: AbortSignal): Promise<CreatedNamespace>;
  /**
   * It stays as long as it has volumes or open sessions, as if nobody had created it: it goes at once where it has none. In any case what it shares and
   * offers goes at once; only that it is a consumer of others stays. Nothing changes where there is no such one.
   */
  releaseNamespace(id: NamespaceId, signal: AbortSignal): Promise<void>;
  /**
   * Makes `to` the current path of the namespace that `from` names; both go on naming it. What its heads had in common with remotes was in common with counterparts
   * of the old name: those records are empty afterwards. Where that takes the only path of another one, which somebody created, this one stays in its place.
   * What namespaces share and offer stays with the ids of both, and goes with one that goes.
   * E_NAMESPACE when `to` names another one that has heads, or is the only name of one that has grants, feed rules or versions of a catalog: those were never said of what this one holds.
   */
  aliasNamespace(from: Namespace, to: Namespace, signal: AbortSignal): Promise<NamespaceRecord>;
}
