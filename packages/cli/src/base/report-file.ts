import type { RunReport } from '@cachelane/core';
import { replaceFile } from './replace-file.ts';

/** A run that failed before it found its context has no namespace and lane. */
export type WrittenReport = Omit<RunReport, 'namespace' | 'lane' | 'trust'> & {
  readonly [K in 'namespace' | 'lane' | 'trust']: RunReport[K] | null;
};

/** Writes `run --report FILE`. Throws errors of the file system. */
export function writeReport(path: string, report: WrittenReport): void {
  replaceFile(path, `${JSON.stringify(ordered(report), null, 2)}\n`);
}

/** Returns only the documented fields, in the documented order. */
function ordered(report: WrittenReport): WrittenReport {
  const { namespace, lane, trust, exitCode, volumes } = report;
  return {
    namespace,
    lane,
    trust,
    exitCode,
    volumes: volumes.map((volume) => ({
      name: volume.name,
      namespace: volume.namespace,
      path: volume.path,
      mounter: volume.mounter,
      mounterWhy: volume.mounterWhy,
      sharing: volume.sharing,
      hits: volume.hits.map(({ namespace, lane, layers }) => ({ namespace, lane, layers })),
      seed: volume.seed,
      evicted: volume.evicted,
      cameBack: volume.cameBack,
      shrunk: volume.shrunk,
      restoredBytes: volume.restoredBytes,
      attachMs: volume.attachMs,
      saveMs: volume.saveMs,
      added: volume.added,
      changed: volume.changed,
      removed: volume.removed,
      savedBytes: volume.savedBytes,
      layer: volume.layer,
      merged: volume.merged,
      fed: volume.fed.map(({ namespace, lane, layers, sizeBytes }) => ({ namespace, lane, layers, sizeBytes })),
      conflicts: volume.conflicts.map(({ path, resolution, layer }) => ({ path, resolution, layer })),
      skipped: volume.skipped,
      provider: volume.provider,
      warnings: volume.warnings,
      leftToOthers: volume.leftToOthers,
      sync: volume.sync,
    })),
  };
}
