import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CommandOutcome, RunRequest } from '@cachelane/core';
import type { HeldSignal } from '../chain/chain.ts';
import { canMountImages } from './probe-images.ts';
import { probeOverlay } from './probe-overlay.ts';
import { type MountWay, processRuntime } from './process-runtime.ts';

// A program: what the CLI is to the process runtime. `node run-command.fixture.ts JOB` runs what the JSON file JOB says,
// writes what came of it to JOB.place and JOB.outcomes, and exits with the last command's code.

export interface Job {
  /** One after the other. */
  readonly requests?: readonly Omit<RunRequest, 'onPlace'>[];
  readonly ignored?: readonly HeldSignal[];
  readonly mountWith?: MountWay;
  /** Instead of a run. */
  readonly probeHome?: string;
  /** Probes for images. */
  readonly probeImages?: boolean;
  /** Says `busy` and does nothing else until this file is there, all in the turn of the loop in which the first run begins. */
  readonly busyUntil?: string;
  /** Becomes this user and its group first; only root can. */
  readonly uid?: number;
}

const file = process.argv[2] ?? '';
const job = JSON.parse(readFileSync(file, 'utf8')) as Job;
const path = process.env['PATH'] ?? '';

function report(suffix: string, value: unknown): void {
  writeFileSync(`${file}.${suffix}.part`, JSON.stringify(value));
  renameSync(`${file}.${suffix}.part`, `${file}.${suffix}`);
}

if (job.uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(job.uid);
  process.setuid?.(job.uid);
}
// The CLI listens for as long as it lives. A shell whose terminal is gone passes the hangup on, and when it ends, the kernel
// sends another one, often when the command is over: that must not end us before we have said what came of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
if (job.requests !== undefined && job.requests.length > 0) {
  const runtime = processRuntime({ path, ignored: job.ignored ?? [], mountWith: () => job.mountWith ?? 'bubblewrap' });
  const outcomes: CommandOutcome[] = [];
  if (job.busyUntil !== undefined) {
    process.stdout.write('busy\n');
    while (!existsSync(job.busyUntil)) continue;
  }
  for (const request of job.requests) {
    outcomes.push(await runtime.run({ ...request, onPlace: (place) => report('place', place) }));
  }
  report('outcomes', outcomes);
  const last = outcomes.at(-1);
  process.exitCode = last?.kind === 'exited' ? last.exitCode : 125;
}
if (job.probeHome !== undefined) {
  const probe = job.probeImages === true ? canMountImages : probeOverlay;
  report('probe', await probe({ path, home: job.probeHome, mountWith: job.mountWith ?? 'bubblewrap' }));
}
