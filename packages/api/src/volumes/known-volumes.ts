import type { NamespaceRecord, VolumeRecord } from '@cachelane/core';
import { mayKnowOf, mayKnowVolume } from '../request/caller.ts';
import type { ApiRequest } from '../request/request.ts';

/** Returns the volumes of a namespace that the caller may see. */
export async function knownVolumes(
  { world, caller, signal }: ApiRequest,
  { id, paths }: NamespaceRecord,
): Promise<readonly VolumeRecord[]> {
  const volumes = await world.deps.metadata.volumesOf(id, signal);
  return volumes.filter(({ name }) => mayKnowVolume(caller, paths, name));
}

/** Returns all volumes that a confined session may see, without reading others. */
export async function allKnownVolumes(request: ApiRequest): Promise<readonly VolumeRecord[]> {
  const { world, caller, signal } = request;
  const volumes: VolumeRecord[] = [];
  for (const record of await world.deps.metadata.listNamespaces(signal)) {
    if (mayKnowOf(caller, record.paths)) volumes.push(...(await knownVolumes(request, record)));
  }
  return volumes;
}
