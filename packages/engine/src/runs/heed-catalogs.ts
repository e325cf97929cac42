import { CachelaneError, warningOf, type VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { plannedCold } from '../sessions/volume-report.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { judgeName } from '../catalogs/catalog-names.ts';

/** The volumes that catalogs and policies allow. */
export interface HeededVolumes {
  readonly planned: readonly PlannedVolume[];
  /** Reports of refused volumes. */
  readonly refused: readonly VolumeReport[];
}

type Heeding = Pick<RunCommandRequest, 'lanePolicy' | 'strict' | 'signal'>;

/** Warns about deprecated definitions and names that no catalog has. Errors, with `strict`: E_CATALOG for refused volumes. */
export async function heedCatalogs(
  deps: Pick<EngineDependencies, 'metadata' | 'policy' | 'events'>,
  request: Heeding,
  asked: readonly PlannedVolume[],
): Promise<HeededVolumes> {
  const planned: PlannedVolume[] = [];
  const refused: VolumeReport[] = [];
  for (const volume of asked) {
    const verdict = await judgeName(deps, request, volume);
    if (verdict?.policy === 'refuse') {
      const error = new CachelaneError('E_CATALOG', verdict.message, {
        hint: 'use a volume from a catalog (cachelane catalog ls), or publish this one',
      });
      if (request.strict) throw error;
      deps.events(warningOf(error, `${error.message}; the volume is left out`));
      refused.push(plannedCold(volume, error.message));
      continue;
    }
    const told = verdict === null ? volume : { ...volume, warnings: [...volume.warnings, verdict.message] };
    for (const message of told.warnings) deps.events(warningOf(new CachelaneError('E_CATALOG', message)));
    planned.push(told);
  }
  return { planned, refused };
}
