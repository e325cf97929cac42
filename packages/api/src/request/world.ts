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

/** The place of a program. */
export interface ProjectPlace {
  /** Absolute; null: the engine's directory. */
  readonly directory: string | null;
  /** Chosen by the caller; null: derived from the directory. */
  readonly namespace: Namespace | null;
  /**
   * The program's environment, which identifies its CI run and configures its tools; null: the engine's. The same
   * object for all requests of a program.
   */
  readonly environment: Readonly<Record<string, string>> | null;
  /**
   * A confined program sees only its own project and volumes granted to it. Its environment is trusted no more than a
   * project file.
   */
  readonly isConfined: boolean;
}

/** What a key means in a project by default. */
export interface VolumeMeaning {
  readonly tool: Tool;
  readonly compat: Compat;
  /** From cachelane.yaml; null: the tool's default. */
  readonly sharing: SharingMode | null;
}

/** A volume's address. */
export interface VolumePlace {
  readonly namespace: Namespace;
  readonly key: VolumeName;
  /** The catalog definition that names it; left out: named by key. */
  readonly defined?: DefinedVolume | undefined;
}

/** Facts about the project that all its runs share. */
export type ProjectRun = Pick<
  ForkRequest,
  'directory' | 'environment' | 'cwd' | 'revision' | 'workflow' | 'lanePolicy' | 'push' | 'remoteWaitMs'
> &
  Pick<PruneRequest, 'env'>;

/** The catalogs that a project has locked. */
export interface ProjectLock {
  /** The digest of the whole lock. */
  readonly digest: Digest;
  readonly catalogs: readonly LockedCatalog[];
}

/** A project, as the composition root opens it. */
export interface ApiProject {
  readonly context: Context;
  readonly run: ProjectRun;
  /** Settings that are ignored, one sentence each. */
  readonly warnings: readonly string[];
  /** Aliases of catalog namespaces, from the project's file, the user's configuration and the lock. */
  readonly catalogs: ReadonlyMap<string, Namespace>;
  /** Null: no lock. */
  readonly lock: ProjectLock | null;
  meaningOf(place: VolumePlace): VolumeMeaning;
  /** Returns the request that a run would make. A volume without a path gets a placeholder. */
  requestFor(place: VolumePlace): VolumeRequest;
  /** Explains a volume with this seed, within the bounds of a confined session. Null if the volume has no path here. */
  explain(place: VolumePlace, seed: VolumeSeed | null, bounds: Bounds | undefined): Promise<Explained | null>;
}

/** An explanation, as in the schema. */
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

/** The result of a commit or clean-up. */
export interface SavedWork {
  readonly context: Context;
  readonly reports: readonly VolumeReport[];
  /** The sink of the client that did it. */
  readonly events: EventSink;
}

/** What the API needs from outside. A composition root assembles it. */
export interface World {
  /** The version of the program. */
  readonly version: string;
  /** Without `events`: each client gets its own. */
  readonly deps: Omit<EngineDependencies, 'events'>;
  /** True if the engine answers one operation only. It then refuses sessions and forks. */
  readonly endsWithAnswer?: boolean;
  /** Errors: E_NOT_FOUND for a missing directory, E_CONFIG, E_NAMESPACE, E_LIMIT. */
  openProject(place: ProjectPlace): Promise<ApiProject>;
  /** Recorded as the author of policies and grants. */
  readonly user: string;
  /** Returns the policy without limits that repository files set for single lanes. */
  policyOf(namespace: Namespace): Promise<Policy>;
  /** Starts the background push of saved volumes. Never throws, since the work is already saved. */
  afterSaving(saved: SavedWork): Promise<void>;
}
