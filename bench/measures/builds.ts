import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { hostCopy, mountOf, type Bench } from '../bench.ts';
import { timed } from '../processes.ts';
import { differenceOf, interleave, summaryOf } from '../statistics.ts';
import { milliseconds, timesFaster, type Row, type Section } from '../table.ts';

const examples = join(import.meta.dirname, '../../examples');

interface Build {
  readonly what: string;
  readonly command: readonly string[];
  readonly cwd: string;
  /** The argument of `-v`. */
  readonly volume: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hostEnv: Readonly<Record<string, string>>;
  /** Undoes the previous build's changes to the project. */
  readonly reset: () => void;
}

/** Measures real builds with a warm cache: a volume against the host's own directory. */
export function measureBuilds(bench: Bench): Section {
  const builds = [npmCi(bench), goBuild(bench), ...goBuildAll(bench)];
  return { title: 'Builds with a warm cache', rows: builds.flatMap((build) => rowsOf(bench, build)) };
}

function rowsOf(bench: Bench, { what, command, cwd, volume, env, hostEnv, reset }: Build): readonly Row[] {
  bench.say(`warm build: ${what}`);
  const prepare = (): void => {
    reset();
    bench.settle();
  };
  // Fill both caches. In the warm-up round, Go refreshes old entries.
  reset();
  timed(command, { cwd, env: hostEnv });
  reset();
  bench.run(volume, command, { cwd, env });
  const { own, host } = interleave(
    { rounds: bench.rounds, warmUp: true },
    {
      own: () => {
        prepare();
        return bench.run(volume, command, { cwd, env });
      },
      host: () => {
        prepare();
        return { ms: timed(command, { cwd, env: hostEnv }) };
      },
    },
  );
  const took = summaryOf(own, 'ms');
  const hostTook = summaryOf(host, 'ms');
  const label = volume.split(':')[0] ?? volume;
  return [
    {
      what,
      volume: label,
      measured: milliseconds(took),
      peer: `the host's own cache ${milliseconds(hostTook)}`,
      ratio: timesFaster(hostTook, took),
    },
    { what: '- more than on the host', volume: label, measured: milliseconds(differenceOf(own, host)) },
    { what: '- the save, included', volume: label, measured: milliseconds(summaryOf(own, 'saveMs')) },
  ];
}

function projectOf(bench: Bench, name: string): string {
  const dir = bench.path(`example-${name}`);
  cpSync(join(examples, name), dir, { recursive: true, filter: (path) => !path.includes('/node_modules') });
  return dir;
}

function npmCi(bench: Bench): Build {
  const cwd = projectOf(bench, 'web');
  const modules = join(cwd, 'node_modules');
  return {
    what: '`npm ci` of examples/web',
    command: ['npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund'],
    cwd,
    volume: 'npm',
    env: bench.env,
    hostEnv: bench.env,
    reset: () => {
      if (existsSync(modules)) bench.directory.discard(modules);
    },
  };
}

function goBuild(bench: Bench): Build {
  return {
    what: '`go build ./...` of examples/go',
    command: ['go', 'build', './...'],
    cwd: projectOf(bench, 'go'),
    volume: 'go-build',
    env: bench.env,
    hostEnv: bench.env,
    reset: () => {},
  };
}

/** Returns builds that read a big cache. Go refreshes times of used files, which copies them in an overlay. */
function goBuildAll(bench: Bench): readonly Build[] {
  const corpus = bench.corpora.find(({ name }) => name === 'go');
  if (corpus === undefined) return [];
  const { volume, path } = mountOf(bench, 'go');
  return [
    {
      what: '`go build std`',
      command: ['go', 'build', 'std'],
      cwd: bench.workDir,
      volume,
      env: { ...bench.env, GOCACHE: path },
      hostEnv: { ...bench.env, GOCACHE: hostCopy(bench, corpus) },
      reset: () => {},
    },
  ];
}
