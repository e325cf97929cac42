import { type OpenedVolume, type VolumeRecord, type VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { findVolume } from '../volumes/find-volume.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

export interface FedVolume {
  readonly planned: PlannedVolume;
  readonly volume: VolumeRecord;
  /** The run's volume. */
  readonly by: PlannedVolume;
}

/** Returns the volumes of tiers that were fed from this run's save. They need a push too. */
export async function fedVolumes(
  { metadata }: Pick<EngineDependencies, 'metadata'>,
  {
    opened,
    reports,
  }: {
    readonly opened: readonly (OpenedVolume & { readonly planned: PlannedVolume })[];
    readonly reports: readonly VolumeReport[];
  },
): Promise<readonly FedVolume[]> {
  const found: FedVolume[] = [];
  for (const { planned } of opened) {
    for (const link of reports.find(({ path }) => path === planned.target)?.fed ?? []) {
      const { request, compat, tool } = planned;
      const own = { namespace: link.namespace, lane: link.lane };
      const volume = await findVolume(metadata, { ...own, name: request.name, compat }, neverAborted);
      if (volume === undefined) continue;
      const fed = { ...planned, own, chain: [own], sync: volume.sync ?? tool.sync };
      found.push({ planned: fed, volume, by: planned });
    }
  }
  return found;
}
