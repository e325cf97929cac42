import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CachelaneSample } from '../cachelane.ts';
import type { Bench } from '../bench.ts';
import { runCachelane } from '../cachelane.ts';
import { textOf, timed } from '../processes.ts';
import { differenceOf, interleave, summarize, summaryOf } from '../statistics.ts';
import { milliseconds, timesFaster, type Row, type Section } from '../table.ts';

const services = join(import.meta.dirname, '../../examples/services');
const volume = 'go-build';

/** Two programs, tests and a linter, from `examples/services`. */
const jobs = [
  'go build -o "$TMPDIR/" ./cmd/api',
  'go build -o "$TMPDIR/" ./cmd/worker',
  'go test -vet=off ./...',
  'go vet ./...',
];
const allJobs = jobs.join(' && ');

interface Machine {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/**
 * Measures four jobs on four concurrent machines that share a directory, then all four on a fifth machine, against all four in
 * one session on one machine. Machines have different homes and stores, and the same checkout path, as in CI.
 */
export function measureFourJobs(bench: Bench): Section {
  const cwd = bench.path('four-jobs');
  cpSync(services, cwd, { recursive: true });
  // Go keeps no index of a directory that has just changed.
  textOf(['find', cwd, '-exec', 'touch', '-d', '2026-01-01', '{}', '+']);
  const remote = bench.path('four-jobs-remote');
  mkdirSync(remote);
  const sharing = ['-n', 'acme/services', '--remote', `dir:${remote}`, '--push', 'wait'];
  const alone = ['-n', 'acme/services', '--no-remote'];
  const work = ({ env }: Machine, options: readonly string[]): CachelaneSample =>
    runCachelane({ volume, options, command: ['sh', '-ec', allJobs], cwd, env });

  bench.say('four jobs: four concurrent machines, all cold');
  const machines = jobs.map((_, index) => machineOf(bench, `machine-${index}`, cwd));
  const coldMs = atOnce(machines, sharing);
  const { own, session, sessionCold } = interleave(
    { rounds: bench.rounds, warmUp: false },
    {
      own: (round) => work(machineOf(bench, `fifth-${round}`, cwd), sharing),
      sessionCold: (round) => work(machineOf(bench, `alone-${round}`, cwd), alone),
      session: (round) => work(machineOf(bench, `alone-${round}`, cwd), alone),
    },
  );
  return { title: 'Four jobs on four machines', rows: rowsOf({ coldMs, own, session, sessionCold }) };
}

interface Measured {
  readonly coldMs: number;
  readonly own: readonly CachelaneSample[];
  readonly session: readonly CachelaneSample[];
  readonly sessionCold: readonly CachelaneSample[];
}

function rowsOf({ coldMs, own, session, sessionCold }: Measured): readonly Row[] {
  const fifth = summaryOf(own, 'ms');
  const warm = summaryOf(session, 'ms');
  const cold = summaryOf(sessionCold, 'ms');
  return [
    {
      what: 'four concurrent machines, all cold, until the last has sent its layer',
      volume,
      measured: milliseconds(summarize([coldMs])),
    },
    {
      what: 'a fifth machine, all four jobs, including the pull',
      volume,
      measured: milliseconds(fifth),
      peer: `one cold session on one machine ${milliseconds(cold)}`,
      ratio: timesFaster(cold, fifth),
    },
    {
      what: '- against a warm session',
      volume,
      measured: milliseconds(fifth),
      peer: `a second session on one machine ${milliseconds(warm)}`,
      ratio: timesFaster(warm, fifth),
    },
    {
      what: '- the difference, mostly the pull',
      volume,
      measured: milliseconds(differenceOf(own, session)),
    },
    { what: '- the attach, included', volume, measured: milliseconds(summaryOf(own, 'attachMs')) },
  ];
}

/** Returns a machine. An existing one of that name keeps its state. */
function machineOf(bench: Bench, name: string, cwd: string): Machine {
  const dir = bench.path(`four-jobs-${name}`);
  for (const part of ['home', 'tmp']) if (!existsSync(join(dir, part))) mkdirSync(join(dir, part), { recursive: true });
  return {
    cwd,
    env: { ...bench.env, HOME: join(dir, 'home'), TMPDIR: join(dir, 'tmp'), CACHELANE_HOME: join(dir, 'store') },
  };
}

/** Starts one job on each machine and waits for all. */
function atOnce(machines: readonly Machine[], options: readonly string[]): number {
  const launcher = join(import.meta.dirname, '../../cachelane');
  const lines = machines.map(({ env }, index) => {
    const own = ['HOME', 'TMPDIR', 'CACHELANE_HOME'].map((name) => `${name}='${env[name]}'`).join(' ');
    return `${own} "$0" run -q -v ${volume} "$@" -- sh -ec '${jobs[index]}' & p${index}=$!`;
  });
  const waits = machines.map((_, index) => `wait $p${index}`);
  const [first] = machines;
  if (first === undefined) throw new Error('no machines');
  return timed(['sh', '-ec', [...lines, ...waits].join('\n'), launcher, ...options], first);
}
