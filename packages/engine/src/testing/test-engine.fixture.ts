import { hash } from 'node:crypto';
import {
  formatLane,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type BytePath,
  type Context,
  type EngineEvent,
  type Mount,
  type PathRule,
  type Remote,
  type Runtime,
  type Tool,
  type Version,
  type SeedNote,
} from '@cachelane/core';
import {
  memoryLeases,
  emptyState,
  emptyTransferState,
  memoryLayerDisk,
  memoryMetadata,
  memorySeedFiles,
  memoryTransferFiles,
  openMemoryLayers,
  openMemoryMounter,
  type MemoryLayerDisk,
  type MemoryState,
  type MemoryTransferState,
  type MemoryVolume,
  type VolumeStep,
} from '@cachelane/testkit';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import type { GarbageOptions } from '../garbage/find-removable.ts';
import { runCommand, type RunResult } from '../runs/run-command.ts';
import { Seeds } from '../model/seeds.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function linesOf(version: Version): readonly string[] {
  return decoder
    .decode(version.content())
    .split('\n')
    .filter((line) => line !== '');
}

function fileOf(lines: Iterable<string>): Uint8Array {
  return encoder.encode(
    [...new Set(lines)]
      .toSorted()
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const keepRule = { kind: 'keep', group: null, removals: 'hint', mtime: 'keep', commitWhen: 'tool' } as const;

const lines: PathRule = {
  ...keepRule,
  mergeClass: 'A',
  driver: {
    name: 'test lines',
    version: 1,
    merges: true,
    same: (pinned, mine) => {
      const known = new Set(linesOf(pinned));
      return linesOf(mine).every((line) => known.has(line));
    },
    subtract: (pinned, mine) => {
      const known = new Set(linesOf(pinned));
      return { form: 'delta', content: fileOf(linesOf(mine).filter((line) => !known.has(line))) };
    },
    compose: (versions) => ({ kind: 'content', content: fileOf(versions.flatMap(linesOf)) }),
    clean: (mine) => {
      const all = linesOf(mine);
      const open = all.filter((line) => !line.startsWith('secret'));
      return open.length === all.length ? null : fileOf(open);
    },
    close: (version, _path, has) => {
      const all = linesOf(version);
      const left = all.filter((line) => has(`content/${line}` as Parameters<typeof has>[0]));
      return left.length === all.length ? null : fileOf(left);
    },
  },
};

function picking(merges: boolean, mergeClass: 'U' | 'D' | 'G', group: string | null): PathRule {
  return {
    ...keepRule,
    mergeClass,
    group,
    removals: mergeClass === 'U' ? 'hint' : 'count',
    driver: {
      name: `test ${mergeClass}`,
      version: 1,
      merges,
      same: (pinned, mine) => pinned.digest === mine.digest,
      subtract: () => ({ form: 'whole' }),
      compose: (versions) => ({
        kind: 'pick',
        index: 0,
        opinion: new Set(versions.map(({ digest }) => digest)).size === 1,
      }),
    },
  };
}

const common = {
  rulesVersion: 1,
  lockfiles: [],
  prune: { kind: 'none', why: 'it is a test' },
  sync: 'always',
  versions: 'none',
  stored: [],
  neverStored: [],
  tried: 'not yet',
  linksOut: false,
  redirect: () => null,
  compat: () => ({}),
} as const;

/** `index/**` holds lines that name files of `content/**`; `tmp` is never stored; `pair-N.*` are groups; `unknown/**` has unknown files. */
export const indexedTool: Tool = {
  ...common,
  name: 'indexed',
  summary: 'test tool: index lines and content',
  stored: [
    { path: 'content/left', what: 'contents', checked: 'when used' },
    { path: 'index/bucket', what: 'lines that name them', checked: 'never' },
    { path: 'pair-0.db', what: 'databases', checked: 'never' },
  ],
  commitWhen: 'exit',
  losesFiles: true,
  env: { INDEXED_LIMIT: '0' },
  daemon: { what: 'its daemon', settings: { INDEXED_DAEMON: 'no' } },
  locate: () => ({ path: '/cache/indexed', source: 'test' }),
  classify(path) {
    if (path === 'tmp' || path.startsWith('tmp/')) return { kind: 'never', reason: 'temporary' };
    if (path.startsWith('index')) return lines;
    if (path.startsWith('unknown')) return { ...picking(false, 'D', null), commitWhen: 'success' };
    const pair = /^pair-\d+/.exec(path);
    return pair === null ? picking(false, 'U', null) : picking(false, 'G', pair[0]);
  },
};

/** The unknown-directory rule in short. */
const plainTool: Tool = {
  ...common,
  name: 'directory',
  summary: 'test tool: any directory',
  stored: [{ path: 'file', what: 'files', checked: 'never' }],
  commitWhen: 'success',
  locate: () => null,
  classify: (path, isDirectory, context) => {
    if (!isDirectory && path.endsWith('.lock') && context.peek(path, 1)?.length === 0)
      return { kind: 'never', reason: 'lock' };
    const pair = /^pair-\d+/.exec(path);
    const isKnown = pair !== null && context.peek(`${pair[0]}.db` as BytePath, 1) !== undefined;
    return isKnown ? picking(false, 'G', pair[0]) : picking(false, 'D', null);
  },
};

type TestCommand = (volumes: readonly MemoryVolume[], env: Readonly<Record<string, string>>) => void | Promise<void>;

export interface TestRun {
  readonly volumes?: readonly VolumeRequest[];
  readonly exitCode?: number;
  readonly interrupted?: boolean;
  /** Why these mounts cannot be made, or null. */
  readonly refuse?: (mounts: readonly Mount[]) => string | null;
  readonly request?: Partial<RunCommandRequest>;
}

export interface TestEngine {
  readonly deps: EngineDependencies;
  readonly events: EngineEvent[];
  run(command: TestCommand, options?: TestRun): Promise<RunResult>;
}

export const indexedVolume: VolumeRequest = {
  namespace: null,
  name: parseVolumeName('indexed'),
  tool: 'indexed',
  path: null,
  sharing: null,
  commit: null,
  sync: null,
  seed: null,
  compat: {},
  source: 'test',
};

export const plainVolume: VolumeRequest = {
  ...indexedVolume,
  name: parseVolumeName('data'),
  tool: 'directory',
  path: '/data',
};

export function testContext(
  lane = 't1:local',
  namespace = 'github.com/acme/web',
  others: readonly string[] = [],
): Context {
  const name = parseNamespace(namespace);
  const chain = [lane, ...others].map((each) => ({ namespace: name, lane: formatLane(parseLane(each)) }));
  return {
    endpoint: 'local',
    namespace: name,
    parents: [],
    localNamespace: parseNamespace('local/web-0123456789ab'),
    adoptFrom: null,
    lane: formatLane(parseLane(lane)),
    trust: 'T1',
    defaultLane: null,
    readChain: chain,
    personalTier: false,
    canWrite: true,
    why: 'test',
    inputs: [],
  };
}

/** Options of a collection that may remove whatever the defaults allow. */
export const everything: GarbageOptions = { policy: {}, upTo: 'T3', isThere: () => true };

/** Counter bytes: ids differ, and runs are reproducible. */
function countingRandom(seed: string): EngineDependencies['random'] {
  let counter = 0;
  return {
    bytes(count) {
      counter++;
      const digest = hash('sha256', `${seed}${counter}`, 'buffer');
      return Uint8Array.from({ length: count }, (_, index) => digest[index % digest.length] ?? 0);
    },
  };
}

/** Writes a file and makes its directories. */
export function put(volume: MemoryVolume | undefined, path: string, content: string): void {
  const slash = path.lastIndexOf('/');
  if (slash > 0) volume?.mkdir(path.slice(0, slash));
  volume?.write(path, content);
}

const longPauseMs = 2000;

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Shared by the processes of one machine. */
export interface TestHome {
  readonly metadata: MemoryState;
  readonly disk: MemoryLayerDisk;
  readonly transfers: MemoryTransferState;
  /** Sessions with a live process. */
  readonly held: Set<string>;
  readonly seedNotes: Map<string, SeedNote>;
}

export function testHome(): TestHome {
  const disk = memoryLayerDisk();
  return { metadata: emptyState(), disk, transfers: emptyTransferState(), held: new Set(), seedNotes: new Map() };
}

export interface TestEngineOptions {
  /** Engines that share a home or a remote need different ids. */
  readonly seed?: string;
  readonly home?: TestHome;
  readonly remote?: Remote | null;
  /** Directories of its machine, by absolute path, as steps. */
  readonly directories?: ReadonlyMap<string, readonly VolumeStep[]>;
  /** Wraps the engine's ports. */
  readonly wrap?: (deps: EngineDependencies) => EngineDependencies;
}

/** An engine with memory drivers; `command` stands in for the process. */
export function testEngine(options: TestEngineOptions = {}): TestEngine {
  const { seed = '', home = testHome(), remote = null, directories, wrap = (plain) => plain } = options;
  const events: EngineEvent[] = [];
  const mounter = openMemoryMounter();
  let nowMs = 1_700_000_000_000;
  const deps = wrap({
    metadata: memoryMetadata(home.metadata),
    layers: openMemoryLayers({ disk: home.disk }),
    mounters: { overlay: mounter, clone: mounter, live: mounter },
    transfers: memoryTransferFiles({ state: home.transfers, nowMs: () => nowMs }),
    remote,
    runtime: {
      name: 'unset',
      run: () => Promise.reject(new Error('unset')),
      survivors: async () => [],
      endSurvivors: async () => [],
    },
    leases: memoryLeases(home.held),
    seeds: new Seeds(memorySeedFiles({ directories, notes: home.seedNotes, volume: (mount) => mounter.volume(mount) })),
    clock: {
      nowMs: () => (nowMs += 1000),
      monotonicMs: () => nowMs,
      // Short sleeps end at once; deadlines never end.
      sleep: (ms, signal) => (ms < longPauseMs ? Promise.resolve() : untilAborted(signal)),
    },
    random: countingRandom(seed),
    tools: [indexedTool, plainTool],
    bootId: 'boot-1',
    events: (event) => void events.push(event),
  });
  return {
    deps,
    events,
    async run(command, options = {}) {
      const runtime = commandRuntime(mounter, command, options);
      return await runCommand(
        { ...deps, runtime },
        { ...baseRequest, volumes: options.volumes ?? [indexedVolume], ...options.request },
      );
    },
  };
}

export const baseRequest: Omit<RunCommandRequest, 'volumes'> = {
  context: testContext(),
  directory: null,
  environment: {
    homeDir: '/home/u',
    workDir: '/home/u/web',
    os: 'linux',
    arch: 'x64',
    env: () => undefined,
    readText: () => undefined,
    programVersion: () => undefined,
  },
  argv: ['true'],
  cwd: '/home/u/web',
  env: {},
  mode: 'write',
  purpose: 'run',
  mounter: null,
  lockWaitMs: 0,
  leaveProcesses: false,
  push: 'wait',
  remoteWaitMs: 300_000,
  strict: true,
  revision: null,
  workflow: null,
  signal: new AbortController().signal,
};

function commandRuntime(
  mounter: ReturnType<typeof openMemoryMounter>,
  command: TestCommand,
  options: TestRun,
): Runtime {
  return {
    name: 'test',
    async run({ mounts, env, onPlace }) {
      const reason = options.refuse?.(mounts) ?? null;
      if (reason !== null) return { kind: 'not-started', reason };
      onPlace?.({ token: 'test' });
      await command(
        // Host directories are not the mounter's.
        mounts.flatMap((mount) => (mount.kind === 'overlay' ? [mounter.volume(mount)] : [])),
        env,
      );
      return {
        kind: 'exited',
        exitCode: options.exitCode ?? 0,
        interrupted: options.interrupted ?? false,
        receivedSignal: null,
      };
    },
    survivors: async () => await Promise.resolve([]),
    endSurvivors: async () => await Promise.resolve([]),
  };
}

export const text = (volume: MemoryVolume | undefined, path: string): string =>
  Buffer.from(volume?.read(path) ?? []).toString();

/** Adds content and a line that names it, like a package manager. */
export function install(volume: MemoryVolume | undefined, name: string): void {
  put(volume, `content/${name}`, `bytes of ${name}`);
  const before = volume?.exists('index/bucket') === true ? text(volume, 'index/bucket') : '';
  put(volume, 'index/bucket', `${before}${name}\n`);
}

export async function look(
  engine: TestEngine,
  options: Parameters<TestEngine['run']>[1] = {},
): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  await engine.run(
    ([volume]) => {
      for (const [path, file] of volume?.look() ?? []) if (file.type === 'file') seen[path] = file.content;
    },
    { ...options, request: { ...options.request, mode: 'read' } },
  );
  return seen;
}
