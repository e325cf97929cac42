import { hash } from 'node:crypto';
import {
  formatLane,
  parseLane,
  parseNamespace,
  parseProviderRef,
  parseVolumeName,
  policyAt,
  type ChainLink,
  type Context,
  type Namespace,
  type PathRule,
  type ProviderSourceKind,
  type Tool,
} from '@cachelane/core';
import {
  noneProvider,
  projectProvider,
  runCommand,
  Seeds,
  type DefinedVolume,
  type EngineDependencies,
  type VolumeRequest,
} from '@cachelane/engine';
import {
  emptyState,
  emptyTransferState,
  memoryLayerDisk,
  memoryLeases,
  memoryMetadata,
  memoryRuntime,
  memorySeedFiles,
  memoryTransferFiles,
  openMemoryLayers,
  openMemoryMounter,
  type DyingProcess,
  type MemoryLayerDisk,
  type MemoryState,
  type MemoryTransferState,
  type MemoryVolume,
  type VolumeStep,
} from '@cachelane/testkit';
import { openApi, type Api } from './api.ts';
import type { Answer } from './execute.ts';
import { memoryDirectories } from './memory-directories.fixture.ts';
import type { ApiProject, ProjectLock, ProjectPlace, World } from '../request/world.ts';

const anyFile: PathRule = {
  kind: 'keep',
  mergeClass: 'U',
  group: null,
  removals: 'hint',
  mtime: 'keep',
  commitWhen: 'tool',
  driver: {
    name: 'test',
    version: 1,
    merges: false,
    same: (pinned, mine) => pinned.digest === mine.digest,
    subtract: () => ({ form: 'whole' }),
    compose: () => ({ kind: 'pick', index: 0, opinion: false }),
  },
};

function testTool(name: string, more: Partial<Tool> = {}): Tool {
  return {
    name,
    rulesVersion: 1,
    summary: `test tool ${name}`,
    lockfiles: [],
    prune: { kind: 'none', why: 'it is a test' },
    sync: 'always',
    versions: 'none',
    stored: [],
    neverStored: [],
    tried: 'not yet',
    linksOut: false,
    commitWhen: 'exit',
    redirect: () => null,
    compat: ({ os }) => ({ os }),
    locate: () => ({ path: `/cache/${name}`, source: 'test' }),
    classify: () => anyFile,
    ...more,
  };
}

const tools: readonly Tool[] = [
  testTool('npm', { prune: { kind: 'command', argv: ['npm', 'cache', 'verify'], removes: 'what is old' } }),
  testTool('directory', { locate: () => null }),
];

/** A directory of the simulated machine is the project of its name. */
function contextOf({ directory, namespace, environment }: ProjectPlace, parents: readonly string[]): Context {
  const own = namespace ?? parseNamespace(`github.com/acme/${(directory ?? '/web').slice(1)}`);
  const lane = formatLane(parseLane(environment?.['TEST_LANE'] ?? 't1:local'));
  const link = (each: Namespace): ChainLink => ({ namespace: each, lane });
  return {
    endpoint: 'local',
    namespace: own,
    parents: parents.map((each) => parseNamespace(each)),
    localNamespace: parseNamespace('local/web-0123456789abcdef'),
    adoptFrom: null,
    lane,
    trust: 'T1',
    defaultLane: null,
    readChain: [own, ...parents.map((each) => parseNamespace(each))].map(link),
    personalTier: false,
    canWrite: directory !== '/fork',
    why: 'it is a test',
    inputs: [{ name: 'namespace', value: own, source: 'test' }],
  };
}

/** How long a run waits for remotes and providers. */
const waitMs = 5000;

const run: ApiProject['run'] = {
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
  cwd: '/home/u/web',
  env: {},
  revision: 'abc123',
  workflow: null,
  push: 'never',
  remoteWaitMs: waitMs,
};

