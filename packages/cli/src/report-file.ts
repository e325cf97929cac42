import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { RunReport } from '@cachelane/core';

/** A run that could not even find out where it is has no namespace and no lane. */
export type WrittenReport = Omit<RunReport, 'namespace' | 'lane' | 'trust'> & {
  readonly [K in 'namespace' | 'lane' | 'trust']: RunReport[K] | null;
};

/**
 * Writes `run --report FILE`: a reader sees the old file or the whole new one. What is no regular file (`/dev/stdout`, a
 * pipe) is written to as it is, since renaming would put a file in its place. Throws errors of the file system.
 */
export function writeReport(path: string, report: WrittenReport): void {
  const text = `${JSON.stringify(ordered(report), null, 2)}\n`;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) {
    writeFileSync(path, text);
    return;
  }
  // A symlink to the file is kept.
  const target = stats === undefined ? path : realpathSync(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { flag: 'wx', mode: stats === undefined ? 0o666 : stats.mode & 0o777 });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    // A single file that is mounted into a container can be written and not replaced.
    if (stats === undefined) throw error;
    writeFileSync(target, text);
  }
}

/** The documented fields in the documented order, whatever else the engine's object carries. */
function ordered(report: WrittenReport): WrittenReport {
  const { namespace, lane, trust, exitCode, volumes } = report;
  return {
    namespace,
    lane,
    trust,
    exitCode,
    volumes: volumes.map((volume) => ({
      name: volume.name,
      path: volume.path,
      mounter: volume.mounter,
      mounterWhy: volume.mounterWhy,
      sharing: volume.sharing,
      hits: volume.hits.map(({ namespace, lane, layers }) => ({ namespace, lane, layers })),
      seed: volume.seed,
      evicted: volume.evicted,
      cameBack: volume.cameBack,
      shrunk: volume.shrunk,
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
      leftToOthers: volume.leftToOthers,
      sync: volume.sync,
    })),
  };
}
