import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatLane,
  limits,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type Clock,
  type Context,
  type HeadRecord,
  type LeaseStore,
  type Metadata,
  type RunReport,
  type VolumeRecord,
} from '@cachelane/core';
import {
  runCommand,
  Seeds,
  type EngineDependencies,
  type GarbageOptions,
  type RunCommandRequest,
} from '@cachelane/engine';
import { probeOverlay, processRuntime } from '@cachelane/runtimes';
import {
  openLayerFiles,
  openMounters,
  openSqliteMetadata,
  openTransferFiles,
  realFiles,
  type StoreFiles,
  openSeedFiles,
} from '@cachelane/store';
import { dyingProcess, type DeathPoint, type DyingProcess } from '@cachelane/testkit';
import { tools } from '@cachelane/tools';

// Simulates cachelane processes that die at a chosen operation, inside the test's process. Engine, database, layer files
// and mounts are real. The fixture releases the locks, as the kernel does when a process ends.

export const noAbort: AbortSignal = new AbortController().signal;

/** A collection with default settings that ignores how full the disk is. */
export const everything: GarbageOptions = {
  policy: { 'free-space': { value: 0, source: 'test' } },
  upTo: 'T3',
  isThere: () => true,
};

/** The death point of a process that never dies. */
export const immortal: DeathPoint = { operation: 0, when: 'before' };

export interface CrashHome extends Disposable {
  readonly dir: string;
  /** The home directory. */
  readonly store: string;
  /** The directory for the mount points of `data` and `npm`. Runs create them. */
  readonly mounts: string;
  /** Added to the time of day. */
  clockOffsetMs: number;
  /** Opens a process on this home. */
  open(point?: DeathPoint, hooks?: Hooks): Promise<CrashProcess>;
  /** Saves the current state. Returns a function that restores it. */
  snapshot(): () => void;
}

export interface Hooks {
  /** Called after the command, before its client gets the result. */
  readonly afterCommand?: () => Promise<void>;
  /** Called just before the first move of a head. */
  readonly beforeCommit?: () => Promise<void>;
}

export interface CrashProcess extends AsyncDisposable {
  readonly deps: EngineDependencies;
  readonly life: DyingProcess;
  /** Runs a shell script with the volumes' directories in $DATA and $NPM and the home's directory in $DIR. */
  run(script: string): Promise<RunReport>;
}

/** Creates a home in memory if overlays work there, because hundreds of dying processes need no disk. */
export async function createCrashHome(): Promise<CrashHome> {
  const inMemory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'cachelane-crash-'));
  const { ok } = await probeOverlay({ home: inMemory, path: process.env['PATH'] ?? '' });
  if (ok) return homeIn(inMemory);
  removeTree(inMemory);
  return homeIn(realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-crash-'))));
}

function removeTree(dir: string): void {
  if (process.getuid?.() !== 0) spawnSync('chmod', ['-R', 'u+rwX', dir], { stdio: 'ignore' });
  rmSync(dir, { recursive: true, force: true });
}

function homeIn(dir: string): CrashHome {
  const store = join(dir, 'store');
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const living = new Map<string, DyingProcess>();
  const snapshots: string[] = [];
  const home: CrashHome = {
    dir,
    store,
    mounts: join(dir, 'mounts'),
    clockOffsetMs: 0,
    open: async (point = immortal, hooks = {}) => await openProcess(home, living, { life: dyingProcess(point), hooks }),
    snapshot: () => {
      const kept = realpathSync(mkdtempSync(`${dir}-kept-`));
      snapshots.push(kept);
      const { clockOffsetMs } = home;
      copyTree(dir, kept);
      return () => {
        living.clear();
        home.clockOffsetMs = clockOffsetMs;
        removeTree(dir);
        mkdirSync(dir);
        copyTree(kept, dir);
      };
    },
    [Symbol.dispose]: () => {
      for (const each of [dir, ...snapshots]) removeTree(each);
    },
  };
  return home;
}

