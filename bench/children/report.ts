import { readFileSync } from 'node:fs';

/** A child's measurements, as JSON on its stdout. */
export type ChildReport = Readonly<Record<'workMs' | 'cpuMs' | 'peakBytes', number>>;

/** Does the work and reports its duration without the start of Node. Processor time and memory include the whole process. */
export async function reported(work: () => Promise<void>): Promise<void> {
  const started = process.hrtime.bigint();
  await work();
  const workMs = Number(process.hrtime.bigint() - started) / 1e6;
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const report: ChildReport = {
    workMs,
    cpuMs: (userCPUTime + systemCPUTime) / 1000,
    peakBytes: Number(peak?.[1]) * 1024,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
