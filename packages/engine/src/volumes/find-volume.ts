import {
  compatKey,
  type Compat,
  type Metadata,
  type Namespace,
  type VolumeName,
  type VolumeRecord,
} from '@cachelane/core';

export interface VolumeAddress {
  readonly namespace: Namespace;
  readonly name: VolumeName;
  readonly compat: Compat;
}

/** Undefined where the store has none. */
export async function findVolume(
  metadata: Pick<Metadata, 'findNamespace' | 'volumesOf'>,
  { namespace, name, compat }: VolumeAddress,
  signal: AbortSignal,
): Promise<VolumeRecord | undefined> {
  const record = await metadata.findNamespace(namespace, signal);
  if (record === undefined) return undefined;
  const key = compatKey(compat);
  const volumes = await metadata.volumesOf(record.id, signal);
  return volumes.find((each) => each.name === name && compatKey(each.compat) === key);
}
