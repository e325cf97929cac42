import type { Metadata, Namespace } from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';
import { requireNamespace } from '../namespaces/require-namespace.ts';

export interface RemoveCatalogRequest {
  readonly path: Namespace;
  readonly version: number;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface RemovedCatalog {
  /** Its present name. */
  readonly namespace: Namespace;
  readonly version: number;
  /** False: it was removed before. */
  readonly wasThere: boolean;
  /** Present names of the consumers that last used this version. */
  readonly consumers: readonly Namespace[];
}

/** Removes one version for good; repeating it is safe. Errors: E_NOT_FOUND for the namespace. */
export async function removeCatalog(
  metadata: Metadata,
  { path, version, dryRun }: RemoveCatalogRequest,
  signal: AbortSignal,
): Promise<RemovedCatalog> {
  const record = await requireNamespace(metadata, path, signal);
  const uses = await metadata.catalogUses(record.id, null, signal);
  const consumers = new Set<Namespace>();
  for (const { consumerId } of uses.filter((use) => use.version === version)) {
    const [name] = (await metadata.namespace(consumerId, signal))?.paths ?? [];
    if (name !== undefined) consumers.add(name);
  }
  const wasThere = dryRun
    ? (await metadata.catalogVersion(record.id, version, signal)) !== undefined
    : await metadata.removeCatalogVersion(record.id, version, signal);
  return {
    namespace: record.paths[0] as Namespace,
    version,
    wasThere,
    consumers: [...consumers].toSorted(compareText),
  };
}
