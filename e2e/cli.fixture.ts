import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunReport, VolumeReport } from '@cachelane/core';
import { inject } from 'vitest';
import { compiledName } from './bundle.fixture.ts';

export type WorldUser = 'root' | 'ordinary user';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** The users that can run the CLI on this machine. Root can also act as an ordinary user. */
export const worldUsers: readonly WorldUser[] = isRoot ? ['root', 'ordinary user'] : ['ordinary user'];

export interface WorldOptions {
  /** Default: the user that runs the tests. */
  readonly user?: WorldUser;
  /** Adds to or replaces the default environment; see {@link openWorld}. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * An existing directory where this world's programs see the world, in a mount namespace of their own. CI machines have
   * their checkouts and homes at one path. Needs `bwrap`.
   */
  readonly seenAt?: string;
}

/** Overrides how tools attach their caches: `CACHELANE_TEST_MOUNTER=clone npm test -- e2e/real-tools`. */
const wantedMounter = process.env['CACHELANE_TEST_MOUNTER'];
const everyRun = wantedMounter === undefined ? [] : ['--mounter', wantedMounter];

interface CallOptions {
  /** Default: the world's directory. */
  readonly cwd?: string;
  /** Variables for this call, added to the world's. `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: empty. Null keeps stdin open for the test to write to and end; only for started programs. */
  readonly input?: string | null;
}