export interface TestWorld extends AsyncDisposable {
  readonly world: World;
  readonly api: Api;
  /** Returns the contents of a fork's directory. */
  readonly directory: (path: string) => MemoryVolume;
  /** Sets what commands do with each of their volumes. */
  readonly onCommand: (act: (volume: MemoryVolume) => void) => void;
  /** Advances the clock. */
  readonly pass: (ms: number) => void;
  /** From now on, one directory has another directory's configuration. */
  turnInto(directory: string, other: string): void;
  /** Runs a command in a directory's project. */
  save(directory: string, key: string, files: Readonly<Record<string, string>>): Promise<void>;
  ask(query: string, options?: Asking): Promise<Answer>;
  /** As {@link ask}, but requires an answer without errors. */
  data(query: string, options?: Asking): Promise<Record<string, unknown>>;
}

interface Asking {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly session?: string | null;
}

export interface TestWorldOptions {
  /** Namespaces that every project reads after its own. */
  readonly parents?: readonly string[];
  /** Catalog aliases of every project. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Providers of every project's volumes, by key: a reference, and who chose it. */
  readonly providers?: Readonly<Record<string, readonly [string, ProviderSourceKind]>>;
  /** Locked catalogs of every project; null: none. */
  readonly lock?: ProjectLock | null;
  /** Directories of its machine that can seed volumes, by absolute path, as steps. */
  readonly seeds?: ReadonlyMap<string, readonly VolumeStep[]>;
  /** A home shared with earlier and later engines. */
  readonly home?: TestHome;
  /** The process's metadata, until it dies. */
  readonly life?: Pick<DyingProcess, 'wrap'>;
}

/** Shared by the engines of one home. */
export interface TestHome {
  readonly metadata: MemoryState;
  readonly disk: MemoryLayerDisk;
  readonly transfers: MemoryTransferState;
  /** Sessions with a live process. */
  readonly held: Set<string>;
  /** Counts so far. */
  engines: number;
  nowMs: number;
}

export function testHome(): TestHome {
  const stored = { metadata: emptyState(), disk: memoryLayerDisk(), transfers: emptyTransferState() };
  return { ...stored, held: new Set(), engines: 0, nowMs: 1_700_000_000_000 };
}

const doNothing = (_: MemoryVolume): void => undefined;
const immortal: NonNullable<TestWorldOptions['life']> = { wrap: (port) => port };

