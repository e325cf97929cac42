import {
  compatKey,
  type Compat,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type VolumeName,
  type VolumeRecord,
} from '@cachelane/core';

export interface VolumeIdentity {
  readonly namespaceId: NamespaceId;
  readonly name: VolumeName;
  readonly compat: Compat;
}

/** Returns the volume with this identity, or undefined. */
export async function volumeIn(
  metadata: Pick<Metadata, 'volumesOf'>,
  { namespaceId, name, compat }: VolumeIdentity,
  signal: AbortSignal,
): Promise<VolumeRecord | undefined> {
  const key = compatKey(compat);
  const volumes = await metadata.volumesOf(namespaceId, signal);
  return volumes.find((each) => each.name === name && compatKey(each.compat) === key);
}

export interface VolumeAddress extends Omit<VolumeIdentity, 'namespaceId'> {
  readonly namespace: Namespace;
}

/** Returns the volume at an address, or undefined. */
export async function findVolume(
  metadata: Pick<Metadata, 'findNamespace' | 'volumesOf'>,
  { namespace, ...volume }: VolumeAddress,
  signal: AbortSignal,
): Promise<VolumeRecord | undefined> {
  const record = await metadata.findNamespace(namespace, signal);
  return record === undefined ? undefined : await volumeIn(metadata, { ...volume, namespaceId: record.id }, signal);
}