function copyTree(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', `${from}/.`, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Deletes at once instead of in the background. */
const filesHere: StoreFiles = {
  ...realFiles,
  start: (job) => {
    if (job.kind === 'remove') removeTree(job.dir);
  },
};

interface Life {
  readonly life: DyingProcess;
  readonly hooks: Hooks;
}

async function openProcess(
  home: CrashHome,
  living: Map<string, DyingProcess>,
  { life, hooks }: Life,
): Promise<CrashProcess> {
  const clock: Clock = {
    nowMs: () => Date.now() + home.clockOffsetMs,
    monotonicMs: () => performance.now(),
    sleep: async () => await Promise.resolve(),
  };
  const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  const files = life.wrap(filesHere);
  const database = await openSqliteMetadata({ file: join(home.store, 'state.db'), random, clock }, noAbort);
  const real = processRuntime({ path: process.env['PATH'] ?? '' });
  const runtime = life.wrap({
    ...real,
    run: async (request: Parameters<typeof real.run>[0]) => {
      const outcome = await real.run(request);
      await hooks.afterCommand?.();
      return outcome;
    },
  });
  const deps: EngineDependencies = {
    metadata: life.wrap(withHook(database, hooks)),
    layers: openLayerFiles({ dir: home.store, bootId: 'boot', clock, files }),
    transfers: openTransferFiles({ dir: home.store }),
    remote: null,
    mounters: openMounters({ dir: home.store, bootId: 'boot', files }),
    runtime,
    leases: kernelLeases(home, living, life),
    seeds: new Seeds(openSeedFiles({ dir: home.store })),
    clock,
    random,
    tools,
    bootId: 'boot',
    events: () => undefined,
  };
  return {
    deps,
    life,
    run: async (script) => (await runCommand(deps, requestFor(home, script))).report,
    [Symbol.asyncDispose]: async () => await database[Symbol.asyncDispose](),
  };
}

function withHook(database: Metadata, { beforeCommit }: Hooks): Metadata {
  let isFirst = beforeCommit !== undefined;
  return {
    ...database,
    commit: async (request, signal) => {
      if (isFirst) {
        isFirst = false;
        await beforeCommit?.();
      }
      return await database.commit(request, signal);
    },
  };
}

/** Returns leases that end when the process that took them is dead. */
function kernelLeases(home: CrashHome, living: Map<string, DyingProcess>, life: DyingProcess): LeaseStore {
  return {
    acquire: async (id) => {
      living.set(id, life);
      return await Promise.resolve({
        commandFile: join(home.dir, `${id}.command`),
        [Symbol.asyncDispose]: async () => {
          living.delete(id);
          await Promise.resolve(rmSync(join(home.dir, `${id}.command`), { force: true }));
        },
      });
    },
    isHeld: async (id) => await Promise.resolve(living.get(id)?.isDead === false),
  };
}

const namespace = parseNamespace('github.com/acme/web');
const lane = formatLane(parseLane('t1:local'));
export const ownLink = { namespace, lane } as const;

export const context: Context = {
  endpoint: 'local',
  namespace,
  parents: [],
  localNamespace: parseNamespace('local/web-0123456789ab'),
  lane,
  trust: 'T1',
  defaultLane: null,
  readChain: [ownLink],
  adoptFrom: null,
  personalTier: false,
  canWrite: true,
  why: 'test',
  inputs: [],
};

export function requestFor(home: CrashHome, script: string): RunCommandRequest {
  const at = (name: string): string => join(home.mounts, name);
  const volume = (name: string, tool: string) => ({
    namespace: null,
    name: parseVolumeName(name),
    tool,
    path: at(name),
    sharing: null,
    commit: null,
    sync: null,
    seed: null,
    compat: {},
    source: 'test',
  });
  return {
    context,
    volumes: [volume('data', 'directory'), volume('npm', 'npm')],
    directory: null,
    environment: {
      homeDir: home.dir,
      workDir: '/',
      os: 'linux',
      arch: 'x64',
      env: () => undefined,
      readText: () => undefined,
      programVersion: () => undefined,
    },
    argv: ['sh', '-euc', script],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', DATA: at('data'), NPM: at('npm'), DIR: home.dir },
    mode: 'write',
    purpose: 'run',
    mounter: null,
    lockWaitMs: 0,
    leaveProcesses: false,
    push: 'never',
    remoteWaitMs: 0,
    strict: true,
    revision: null,
    workflow: null,
    signal: noAbort,
  };
}

export interface VolumeState {
  readonly volume: VolumeRecord;
  readonly head: HeadRecord | undefined;
}

/** Returns the states by volume name. */
export async function volumesOf(metadata: Metadata): Promise<ReadonlyMap<string, VolumeState>> {
  const states = new Map<string, VolumeState>();
  for (const volume of await metadata.listVolumes(noAbort)) {
    states.set(volume.name, { volume, head: await metadata.head(volume.id, lane, noAbort) });
  }
  return states;
}

export interface Seen {
  readonly data: string;
  readonly npm: string;
}

/** Returns a script that records the volumes' contents and then runs `more`. */
export function lookScript(more = ''): string {
  return `${lookAt('data')}; ${lookAt('npm')}; ${more}`;
}

function lookAt(name: string): string {
  const list = `find . -mindepth 1 -printf '%y %m %P -> %l\\n' | sort`;
  const print = `find . -type f -print0 | sort -z | xargs -0 -r tail -v -n +1`;
  return `cd "$${name.toUpperCase()}"; { ${list}; ${print}; } > "$DIR/seen-${name}"`;
}

export function readSeen(home: CrashHome): Seen {
  return {
    data: readFileSync(join(home.dir, 'seen-data'), 'utf8'),
    npm: readFileSync(join(home.dir, 'seen-npm'), 'utf8'),
  };
}

/** Returns a command that adds a content and its line to npm's index. */
export function npmEntry(name: string): string {
  const content = `content of ${name}`;
  const digest = createHash('sha512').update(content).digest();
  const hex = digest.toString('hex');
  const json = JSON.stringify({
    key: name,
    integrity: `sha512-${digest.toString('base64')}`,
    time: 1,
    size: content.length,
  });
  const sha1 = createHash('sha1').update(json).digest('hex');
  const dir = `$NPM/_cacache/content-v2/sha512/${hex.slice(0, 2)}/${hex.slice(2, 4)}`;
  const bucket = '$NPM/_cacache/index-v5/aa/bb';
  return (
    `mkdir -p "${dir}" "${bucket}"; printf '%s' '${content}' > "${dir}/${hex.slice(4)}"; ` +
    `printf '\\n%s\\t%s' '${sha1}' '${json}' >> "${bucket}/bucket"`
  );
}

export function namesIn(dir: string): readonly string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** Long enough for a sweep to delete everything without an owner. */
export const pastGraceMs: number = limits.sweepGraceMs + 60_000;
