import type { Bounds, GrantedVolumes, Metadata, Namespace, NamespaceId } from '@cachelane/core';

export interface BoundsDependencies {
  readonly metadata: Pick<Metadata, 'findNamespace' | 'namespace' | 'grantsTo'>;
}

/** What is a namespace's own, and what was granted to it by any of its names. Nothing else is looked up. */
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
