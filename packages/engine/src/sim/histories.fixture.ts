import type { RunId } from '@cachelane/core';
import type { MemoryVolume } from '@cachelane/testkit';
import fc from 'fast-check';
import { put, testEngine, type TestEngine, type TestRun } from '../testing/test-engine.fixture.ts';

/** A run that installs names and writes its own files. */
interface Job {
  readonly names: readonly string[];
}

/** Runs overlap or follow each other, as listed. */
type Step = { readonly kind: 'start' | 'finish'; readonly job: number };

export interface History {
  readonly jobs: readonly Job[];
  /** Groups of steps; steps of one group run concurrently. */
  readonly schedule: readonly (readonly Step[])[];
}

/** Returns an arbitrary order of steps, cut into arbitrary groups. */
export function arbitraryHistory(names: (job: number) => fc.Arbitrary<readonly string[]>): fc.Arbitrary<History> {
  return fc.integer({ min: 2, max: 7 }).chain((count) => {
    const jobs = fc.tuple(
      ...Array.from({ length: count }, (_, job) => names(job).map((list): Job => ({ names: list }))),
    );
    const order = fc.shuffledSubarray(
      Array.from({ length: count * 2 }, (_, index) => index),
      { minLength: count * 2 },
    );
    const cuts = fc.array(fc.boolean(), { minLength: count * 2, maxLength: count * 2 });
    return fc
      .tuple(jobs, order, cuts)
      .map(([list, shuffled, cut]) => ({ jobs: list, schedule: toSchedule(shuffled, cut) }));
  });
}

function toSchedule(shuffled: readonly number[], cuts: readonly boolean[]): History['schedule'] {
  const started = new Set<number>();
  const groups: Step[][] = [[]];
  for (const [index, number] of shuffled.entries()) {
    const job = number >> 1;
    const kind = started.has(job) ? 'finish' : 'start';
    started.add(job);
    // A job cannot start and finish in the same group.
    const together = groups.at(-1) as Step[];
    if ((cuts[index] === true && together.length > 0) || together.some((step) => step.job === job))
      groups.push([{ kind, job }]);
    else together.push({ kind, job });
  }
  return groups;
}

/** Adds content and a line that names it, like a package manager. */
function install(volume: MemoryVolume | undefined, name: string): void {
  const index = `index/${name.slice(0, 1)}`;
  put(volume, `content/${name}`, `bytes of ${name}`);
  const before = volume?.exists(index) === true ? Buffer.from(volume.read(index)).toString() : '';
  put(volume, index, `${before}${name}\n`);
}

export interface Played {
  readonly engine: TestEngine;
  /** By job. */
  readonly runs: readonly (RunId | undefined)[];
}

/** Plays a history. `without` leaves one job out. */
export async function play(history: History, without: number | null = null): Promise<Played> {
  const engine = testEngine();
  const running = new Map<number, { readonly release: () => void; readonly ended: Promise<unknown> }>();
  const runs: (RunId | undefined)[] = [];
  for (const group of history.schedule) {
    await Promise.all(
      group.map(async ({ kind, job }) => {
        if (job === without) return;
        if (kind === 'start') running.set(job, await start(engine, history.jobs[job] as Job));
        else {
          running.get(job)?.release();
          await running.get(job)?.ended;
        }
      }),
    );
  }
  for (const event of engine.events) if (event.type === 'session-opened') runs.push(event.run);
  return { engine, runs: runsByJob(history, without, runs) };
}

async function start(
  engine: TestEngine,
  job: Job,
): Promise<{ readonly release: () => void; readonly ended: Promise<unknown> }> {
  const { promise: gate, resolve: release } = Promise.withResolvers<void>();
  const { promise: isRunning, resolve: began } = Promise.withResolvers<void>();
  const ended = engine.run(async ([volume]) => {
    began();
    await gate;
    for (const name of job.names) install(volume, name);
  });
  await Promise.race([isRunning, ended]);
  return { release, ended };
}

/** Sessions open in the order of their starts. */
function runsByJob(
  history: History,
  without: number | null,
  opened: readonly (RunId | undefined)[],
): readonly (RunId | undefined)[] {
  const order = history.schedule.flat().filter(({ kind, job }) => kind === 'start' && job !== without);
  const byJob: (RunId | undefined)[] = [];
  for (const [index, { job }] of order.entries()) byJob[job] = opened[index];
  return byJob;
}

/** Returns every file that a new run would find. */
export async function look(engine: TestEngine, options: TestRun = {}): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  await engine.run(
    ([volume]) => {
      for (const [path, file] of volume?.look() ?? []) if (file.type === 'file') seen.set(path, file.content);
    },
    { ...options, request: { ...options.request, mode: 'read' } },
  );
  return seen;
}
