import type { HeadRecord } from '@cachelane/core';
import { chainFor } from '@cachelane/engine';
import type { ApiRequest } from '../request/request.ts';
import { heldBy } from './held.ts';
import type { VolumeSubject } from './volume-subject.ts';

/** Returns the volume's heads on the lanes that the caller reads, nearest first. */
export async function chainHeads(
  request: ApiRequest,
  volume: Pick<VolumeSubject, 'namespace' | 'key' | 'compat'>,
): Promise<readonly HeadRecord[]> {
  const found: HeadRecord[] = [];
  for (const link of chainFor(request.caller.project.context, { namespace: volume.namespace, name: volume.key })) {
    const record = await request.world.deps.metadata.findNamespace(link.namespace, request.signal);
    const { heads } = await heldBy(request, { ...volume, record });
    found.push(...heads.filter((head) => head.lane === link.lane));
  }
  return found;
}
