import type {
  Bounds,
  Compat,
  Context,
  Digest,
  EventSink,
  LockedCatalog,
  Namespace,
  Policy,
  SharingMode,
  Tool,
  VolumeName,
  VolumeReport,
  VolumeSeed,
} from '@cachelane/core';
import type {
  DefinedVolume,
  EngineDependencies,
  ForkRequest,
  PruneRequest,
  VolumeRequest,
  ExplainedTier,
} from '@cachelane/engine';

/** Where a program says that it is. */
export interface ProjectPlace {
  /** Absolute; null: where the engine was started. */
  readonly directory: string | null;
  /** The caller's own choice; null: as the directory says. */
  readonly namespace: Namespace | null;
  /** Of the program: what a CI system says of it, and how its tools are set; null: that of the engine. The same object for all that one program asks. */
  readonly environment: Readonly<Record<string, string>> | null;
  /** It sees its own project and the volumes that were granted to it, and is not told whether there is anything else: what its environment says is believed no further than a file of the project. */
  readonly isConfined: boolean;
}

/** What a key means in a project, before anybody has asked for anything special. */
export interface VolumeMeaning {
  readonly tool: Tool;
  readonly compat: Compat;
  /** As cachelane.yaml says; null: as suits the tool. */
  readonly sharing: SharingMode | null;
}

/** A volume as an address names it. */
export interface VolumePlace {
  readonly namespace: Namespace;
  readonly key: VolumeName;
  /** By which definition of a catalog it is asked for; left out: by its key. */
  readonly defined?: DefinedVolume | undefined;
}

/** What all runs of a project have in common. */
export type ProjectRun = Pick<
  ForkRequest,
  'directory' | 'environment' | 'cwd' | 'revision' | 'workflow' | 'lanePolicy' | 'push' | 'remoteWaitMs'
> &
  Pick<PruneRequest, 'env'>;

/** What a project has locked of what others offer. */
export interface ProjectLock {
  /** Of the whole of it. */
  readonly digest: Digest;
  readonly catalogs: readonly LockedCatalog[];
}

/** What the composition root knows of a project. */
export interface ApiProject {
  readonly context: Context;
  readonly run: ProjectRun;
  /** What its files, or the program's environment, say and does not count; one sentence each. */
  readonly warnings: readonly string[];
  /** What its file, the person's own and its lock call namespaces whose catalogs are used. */
  readonly catalogs: ReadonlyMap<string, Namespace>;
  /** Null: it has none. */
  readonly lock: ProjectLock | null;
  meaningOf(place: VolumePlace): VolumeMeaning;
  /** As a run here would ask for it; one that has no place of its own gets a name for where it would lie. */
  requestFor(place: VolumePlace): VolumeRequest;
  /** With this seed, or none, and what is within the bounds of a confined session. Null where the volume has no place of its own here. */
  explain(place: VolumePlace, seed: VolumeSeed | null, bounds: Bounds | undefined): Promise<Explained | null>;
}

/** What `explain` tells, as the schema has it. */
export interface Explained {
  readonly why: string;
  readonly lowLevelId: string | null;
  readonly path: string;
  readonly pathSource: string;
  readonly mounter: string;
  readonly mounterWhy: string;
  readonly chosenBy: string | null;
  readonly readChain: readonly {
    readonly namespace: string;
    readonly lane: string;
    readonly generation: number;
    readonly layers: number;
    readonly files: number;
    readonly sizeBytes: number;
    readonly updatedAt: string | null;
  }[];
  /** Nearest first. */
  readonly tiers: readonly ExplainedTier[];
  readonly seed: string | null;
  readonly provider: string | null;
  readonly providerBy: string | null;
  readonly gives: string | null;
  readonly definition: string | null;
  readonly catalog: string | null;
  readonly keptFor: string | null;
  readonly keptBy: string;
  readonly remote: string | null;
}

/** What a commit or a clean-up came to. */
export interface SavedWork {
  readonly context: Context;
  readonly reports: readonly VolumeReport[];
  /** Of whose doing it is. */
  readonly events: EventSink;
}

/** What the API needs from outside; assembled in a composition root. */
export interface World {
  /** Of the program. */
  readonly version: string;
  /** Without `events`: what happens is told to whose doing it is. */
  readonly deps: Omit<EngineDependencies, 'events'>;
  /** It is there for one question: what outlives an answer is refused. */
  readonly endsWithAnswer?: boolean;
  /** Errors: E_NOT_FOUND for a directory that is gone, E_CONFIG, E_NAMESPACE, E_LIMIT. */
  openProject(place: ProjectPlace): Promise<ApiProject>;
  /** Who is told to have said what is said of namespaces. */
  readonly user: string;
  /** Without what files in repositories lower on single lanes. */
  policyOf(namespace: Namespace): Promise<Policy>;
  /** Has what was saved sent where it is to be sent in the background, as after a run. Never throws: it is saved. */
  afterSaving(saved: SavedWork): Promise<void>;
}
