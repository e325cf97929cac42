import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  formatLane,
  laneTrust,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type Clock,
  type Context,
  type EngineEvent,
  type LaneName,
  type Random,
  type Runtime,
} from '@cachelane/core';
import { Seeds, type EngineDependencies, type RunCommandRequest, type VolumeRequest } from '@cachelane/engine';
import {
  openLayerFiles,
  openLeaseStore,
  openMounters,
  openSqliteMetadata,
  openTransferFiles,
  realFiles,
  type StoreFiles,
  type SweepingLeaseStore,
  openSeedFiles,
} from '@cachelane/store';
import { tools } from '@cachelane/tools';
import type { VolumeDirs } from './sync/commits.fixture.ts';

// An engine on a home of its own, in which all is real but the commands: those are functions of whoever opens it. Processes use it that know nothing of
// tests, so nothing of the testkit belongs here.

export const noAbort: AbortSignal = new AbortController().signal;

/** The real one, as far ahead as `aheadMs` says. */
export function realClock(aheadMs: () => number = () => 0): Clock {
  return {
    nowMs: () => Date.now() + aheadMs(),
    monotonicMs: () => performance.now(),
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal });
    },
  };
}

export const random: Random = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

/** What would go on in the background happens at once: 20 machines would start thousands of processes for it. No power is lost here, so nothing has to reach a disk. */
const files: StoreFiles = {
  ...realFiles,
  start: (job) => {
    if (job.kind === 'remove') rmSync(job.dir, { recursive: true, force: true });
  },
};

/** Of a run with a volume of npm's and a plain one; the one that it was not given throws. */
export type Command = (dirs: VolumeDirs) => void;

export interface HomeEngine extends AsyncDisposable {
  readonly deps: Omit<EngineDependencies, 'remote' | 'leases'> & { readonly leases: SweepingLeaseStore };
  /** What runs do from now on. */
  command: Command;
  /** What the engine warned of, first to last. */
  readonly warnings: readonly string[];
}

export interface HomeEngineOptions {
  /** Made where it is missing; holds the home, `store`, and the places of volumes. */
  readonly dir: string;
  readonly clock: Clock;
  readonly bootId?: string;
  readonly events?: (event: EngineEvent) => void;
}

export async function openHomeEngine({
  dir,
  clock,
  bootId = 'boot',
  events = () => {},
}: HomeEngineOptions): Promise<HomeEngine> {
  const home = join(dir, 'store');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const warnings: string[] = [];
  const metadata = await openSqliteMetadata({ file: join(home, 'state.db'), random, clock }, noAbort);
  const engine: HomeEngine = {
    deps: {
      metadata,
      layers: openLayerFiles({ dir: home, bootId, clock, files }),
      transfers: openTransferFiles({ dir: home }),
      mounters: openMounters({ dir: home, bootId, files }),
      runtime: functionRuntime(dir, (dirs) => {
        engine.command(dirs);
      }),
      leases: openLeaseStore({ sessionsDir: join(home, 'sessions') }),
      seeds: new Seeds(openSeedFiles({ dir: home })),
      clock,
      random,
      tools,
      bootId,
      events: (event) => {
        if (event.type === 'warning') warnings.push(`${event.code}: ${event.message}`);
        events(event);
      },
    },
    command: () => {},
    warnings,
    [Symbol.asyncDispose]: async () => {
      await metadata[Symbol.asyncDispose]();
    },
  };
  return engine;
}

/** The command finds its volumes where a real one would be told to look. */
function functionRuntime(dir: string, command: Command): Runtime {
  return {
    name: 'function',
    async run({ mounts }) {
      const at = (name: string): string => {
        const mount = mounts.find(({ target }) => target === targetOf(dir, name));
        if (mount?.kind !== 'directory') throw new Error(`the run has no directory for ${name}`);
        return mount.path;
      };
      command({
        get npm() {
          return at('npm');
        },
        get data() {
          return at('data');
        },
      });
      return await Promise.resolve({ kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null });
    },
    survivors: async () => await Promise.resolve([]),
    endSurvivors: async () => await Promise.resolve([]),
  };
}

function targetOf(dir: string, volume: string): string {
  return join(dir, 'mounts', volume);
}

export interface Whereabouts {
  /** As `github.com/acme/web`. */
  readonly namespace: string;
  /** As `t1:local`. */
  readonly lane: string;
  /** A lane that is read below. */
  readonly base?: string;
  /** A namespace that is read below that, in the same lane. */
  readonly tier?: string;
}

export function contextAt({ namespace: path, lane: text, base, tier }: Whereabouts): Context {
  const namespace = parseNamespace(path);
  const lane = laneOf(text);
  const parents = tier === undefined ? [] : [parseNamespace(tier)];
  return {
    endpoint: 'local',
    namespace,
    parents,
    localNamespace: parseNamespace('local/web-0123456789ab'),
    lane,
    trust: laneTrust(lane),
    defaultLane: null,
    readChain: [
      ...[lane, ...(base === undefined ? [] : [laneOf(base)])].map((each) => ({ namespace, lane: each })),
      ...parents.map((parent) => ({ namespace: parent, lane })),
    ],
    adoptFrom: null,
    personalTier: false,
    canWrite: true,
    why: 'test',
    inputs: [],
  };
}

function laneOf(text: string): LaneName {
  return formatLane(parseLane(text));
}

export function volumeAt(dir: string, name: keyof VolumeDirs): VolumeRequest {
  return {
    namespace: null,
    name: parseVolumeName(name),
    tool: name === 'data' ? 'directory' : name,
    path: targetOf(dir, name),
    sharing: null,
    commit: null,
    sync: null,
    seed: null,
    compat: {},
    source: 'test',
  };
}

/** Of a run with both volumes. */
export function requestAt(dir: string, context: Context): RunCommandRequest {
  return {
    context,
    volumes: [volumeAt(dir, 'npm'), volumeAt(dir, 'data')],
    directory: null,
    environment: {
      homeDir: dir,
      workDir: dir,
      os: 'linux',
      arch: 'x64',
      env: () => undefined,
      readText: () => undefined,
      programVersion: () => undefined,
    },
    argv: ['function'],
    cwd: dir,
    env: {},
    mode: 'write',
    purpose: 'run',
    // Directories that a function of this process can write to.
    mounter: 'clone',
    lockWaitMs: 0,
    leaveProcesses: false,
    push: 'never',
    remoteWaitMs: 120_000,
    strict: false,
    revision: null,
    workflow: null,
    signal: noAbort,
  };
}
