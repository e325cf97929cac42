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

// An engine with its own home. Everything is real except the commands, which are functions of the caller.
// Processes without vitest use it, so it must not import the testkit.

export const noAbort: AbortSignal = new AbortController().signal;

/** Returns the real clock, `aheadMs` ahead. */
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

/** Deletes at once instead of in the background, where 20 machines would start thousands of processes. Skips fsync: these tests lose no power. */
const files: StoreFiles = {
  ...realFiles,
  start: (job) => {
    if (job.kind === 'remove') rmSync(job.dir, { recursive: true, force: true });
  },
};

/** A command with a volume of npm and a plain one. It throws when it reads a volume that it does not have. */
export type Command = (dirs: VolumeDirs) => void;

export interface HomeEngine extends AsyncDisposable {
  readonly deps: Omit<EngineDependencies, 'remote' | 'leases'> & { readonly leases: SweepingLeaseStore };
  /** The command of all later runs. */
  command: Command;
  /** The engine's warnings, oldest first. */
  readonly warnings: readonly string[];
}

export interface HomeEngineOptions {
  /** Created if missing. Holds the home, `store`, and the mount points of volumes. */
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

/** Calls the command with the directories that a real command would see. */
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
  /** For example `github.com/acme/web`. */
  readonly namespace: string;
  /** For example `t1:local`. */
  readonly lane: string;
  /** A lane to read below it. */
  readonly base?: string;
  /** A namespace to read below that, in the same lane. */
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

/** Returns the request for a run with both volumes. */
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
    // A function in this process can only write to a plain directory.
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