interface RunOptions extends CallOptions {
  /** Options before the `--`, for example `['-v', 'npm']`. */
  readonly options?: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FinishedRun extends Finished {
  /** The report from `--report`. Throws if there is none. */
  readonly report: RunReport;
  /** Returns the volume of this name in the report. Throws if there is none. */
  volume(name: string): VolumeReport;
}

interface Started {
  /** The CLI process itself: send signals to its pid. */
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when stdout contains the text. Rejects if the process ends first. */
  readonly said: (text: string) => Promise<void>;
  /** Returns the output so far. */
  readonly stdout: () => string;
}

interface StartedRun extends Started {
  readonly finished: Promise<FinishedRun>;
}

/** A simulated machine: a home directory, a store, projects and an explicit environment. */
export interface World extends Disposable {
  /** The real path. Everything in it belongs to the world's user. All other paths are as its programs see them. */
  readonly dir: string;
  /** `HOME`. */
  readonly home: string;
  /** `CACHELANE_HOME`. The first run creates it. */
  readonly store: string;
  /** The environment of every call. Tests may change it. */
  readonly env: Record<string, string>;
  /** Writes files with their directories, at paths relative to the world's directory. Returns that directory's real path. */
  write(files: Readonly<Record<string, string>>): string;
  /** Creates the directory `projects/NAME` with these files and returns its path. It is not a git repository. */
  project(name: string, files?: Readonly<Record<string, string>>): string;
  /** Makes a directory a git repository, with this URL of `origin` if given. */
  gitInit(dir: string, remote?: string): void;
  /** Runs `cachelane ARGV`. */
  cachelane(argv: readonly string[], options?: CallOptions): Promise<Finished>;
  cachelaneSync(argv: readonly string[], options?: CallOptions): Finished;
  /** Returns the parsed output of `cachelane ARGV --json`. Throws if it fails. */
  json(argv: readonly string[], options?: CallOptions): Promise<unknown>;
  start(argv: readonly string[], options?: CallOptions): Started;
  /** Starts any other program, as the same user in the same environment. */
  startProgram(argv: readonly string[], options?: CallOptions): Started;
  /** Runs `cachelane run --report FILE OPTIONS -- COMMAND`. */
  run(command: readonly string[], options?: RunOptions): Promise<FinishedRun>;
  startRun(command: readonly string[], options?: RunOptions): StartedRun;
  /** Runs any other program, as the same user in the same environment. Throws if it fails. */
  exec(argv: readonly string[], options?: CallOptions): Finished;
  /** Like `exec`, but does not block the process. For programs that talk to a server in it. */
  execAsync(argv: readonly string[], options?: CallOptions): Promise<Finished>;
}

/**
 * Opens a world with HOME, PATH, TMPDIR and CACHELANE_HOME, and settings that keep npm, go and git off the network and
 * away from the machine's own settings. Variables of vitest and CI systems are not passed on.
 */
export function openWorld({ user, env: extra = {}, seenAt }: WorldOptions = {}): World {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-e2e-')));
  const identity = user === 'ordinary user' && isRoot ? { uid: nobody, gid: nobody } : {};
  const own = (path: string): void => {
    if (identity.uid !== undefined) lchownSync(path, identity.uid, identity.gid);
  };
  own(dir);
  const makeDirectory = (path: string): void => {
    if (existsSync(path)) return;
    makeDirectory(dirname(path));
    mkdirSync(path);
    own(path);
  };
  const seen = seenAt ?? dir;
  const home = join(seen, 'home');
  const store = join(seen, 'store');
  for (const name of ['home', 'tmp', 'reports']) makeDirectory(join(dir, name));
  const env = { ...defaultEnv(seen), HOME: home, CACHELANE_HOME: store, ...extra };
  const program = inject('cachelaneProgram');
  // Compiling takes a quarter of a call's time. The program removes both variables again.
  const compiled = {
    NODE_COMPILE_CACHE: join(dirname(program[1]), compiledName),
    _CACHELANE_COMPILE_CACHE: 'ours',
  };
  const asProgram = (options: CallOptions = {}): CallOptions => ({ ...options, env: { ...compiled, ...options.env } });
  const children: ChildProcess[] = [];
  let reports = 0;

  const spawnOptions = ({
    cwd = seen,
    env: more = {},
  }: CallOptions): SpawnOptions & { readonly env: NodeJS.ProcessEnv } => {
    const all = Object.entries({ ...env, ...more }).filter(([, value]) => value !== undefined);
    // When given a uid, libuv also drops the supplementary groups.
    return { cwd: seenAt === undefined ? cwd : dir, env: { ...Object.fromEntries(all), PWD: cwd }, ...identity };
  };
  const placed = (argv: readonly string[], { cwd = seen }: CallOptions): readonly string[] => {
    if (seenAt === undefined) return argv;
    const options = ['--die-with-parent', '--dev-bind', '/', '/', '--bind', dir, seenAt, '--chdir', cwd];
    return ['bwrap', ...options, '--', ...argv];
  };
  const call = (argv: readonly string[], options: CallOptions = {}): Finished => {
    const [file = '', ...rest] = placed(argv, options);
    const { status, signal, stdout, stderr, error } = spawnSync(file, rest, {
      ...spawnOptions(options),
      input: options.input ?? '',
      maxBuffer: 64 << 20,
    });
    if (error !== undefined) throw error;
    return { code: status, signal, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  const start = (argv: readonly string[], options: CallOptions = {}): Started => {
    const [file = '', ...rest] = placed(argv, options);
    const child = spawn(file, rest, { ...spawnOptions(options), stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    return { child, ...follow(child, options.input === undefined ? '' : options.input) };
  };
  const withReport = (command: readonly string[], { options = [] }: RunOptions): WithReport => {
    reports += 1;
    const name = join('reports', `${reports}.json`);
    const seenFile = join(seen, name);
    return { file: join(dir, name), argv: ['run', '--report', seenFile, ...everyRun, ...options, '--', ...command] };
  };
  const startRun = (command: readonly string[], options: RunOptions = {}): StartedRun => {
    const { file, argv } = withReport(command, options);
    const started = world.start(argv, options);
    return { ...started, finished: started.finished.then((finished) => finishedRun(finished, file)) };
  };
  const world: World = {
    dir,
    home,
    store,
    env,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        const file = join(dir, path);
        makeDirectory(dirname(file));
        writeFileSync(file, text);
        own(file);
      }
      return dir;
    },
    project(name, files = {}) {
      const below = join('projects', name);
      makeDirectory(join(dir, below));
      world.write(Object.fromEntries(Object.entries(files).map(([file, text]) => [join(below, file), text])));
      return join(seen, below);
    },
    gitInit(path, remote) {
      world.exec(['git', 'init', '--quiet', '--initial-branch=main', path]);
      if (remote !== undefined) world.exec(['git', '-C', path, 'remote', 'add', 'origin', '--', remote]);
    },
    cachelane: async (argv, options) => await world.start(argv, options).finished,
    cachelaneSync: (argv, options) => call([...program, ...argv], asProgram(options)),
    async json(argv, options) {
      return JSON.parse(succeeded(argv, await world.cachelane([...argv, '--json'], options)).stdout) as unknown;
    },
    start: (argv, options) => start([...program, ...argv], asProgram(options)),
    startProgram: start,
    run: async (command, options) => await startRun(command, options).finished,
    startRun,
    exec: (argv, options) => succeeded(argv, call(argv, options)),
    execAsync: async (argv, options) => succeeded(argv, await start(argv, options).finished),
    [Symbol.dispose]() {
      for (const child of children) child.kill('SIGKILL');
      // Go makes directories read-only. Only root can delete their contents.
      if (!isRoot) spawnSync('chmod', ['-R', 'u+rwX', dir]);
      // The store empties its trash in the background, and rmSync stops when a file is already gone.
      while (existsSync(dir)) rmSync(dir, { recursive: true, force: true });
    },
  };
  return world;
}

function succeeded(argv: readonly string[], finished: Finished): Finished {
  if (finished.code !== 0) throw new Error(`${argv.join(' ')}: ${JSON.stringify(finished)}`);
  return finished;
}

interface WithReport {
  readonly file: string;
  readonly argv: readonly string[];
}

function defaultEnv(dir: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    TMPDIR: join(dir, 'tmp'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    npm_config_globalconfig: join(dir, 'no-such-npmrc'),
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    GOENV: 'off',
    GOPROXY: 'off',
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '',
  };
}

function follow(child: ChildProcess, input: string | null): Omit<Started, 'child'> {
  const text = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text.stdout += more;
    for (const look of waiting) look();
  });
  child.stderr?.setEncoding('utf8').on('data', (more: string) => void (text.stderr += more));
  // A command that does not read its input closes it, which raises an error here.
  child.stdin?.on('error', () => {});
  if (input !== null) child.stdin?.end(input);
  const finished = once(child, 'close').then(([code, signal]): Finished => ({ code, signal, ...text }));
  return {
    finished,
    stdout: () => text.stdout,
    said: async (wanted) => {
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (text.stdout.includes(wanted)) resolve();
        };
        waiting.add(look);
        look();
        void finished.then((end) => reject(new Error(`ended before it printed ${wanted}: ${JSON.stringify(end)}`)));
      });
    },
  };
}

function finishedRun(finished: Finished, file: string): FinishedRun {
  return {
    ...finished,
    get report() {
      if (!existsSync(file)) throw new Error(`no report was written: ${JSON.stringify(finished)}`);
      return JSON.parse(readFileSync(file, 'utf8')) as RunReport;
    },
    volume(name) {
      const found = this.report.volumes.find((volume) => volume.name === name);
      if (found === undefined) throw new Error(`no volume ${name} in the report: ${JSON.stringify(this.report)}`);
      return found;
    },
  };
}
