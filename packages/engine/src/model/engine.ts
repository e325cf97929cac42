import type {
  Clock,
  Context,
  DirectoryIdentity,
  EventSink,
  LayerStore,
  LeaseStore,
  Metadata,
  MounterName,
  Mounters,
  OpenSessionRequest,
  ProviderChoice,
  Providers,
  Random,
  Remote,
  RunId,
  Runtime,
  RunPurpose,
  Tool,
  ToolEnvironment,
  TransferFiles,
  SharingMode,
  StatedPolicy,
  Sync,
  VolumeName,
  VolumeSeed,
  Namespace,
  WhoseWord,
} from '@cachelane/core';
import type { DefinedVolume } from '../catalogs/definition-volume.ts';
import type { Seeds } from './seeds.ts';

/** When a run's changes are saved: the tool decides, or the person does. */
export const commitPolicies = ['exit', 'success', 'always', 'never'] as const;
export type CommitPolicy = (typeof commitPolicies)[number];

/** What a run may do with its volumes: `read` sees the cache and saves nothing, `write-only` starts cold and saves, `none` runs bare. */
export const cacheModes = ['read', 'write', 'write-only', 'none'] as const;
export type CacheMode = (typeof cacheModes)[number];

/** When a run sends what it saved: before it ends, by something that is left behind, or when somebody asks for it. */
export const pushModes = ['wait', 'background', 'never'] as const;
export type PushMode = (typeof pushModes)[number];

/** Everything the engine needs from outside; assembled in a composition root. */
export interface EngineDependencies {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
  /** Where layers are shared with other machines; null: nowhere. */
  readonly remote: Remote | null;
  readonly mounters: Mounters;
  readonly runtime: Runtime;
  readonly leases: LeaseStore;
  readonly seeds: Seeds;
  readonly clock: Clock;
  readonly random: Random;
  readonly tools: readonly Tool[];
  /** Left out: there are none, and a volume that is to have one is left out. */
  readonly providers?: Providers;
  /** What the person's own file says of how long things live and how large they may be; left out: nothing. */
  readonly policy?: StatedPolicy;
  readonly bootId: string;
  readonly events: EventSink;
}

/** A volume that a run asked for, by name, by lockfile or by configuration. */
export interface VolumeRequest {
  /** Another namespace than the run's own, from an address such as `github.com/acme/web:npm`. */
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
  /** The tool's name; `directory` for a path without a tool. */
  readonly tool: string;
  /** Absolute; null: where the tool says. */
  readonly path: string | null;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** When its changes are saved; null: by the tool's own rule. */
  readonly commit: CommitPolicy | null;
  /** Whether it is worth sending elsewhere; null: as the tool says. */
  readonly sync: Sync | null;
  /** What lies below all that is read of it; null: nothing. */
  readonly seed: VolumeSeed | null;
  /** Added to what the tool says. */
  readonly compat: Readonly<Record<string, string>>;
  /** Of a catalog, that it was asked for by; left out: by its own name. */
  readonly defined?: DefinedVolume;
  /** Whose word it is that it is had, where it is another namespace's; left out: a person's, which needs no grant. */
  readonly word?: WhoseWord;
  /** Who says what it is and where, for people: `-v`, `package-lock.json`, `cachelane.yaml:4`. */
  readonly source: string;
  /** Who is to say what it is made of; left out: it is the project's own volume. */
  readonly provider?: ProviderChoice;
  /** What came of that, once it was asked: the request is for that then. */
  readonly provided?: ProvidedVolume;
}

/** What a provider said. */
export interface ProvidedVolume {
  /** The name by which it was asked for, and is told of. */
  readonly as: VolumeName;
  readonly backing:
    | { readonly kind: 'volume' }
    /** Absolute. */
    | { readonly kind: 'directory'; readonly directory: string }
    | { readonly kind: 'nothing' };
  /** What people have to know of it; left out: nothing. */
  readonly note?: string;
}

export interface RunCommandRequest {
  readonly context: Context;
  readonly volumes: readonly VolumeRequest[];
  readonly directory: DirectoryIdentity | null;
  readonly environment: ToolEnvironment;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mode: CacheMode;
  readonly purpose: RunPurpose;
  /** Null: whatever suits machine and tool. */
  readonly mounter: MounterName | null;
  /** How long to wait for runs that have a LOCKED volume. */
  readonly lockWaitMs: number;
  readonly leaveProcesses: boolean;
  readonly push: PushMode;
  /** How long it waits for the remote at its start, and again at its end. */
  readonly remoteWaitMs: number;
  /** Any failure of our own is thrown instead of being a warning. */
  readonly strict: boolean;
  /** Of a change that is repeated as the same one; left out: a new one. */
  readonly run?: RunId;
  readonly revision: string | null;
  readonly workflow: string | null;
  /** What the file in the repository says of its lane's lifetime and size; null: nothing; left out: it was not looked at. */
  readonly lanePolicy?: OpenSessionRequest['lanePolicy'];
  readonly signal: AbortSignal;
}
