import {
  seedLane,
  type Eviction,
  type FedTier,
  type LayerCounts,
  type Namespace,
  type PinnedLink,
  type ProviderReport,
  type VolumeReport,
} from '@cachelane/core';
import type { VolumeRequest } from '../model/volume-request.ts';
import type { GrownVolume } from '../growth/grow-volume.ts';
import type { Saved } from '../save/save-volume.ts';
import { shownName, unprovided } from '../providers/provider-report.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { MounterChoice } from '../leases/mounters.ts';

const noCounts: LayerCounts = { added: 0, changed: 0, removed: 0, sizeBytes: 0 };

/** Returns the report of a volume that the run had no cache for. */
export function coldReport(request: VolumeRequest, path: string, why: string): VolumeReport {
  const provider = unprovided(request);
  return reportOf(
    {
      name: shownName(request),
      namespace: request.namespace,
      path,
      provider,
      choice: null,
      links: [],
      seed: null,
      evicted: null,
      restoredBytes: 0,
      attachMs: 0,
      warnings: [],
    },
    {
      ...nothingSaved,
      saveMs: 0,
      skipped: why,
    },
  );
}

/** Returns the same for a planned volume. */
export function plannedCold({ request, target, warnings }: PlannedVolume, why: string): VolumeReport {
  return { ...coldReport(request, target, why), warnings };
}

/** The result of a save. */
export interface SaveEnd {
  readonly saved: Saved | null;
  readonly skipped: string | null;
  readonly leftToOthers: boolean;
  readonly grown?: GrownVolume;
  readonly fed?: readonly FedTier[];
}

export const nothingSaved: SaveEnd = { saved: null, skipped: null, leftToOthers: false };

export interface ReportHead {
  readonly name: string;
  readonly namespace: Namespace | null;
  readonly path: string;
  readonly provider: ProviderReport | null;
  readonly choice: MounterChoice | null;
  readonly links: readonly PinnedLink[];
  readonly seed: string | null;
  readonly evicted: Eviction | null;
  readonly restoredBytes: number;
  readonly attachMs: number;
  readonly warnings: readonly string[];
}

export function reportOf(head: ReportHead, end: SaveEnd & { readonly saveMs: number }): VolumeReport {
  const { saved } = end;
  const counts = saved?.layer.counts ?? noCounts;
  const holding = head.links.filter(({ layers }) => layers.length > 0);
  return {
    name: head.name,
    namespace: head.namespace,
    path: head.path,
    mounter: head.choice?.mounter ?? null,
    mounterWhy: head.choice?.why ?? null,
    sharing: head.choice?.sharing ?? null,
    hits: holding
      .filter(({ lane }) => lane !== seedLane)
      .map(({ namespace, lane, layers }) => ({ namespace, lane, layers: layers.length })),
    seed: holding.some(({ lane }) => lane === seedLane) ? head.seed : null,
    evicted: head.evicted,
    cameBack: end.grown?.cameBack ?? null,
    shrunk: end.grown?.shrunk ?? null,
    restoredBytes: head.restoredBytes,
    attachMs: roundMs(head.attachMs),
    saveMs: roundMs(end.saveMs),
    added: counts.added,
    changed: counts.changed,
    removed: counts.removed,
    savedBytes: counts.sizeBytes,
    layer: saved?.layer.id ?? null,
    merged: saved?.merged ?? 0,
    fed: end.fed ?? [],
    conflicts: saved?.conflicts ?? [],
    skipped: end.skipped,
    provider: head.provider,
    warnings: head.warnings,
    leftToOthers: end.leftToOthers,
    sync: null,
  };
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
