import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunReport } from '@cachelane/core';
import { timed } from './processes.ts';

const launcher = join(import.meta.dirname, '../cachelane');

export interface CachelaneRun {
  /** The argument of `-v`. */
  readonly volume: string;
  /** More options of `cachelane run`. */
  readonly options?: readonly string[];
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CachelaneSample extends Readonly<Record<string, number>> {
  /** The duration of the whole process. */
  readonly ms: number;
  readonly attachMs: number;
  readonly saveMs: number;
  /** The number of layers that it read. */
  readonly layers: number;
  /** The number of entries that it saved. */
  readonly saved: number;
}

export interface CachelaneMemorySample extends CachelaneSample {
  readonly peakBytes: number;
}

/** Runs the launcher at the root of the repository, as a user does. */
export function runCachelane(run: CachelaneRun): CachelaneSample {
  return measure(run, {});
}

/** Like `runCachelane`. The process itself reports its peak memory, so the command must not be Node, which would report too. */
export function runForMemory(run: CachelaneRun): CachelaneMemorySample {
  const peakFile = join(run.cwd, 'peak');
  const sample = measure(run, { NODE_OPTIONS: `--import=${reportPeak}`, CACHELANE_BENCH_PEAK: peakFile });
  return { ...sample, peakBytes: Number(readFileSync(peakFile, 'utf8')) * 1024 };
}

// The kernel's high-water mark of this address space. getrusage also includes the process before its exec, a copy of the
// parent.
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
  // A run without a cache would be fast and measure nothing.
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
