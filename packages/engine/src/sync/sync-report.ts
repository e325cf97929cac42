import type { OpenedVolume, SyncReport, VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { FedVolume } from './fed-volumes.ts';
import type { Pulled } from './pull/pull-volumes.ts';
import type { PushedVolumes } from './push/push-volumes.ts';
import { whyLocal } from './heads/synced-volumes.ts';

export interface SyncedRun {
  /** Display name. */
  readonly remote: string;
  readonly opened: readonly (OpenedVolume & { readonly planned: PlannedVolume })[];
  readonly fed: readonly FedVolume[];
  readonly pulled: Pulled;
  readonly pullMs: number;
  readonly pushed: PushedVolumes;
  readonly pushMs: number;
}

/** Adds the transfers to the reports and emits them. */
export async function withSync(
  { events }: Pick<EngineDependencies, 'events'>,
  reports: readonly VolumeReport[],
  run: SyncedRun,
): Promise<readonly VolumeReport[]> {
  const told: VolumeReport[] = [];
  for (const report of reports) {
    const opened = run.opened.find(({ planned }) => planned.target === report.path);
    const sync = opened === undefined ? null : syncOf(opened, run);
    if (sync !== null) events({ type: 'synced', volume: report.name, report: sync });
    told.push({ ...report, sync });
  }
  return told;
}

function syncOf(
  { planned }: SyncedRun['opened'][number],
  { remote, fed, pulled, pullMs, pushed, pushMs }: SyncedRun,
): SyncReport | null {
  if (whyLocal(planned) !== null) return null;
  const came = pulled.volumes.get(planned);
  const went = pushed.get(planned);
  const toTiers = fed.flatMap((each) => (each.by === planned ? (pushed.get(each.planned) ?? []) : []));
  const all = [...(went === undefined ? [] : [went]), ...toTiers];
  // One later push sends everything that is left.
  const told = all.find(({ state }) => state === 'later') ?? all.find(({ state }) => state === 'sent') ?? went;
  return {
    remote,
    pulledLayers: came?.layers ?? 0,
    pulledBytes: came?.bytes ?? 0,
    pullMs: Math.round(pullMs),
    pushedLayers: all.reduce((sum, { layers }) => sum + layers, 0),
    pushedBytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    pushMs: Math.round(pushMs),
    pushed: told?.state ?? 'none',
    why: told?.why ?? null,
    conflicts: went?.conflicts ?? [],
  };
}
