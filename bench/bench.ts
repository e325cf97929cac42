import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  runCachelane,
  runForMemory,
  type CachelaneMemorySample,
  type CachelaneRun,
  type CachelaneSample,
} from './cachelane.ts';
import type { Corpus } from './corpora/corpus.ts';
import type { BenchDirectory } from './directory.ts';
import { textOf } from './processes.ts';

/** The directory, environment and options of a command. */
type RunPlace = Pick<CachelaneRun, 'cwd' | 'env' | 'options'>;

/** The state that all measurements share. */
export interface Bench {
  readonly directory: BenchDirectory;
  readonly corpora: readonly Corpus[];
  /** For work that takes tenths of seconds. */
  readonly rounds: number;
  readonly env: Readonly<Record<string, string>>;
  readonly workDir: string;
  /** Returns a path of that name in the run's directory. */
  path(name: string): string;
  /** The default store of all runs. */
  readonly storeDir: string;
  run(volume: string, command: readonly string[], place?: Partial<RunPlace>): CachelaneSample;
  runForMemory(volume: string, command: readonly string[], storeDir?: string): CachelaneMemorySample;
  /** Waits until the disk has written everything, so that it does not slow the next contender. */
  settle(): void;
  say(text: string): void;
}

export interface BenchOptions {
  readonly directory: BenchDirectory;
  readonly corpora: readonly Corpus[];
  readonly rounds: number;
}

export function openBench({ directory, corpora, rounds }: BenchOptions): Bench {
  const path = (name: string): string => join(directory.runDir, name);
  const workDir = path('project');
  const storeDir = path('store');
  for (const dir of [workDir, path('home'), path('mounts'), path('tmp')]) mkdirSync(dir, { recursive: true });
  // Without the caller's CI variables and npm settings.
  const env = {
    ...networkSettings(),
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    HOME: path('home'),
    TMPDIR: path('tmp'),
    CACHELANE_HOME: storeDir,
    GOTOOLCHAIN: 'local',
    npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: path('restic-cache'),
  };
  return {
    directory,
    corpora,
    rounds,
    env,
    workDir,
    path,
    storeDir,
    run: (volume, command, place) => runCachelane({ volume, command, env, cwd: workDir, ...place }),
    runForMemory: (volume, command, home = storeDir) =>
      runForMemory({ volume, command, env: { ...env, CACHELANE_HOME: home }, cwd: workDir }),
    settle: () => void textOf(['sync', '-f', directory.runDir]),
    say: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Returns the settings for access to the registry, which fills the caches once. */
function networkSettings(): Record<string, string> {
  const names = ['NODE_EXTRA_CA_CERTS', 'npm_config_registry', 'npm_config_cafile', 'https_proxy', 'HTTPS_PROXY'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Returns the path of a corpus as a volume, and its name for `-v`. */
export function mountOf(bench: Bench, name: string): { readonly volume: string; readonly path: string } {
  const path = bench.path(join('mounts', name));
  return { volume: `${name === 'go' ? 'go-build' : name}:${path}`, path };
}

/** Returns an ordinary directory with the corpus's files, as on a machine without Cachelane. */
export function hostCopy(bench: Bench, { name, filesDir }: Corpus): string {
  const path = bench.path(`host-${name}`);
  if (!existsSync(path)) textOf(['cp', '-a', filesDir, path]);
  return path;
}
