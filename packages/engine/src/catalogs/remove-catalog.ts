import type { Metadata, Namespace } from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';
import { requireNamespace } from '../namespaces/require-namespace.ts';

export interface RemoveCatalogRequest {
  readonly path: Namespace;
  readonly version: number;
  /** Say what would go, and change nothing. */
  readonly dryRun: boolean;
}

export interface RemovedCatalog {
  /** Its present name. */
  readonly namespace: Namespace;
  readonly version: number;
  /** Until now. */
  readonly wasThere: boolean;
  /** Present names of those that went by it, the last time. */
  readonly consumers: readonly Namespace[];
}

/** Takes one version away, for good; the same again is the same. Errors: E_NOT_FOUND for the namespace. */
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
