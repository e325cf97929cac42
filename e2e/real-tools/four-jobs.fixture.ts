import type { SyncReport } from '@cachelane/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FinishedRun } from '../cli.fixture.ts';
import { savedNothing } from './at-once.fixture.ts';
import { openCiMachines, type CiLane, type CiMachines } from './ci-machines.fixture.ts';
import { goJobs, type GoJob, type GoRepository } from './go-jobs.fixture.ts';
import { compiled, seeding } from './go-project.fixture.ts';

export interface FourJobsCase {
  readonly repository: GoRepository;
  /** What an earlier run on main compiled. Without it each job has its own copy of the standard library's basics. */
  readonly earlier: (() => string) | null;
  /** Also tries new checkouts and pull requests, on five more machines. */
  readonly withLanes: boolean;
  readonly open: () => Promise<{ readonly env: Readonly<Record<string, string>> } & AsyncDisposable>;
}

const sync = (run: FinishedRun): SyncReport | null => run.volume('go-build').sync;

/** Returns the number of packages that `go vet -x` examined. Go caches the findings for imported packages. */
function vetted(output: string): number {
  return output.match(/\/vet .*vet\.cfg/g)?.length ?? 0;
}

/** Two workflows with four concurrent jobs on four machines share one Go cache. Afterwards no machine compiles anything again. */
export function fourJobs({ repository, earlier, withLanes, open }: FourJobsCase): void {
  const { module, files, packages, tested, change } = repository;
  const jobs = goJobs(repository);
  const push: CiLane = { workflow: 'Build' };
  let remote: Awaited<ReturnType<FourJobsCase['open']>>;
  let machines: CiMachines;
  let cold: readonly FinishedRun[];

  interface Work {
    readonly lane: CiLane;
    readonly script: string;
    readonly files?: GoRepository['files'];
    readonly options?: readonly string[];
    readonly age?: 'now';
  }

  /** Starts a job on a new machine, which is kept for its report. The run prints `ready` once it has its view, and waits. */
  function start({ lane, script, options = [], ...checkout }: Work) {
    const { world, checkout: cwd } = machines.open({ files, lane, ...checkout });
    const started = world.startRun(['sh', '-ec', `echo ready; read line; ${script}`], { cwd, options, input: null });
    return { ...started, ready: started.said('ready') };
  }

  async function onNewMachine(work: Work): Promise<FinishedRun> {
    const started = start(work);
    await started.ready;
    started.child.stdin?.end('go\n');
    const run = await started.finished;
    expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining('::warning') as string });
    return run;
  }

  const all = jobs.map(({ script }) => script).join(' && ');
  const ofJob = (name: GoJob['name']): FinishedRun => {
    const run = cold[jobs.findIndex((job) => job.name === name)];
    if (run === undefined) throw new Error(`there is no job ${name}`);
    return run;
  };
  const own = (paths: readonly string[]): readonly string[] => paths.map((path) => `${module}/${path}`);

  function expectWarm(run: FinishedRun): void {
    expect(compiled(run.stderr)).toEqual([]);
    expect(run.stdout.match(/^ok .*\(cached\)$/gm)).toHaveLength(tested.length);
    expect(run.stdout.match(/^ok /gm)).toHaveLength(tested.length);
  }

  beforeAll(async () => {
    remote = await open();
    machines = openCiMachines(remote.env);
    if (earlier !== null) await onNewMachine({ lane: push, script: earlier() });
    // Copying the basics replaces compiling them four times with the same result.
    const basics = earlier === null ? `${seeding('$(go env GOCACHE)')} && ` : '';
    const started = jobs.map(({ workflow, script }) => start({ lane: { workflow }, script: `${basics}${script}` }));
    await Promise.all(started.map(async ({ ready }) => await ready));
    for (const { child } of started) child.stdin?.end('go\n');
    cold = await Promise.all(started.map(async ({ finished }) => await finished));
  });
  afterAll(async () => {
    machines[Symbol.dispose]();
    await remote[Symbol.asyncDispose]();
  });

  test('each of the four compiles what it needs and sends it', () => {
    for (const [index, run] of cold.entries()) {
      expect(run, jobs[index]?.name).toMatchObject({ code: 0, report: { lane: 't1:ref:main', trust: 'T1' } });
      expect(run.volume('go-build')).toMatchObject({ conflicts: [], skipped: null, sync: { pushed: 'sent' } });
      expect(sync(run)?.pushedBytes).toBeGreaterThan(0);
      const all = compiled(run.stderr);
      expect(all.filter((path) => path.startsWith(`${module}/`)).length).toBeGreaterThan(0);
      expect(all).not.toContain('runtime');
      expect(run.volume('go-build').hits).toHaveLength(earlier === null ? 0 : 1);
    }
    for (const name of ['first', 'second'] as const) expect(compiled(ofJob(name).stderr)).toContain('main');
    expect(ofJob('test').stdout.match(/^ok /gm)).toHaveLength(tested.length);
    expect(ofJob('test').stdout).not.toContain('(cached)');
    expect(vetted(ofJob('lint').stderr)).toBeGreaterThan(packages.length);
  });

  test('a fifth machine does all four jobs, compiles nothing, repeats no test, and saves nothing', async () => {
    const fifth = await onNewMachine({ lane: push, script: all });
    expectWarm(fifth);
    // Go caches the findings for imported packages. It examines the packages on the command line every time.
    expect(vetted(fifth.stderr)).toBe(packages.length);
    expect(fifth.volume('go-build')).toMatchObject({ ...savedNothing, sync: { pushed: 'none', pushedBytes: 0 } });
    expect(sync(fifth)?.pulledBytes).toBeGreaterThan(0);
    expect(sync(fifth)?.pulledLayers).toBe(jobs.length + (earlier === null ? 0 : 1));
  });

  // The remaining tests do not depend on the kind of remote, so one run of them is enough.
  if (!withLanes) return;

  test('a machine with a new checkout compiles nothing either, and saves only an index of its directories', async () => {
    const fresh = await onNewMachine({ lane: push, script: all, age: 'now' });
    expectWarm(fresh);
    const saved = fresh.volume('go-build');
    expect(saved).toMatchObject({ changed: 0, removed: 0, skipped: null });
    // An action and an output for each directory whose files were at least two seconds old when Go read it.
    expect(saved.added).toBeLessThanOrEqual(2 * packages.length);
    expect(saved.savedBytes).toBeLessThan(10_000);
  });

  test('a pull request compiles only its own change, and main does not see it', async () => {
    const changed = { files: { ...files, ...change.files } };
    const lane: CiLane = { workflow: 'Build', pullRequest: 12 };
    const sixth = await onNewMachine({ ...changed, lane, script: all });
    expect(sixth.report).toMatchObject({ lane: 't1:pr:12', trust: 'T1' });
    expect(sixth.volume('go-build')).toMatchObject({
      hits: [{ lane: 't1:ref:main' }],
      sync: { pushed: 'sent', pushedLayers: 1 },
    });
    expect(new Set(compiled(sixth.stderr))).toEqual(new Set([...own(change.compiles), 'main']));

    const [{ script } = { script: all }] = jobs;
    const again = await onNewMachine({ ...changed, lane, script });
    expect(again.volume('go-build').hits.map((hit) => hit.lane)).toEqual(['t1:pr:12', 't1:ref:main']);
    expect(compiled(again.stderr)).toEqual([]);
    const onMain = await onNewMachine({ ...changed, lane: push, script, options: ['--mode=read'] });
    expect(compiled(onMain.stderr)).toEqual(expect.arrayContaining([...own(change.ofFirst)]));
  });
}
