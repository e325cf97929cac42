import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CommandOutcome, RunRequest } from '@cachelane/core';
import type { HeldSignal } from '../chain/chain.ts';
import { canMountImages } from './probe-images.ts';
import { probeOverlay } from './probe-overlay.ts';
import { type MountWay, processRuntime } from './process-runtime.ts';

// Plays the CLI: `node run-command.fixture.ts JOB` runs what the JSON file JOB says, writes JOB.place and JOB.outcomes, and exits with the
// last command's code.

export interface Job {
  /** Run one after the other. */
  readonly requests?: readonly Omit<RunRequest, 'onPlace'>[];
  readonly ignored?: readonly HeldSignal[];
  readonly mountWith?: MountWay;
  /** Probe instead of running. */
  readonly probeHome?: string;
  /** Probe for images. */
  readonly probeImages?: boolean;
  /** Before the first run, blocks the event loop with the text `busy` until this file exists. */
  readonly busyUntil?: string;
  /** First becomes this user; needs root. */
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
// The CLI listens as long as it lives. After the terminal is gone, its shell and then the kernel send a hangup, often after the command. It
// must not end this process before the report.
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