/** An engine with memory drivers, started in `/web`. */
export function testWorld({
  parents = [],
  aliases = {},
  lock = null,
  providers = {},
  seeds,
  home = testHome(),
  life = immortal,
}: TestWorldOptions = {}): TestWorld {
  const mounter = openMemoryMounter();
  const directories = memoryDirectories(mounter);
  const turned = new Map<string, string>();
  const engine = ++home.engines;
  let counter = 0;
  let command = doNothing;
  const deps: Omit<EngineDependencies, 'events'> = {
    metadata: life.wrap(memoryMetadata(home.metadata)),
    layers: life.wrap(openMemoryLayers({ disk: home.disk })),
    mounters: { overlay: mounter, clone: directories, live: directories },
    transfers: memoryTransferFiles({ state: home.transfers, nowMs: () => home.nowMs }),
    remote: null,
    runtime: memoryRuntime({
      commands: ({ request }) => {
        for (const mount of request.mounts) command(mounter.volume(mount));
        return 0;
      },
    }),
    leases: memoryLeases(home.held),
    seeds: new Seeds(memorySeedFiles({ directories: seeds, volume: (mount) => mounter.volume(mount) })),
    clock: {
      nowMs: () => (home.nowMs += 1000),
      monotonicMs: () => home.nowMs,
      // Deadlines never pass here; retries happen at once.
      sleep: async (ms, signal) => {
        if (ms < waitMs) return;
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
        );
      },
    },
    random: {
      bytes: (count) => Uint8Array.from(hash('sha512', `${engine} ${counter++}`, 'buffer').subarray(0, count)),
    },
    tools,
    providers: {
      find: async (kind) => await Promise.resolve([projectProvider, noneProvider].find((each) => each.kind === kind)),
    },
    bootId: 'boot-1',
  };
  const madeOf = (key: string, namespace: Namespace | null): Pick<VolumeRequest, 'provider'> => {
    const [text, by] = (namespace === null ? providers[key] : undefined) ?? [];
    if (text === undefined || by === undefined) return {};
    return { provider: { ref: parseProviderRef(text, by), by, source: by, overridden: [] } };
  };
  const requestFor = (key: string, namespace: Namespace | null, defined?: DefinedVolume): VolumeRequest => {
    const tool = tools.find(({ name }) => name === (defined?.tool ?? key))?.name ?? 'directory';
    const path = tool === 'directory' ? `/data/${key}` : null;
    const commit = key === 'careful' ? ('success' as const) : null;
    const nothing = { sharing: defined?.sharing ?? null, commit, sync: null, seed: null } as const;
    const by = defined === undefined ? {} : { defined };
    const compat = defined?.compat ?? {};
    const name = parseVolumeName(key);
    return { namespace, name, tool, path, ...nothing, compat, source: 'test', ...by, ...madeOf(key, namespace) };
  };
  const projectOf = (place: ProjectPlace): ApiProject => {
    const context = contextOf(place, parents);
    const asked = (namespace: Namespace): Namespace | null => (namespace === context.namespace ? null : namespace);
    return {
      context,
      run,
      warnings: [],
      lock,
      catalogs: new Map([
        ...(lock?.catalogs ?? []).map(({ alias, namespace }) => [alias, namespace] as const),
        ...Object.entries(aliases).map(([alias, named]) => [alias, parseNamespace(named)] as const),
      ]),
      meaningOf: ({ key, namespace, defined }) => {
        const { tool: name, compat, sharing } = requestFor(key, asked(namespace), defined);
        const tool = tools.find((each) => each.name === name) as Tool;
        return { tool, compat: { ...tool.compat(run.environment), ...compat }, sharing };
      },
      requestFor: ({ key, namespace, defined }) => requestFor(key, asked(namespace), defined),
      explain: async () => await Promise.resolve(null),
    };
  };
  const world: World = {
    version: '0.0.0-test',
    user: 'ann',
    deps,
    openProject: async (place) =>
      await Promise.resolve(
        projectOf({ ...place, directory: turned.get(place.directory ?? '/web') ?? place.directory }),
      ),
    policyOf: async (namespace) => {
      const stored = await deps.metadata.listPolicies(noAbort);
      return policyAt({ user: {}, stored, lanes: [] }, { paths: [namespace], lane: null });
    },
    afterSaving: async () => {},
  };
  const api = openApi(world, { directory: '/web', namespace: null, environment: null, isConfined: false });
  const ask: TestWorld['ask'] = async (query, { variables = {}, session = null } = {}) =>
    await api.execute({ query, variables, operationName: null }, session, noAbort);
  return {
    world,
    api,
    directory: (path) => directories.directory(path),
    onCommand: (act) => {
      command = act;
    },
    pass: (ms) => {
      home.nowMs += ms;
    },
    turnInto: (directory, other) => void turned.set(directory, other),
    async save(directory, key, files) {
      const project = projectOf({ directory, namespace: null, environment: null, isConfined: false });
      const { context } = project;
      command = (volume) => {
        for (const [path, content] of Object.entries(files)) {
          const slash = path.lastIndexOf('/');
          if (slash > 0) volume.mkdir(path.slice(0, slash));
          volume.write(path, content);
        }
      };
      const volume = project.requestFor({ namespace: context.namespace, key: parseVolumeName(key) });
      const how = { mode: 'write', purpose: 'run', mounter: null, lockWaitMs: 0, leaveProcesses: false } as const;
      await runCommand(
        { ...deps, events: () => undefined },
        { ...run, ...how, context, volumes: [volume], argv: ['true'], strict: true, signal: noAbort },
      );
    },
    ask,
    async data(query, options) {
      const { data, errors } = await ask(query, options);
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data as Record<string, unknown>;
    },
    [Symbol.asyncDispose]: async () => await api[Symbol.asyncDispose](),
  };
}

const noAbort = new AbortController().signal;
