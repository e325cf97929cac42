import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunReport } from '@cachelane/core';
import { timed } from './processes.ts';

const launcher = join(import.meta.dirname, '../cachelane');

export interface CachelaneRun {
  /** As after `-v`. */
  readonly volume: string;
  /** Of `cachelane run`, beside those. */
  readonly options?: readonly string[];
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CachelaneSample extends Readonly<Record<string, number>> {
  /** The whole process. */
  readonly ms: number;
  readonly attachMs: number;
  readonly saveMs: number;
  /** Layers that it found. */
  readonly layers: number;
  /** Entries that it saved. */
  readonly saved: number;
}

export interface CachelaneMemorySample extends CachelaneSample {
  readonly peakBytes: number;
}

/** One run through the launcher at the root of the repository, as a person types it. */
export function runCachelane(run: CachelaneRun): CachelaneSample {
  return measure(run, {});
}

/** The same; the process itself tells how much memory it had at most. For commands that are not Node, which would answer too. */
export function runForMemory(run: CachelaneRun): CachelaneMemorySample {
  const peakFile = join(run.cwd, 'peak');
  const sample = measure(run, { NODE_OPTIONS: `--import=${reportPeak}`, CACHELANE_BENCH_PEAK: peakFile });
  return { ...sample, peakBytes: Number(readFileSync(peakFile, 'utf8')) * 1024 };
}

// The kernel's high-water mark of this address space. The one of getrusage would also know what the process was before
// its exec, a copy of ours.
const reportPeak = `data:text/javascript,${encodeURIComponent(`
import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => {
  const peak = /^VmHWM:\\s*(\\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.CACHELANE_BENCH_PEAK, peak[1]);
});`)}`;

function measure(
  { volume, options = [], command, cwd, env }: CachelaneRun,
  extra: Readonly<Record<string, string>>,
): CachelaneSample {
  const reportFile = join(cwd, 'report.json');
  if (existsSync(reportFile)) rmSync(reportFile);
  const argv = [launcher, 'run', '-v', volume, '--report', reportFile, ...options, '--', ...command];
  const ms = timed(argv, { cwd, env: { ...env, ...extra } });
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as RunReport;
  const [first] = report.volumes;
  // A run that fell back to no cache would be fast and measure nothing.
  if (first === undefined || first.mounter === null) throw new Error(`${volume} was not attached`);
  if (first.skipped !== null) throw new Error(`${volume} was not saved: ${first.skipped}`);
  return {
    ms,
    attachMs: first.attachMs,
    saveMs: first.saveMs,
    layers: first.hits.reduce((sum, hit) => sum + hit.layers, 0),
    saved: first.added + first.changed + first.removed,
  };
}
