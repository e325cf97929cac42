import { type OpenedVolume, type VolumeRecord, type VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { findVolume } from '../volumes/find-volume.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

export interface FedVolume {
  readonly planned: PlannedVolume;
  readonly volume: VolumeRecord;
  /** That of the run. */
  readonly by: PlannedVolume;
}

/** Volumes of tiers that took something of what a run saved: they have something for other machines as the run's own have. */
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
