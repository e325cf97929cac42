import { CachelaneError, type Metadata, type Namespace, type NamespaceRecord } from '@cachelane/core';

/** Finds a namespace by any of its names. Errors: E_NOT_FOUND. */
export async function requireNamespace(
  metadata: Metadata,
  path: Namespace,
  signal: AbortSignal,
): Promise<NamespaceRecord> {
  const record = await metadata.findNamespace(path, signal);
  if (record !== undefined) return record;
  throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${path}`, {
    hint: 'cachelane ns ls lists namespaces',
  });
}
