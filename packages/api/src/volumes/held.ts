import type { HeadRecord, VolumeRecord } from '@cachelane/core';
import { compareText, volumeIn } from '@cachelane/engine';
import type { ApiRequest } from '../request/request.ts';
import type { VolumeSubject } from './volume-subject.ts';

type Named = Pick<VolumeSubject, 'record' | 'key' | 'compat'>;

/** Returns the stored volume; null if no run has used it. */
export async function findVolumeRecord(
  { world, signal }: ApiRequest,
  { record, key: name, compat }: Named,
): Promise<VolumeRecord | null> {
  if (record === undefined) return null;
  return (await volumeIn(world.deps.metadata, { namespaceId: record.id, name, compat }, signal)) ?? null;
}

export interface Held {
  readonly volume: VolumeRecord | null;
  /** Sorted by lane. */
  readonly heads: readonly HeadRecord[];
}

export async function heldBy(request: ApiRequest, named: Named): Promise<Held> {
  const volume = await findVolumeRecord(request, named);
  if (volume === null) return { volume, heads: [] };
  const heads = await request.world.deps.metadata.headsOf([volume.id], request.signal);
  return { volume, heads: heads.toSorted(byLane) };
}

export function byLane(a: HeadRecord, b: HeadRecord): number {
  return compareText(a.lane, b.lane);
}
