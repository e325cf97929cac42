import type { Bounds, GrantedVolumes, Metadata, Namespace, NamespaceId } from '@cachelane/core';

export interface BoundsDependencies {
  readonly metadata: Pick<Metadata, 'findNamespace' | 'namespace' | 'grantsTo'>;
}

/** Returns a namespace's own names and its grants. Reads nothing else. */
export async function boundsOf(
  { metadata }: BoundsDependencies,
  namespace: Namespace,
  signal: AbortSignal,
): Promise<Bounds> {
  const own = (await metadata.findNamespace(namespace, signal))?.paths ?? [namespace];
  const owners = new Map<NamespaceId, readonly Namespace[]>();
  const granted: GrantedVolumes[] = [];
  for (const { ownerId, volume, access, trust } of await metadata.grantsTo(own, signal)) {
    const owner = owners.get(ownerId) ?? (await metadata.namespace(ownerId, signal))?.paths ?? [];
    owners.set(ownerId, owner);
    granted.push({ owner, volume, access, trust });
  }
  return { own, granted };
}
