import type { Attachable, CacheVolume, VolumeOptions } from '../volume/cache-volume.ts';
import type { CallOptions, ChangeOptions } from '../volume/call-options.ts';
import type { Catalog, LockedVersion } from '../volume/catalog.ts';
import type { Fork } from './fork.ts';
import type { UsageGroup } from '../generated/inputs.ts';
import type { Context, CreatedNamespace, EngineEvent, Grant, Lease, Usage, VolumeInfo } from '../generated/results.ts';
import type { GrantOptions, Grants, NamespaceOptions } from '../volume/grant-options.ts';

export interface VolumesOptions extends CallOptions {
  /** Only those of this namespace. */
  readonly namespace?: string | undefined;
  /** Only those of this namespace and of those below it. */
  readonly under?: string | undefined;
  /** Only those with this key. */
  readonly key?: string | undefined;
  /** How many are asked for at once; 1 to 1000, 100 where it is left out. */
  readonly pageSize?: number | undefined;
}

export interface UsageOptions extends CallOptions {
  /** `NAMESPACE` where it is left out. */
  readonly by?: UsageGroup | undefined;
}

export interface AttachOptions extends CallOptions {
  /** How long to wait for runs that have a LOCKED volume, 0 to 86400; as `cachelane run` where it is left out. Throws E_LOCKED then. */
  readonly lockTimeoutSeconds?: number | undefined;
  /**
   * Whether directories may lie where those of earlier forks did, for tools that note where their cache lies, as in `run`: unless a process is seen that outlived its fork and was told the path. False where it is left out: no path comes twice, and whoever
   * goes on writing to one writes nowhere.
   */
  readonly samePath?: boolean | undefined;
}

/** Events from the call on; whoever stops reading ends it. Throws E_ENGINE_GONE where it breaks off. */
export interface EngineEvents extends AsyncIterableIterator<EngineEvent> {
  /** Resolves when the engine has taken the request: what happens from then on is told. */
  readonly opened: Promise<void>;
}

/**
 * A program's session with an engine. Names of volumes mean what they mean in the program's own project; several programs, of several projects, share one engine.
 *
 * The session ends with {@link Engine.close}, or a minute after the program has ended; forks that it left are discarded.
 */
export interface Engine extends AsyncDisposable {
  /** Where the engine listens. */
  readonly address: string;
  /** A volume by its key: a tool that cachelane knows (`npm`, `go-build`), a volume of cachelane.yaml, or any text. Asks for nothing yet. */
  cacheVolume(key: string, options?: VolumeOptions): CacheVolume;
  /**
   * What a namespace offers: by its name, or by what the person's own configuration, cachelane.yaml (both under `catalogs`) or cachelane.lock call it, so that code names no organisation. `locked`: in this version, and no other; generated clients give it. Else in the one that the project has locked, or the latest where it has none. Asks for nothing yet.
   */
  catalog(named: string, locked?: LockedVersion): Catalog;
  /** A volume by an id that somebody passed on. Asks for nothing yet. */
  volume(id: string): CacheVolume;
  /** The same session, with volumes of another namespace where none is named. Closing it closes nothing. */
  withNamespace(namespace: string): this;
  /**
   * The same session, with volumes of a namespace inside its own: names that belong together, outermost first, such as `scope('npm', '@acme/build')` for a library, so that two
   * that both say `cache` do not meet. In another project it is another namespace. Closing it closes nothing.
   */
  scope(...names: readonly string[]): this;
  /**
   * For the environment of a child process: `connect()` of the SDK, and `cachelane query`, are in this very session there, with its project and its bounds, for as long as the session lives. The token in it is
   * that of the session, never that of the engine. It confines a child only where that cannot come to the engine, or its home, in another way: at a port, without the engine's own variables.
   *
   * @example
   * ```ts
   * import { spawn } from 'node:child_process';
   * import { connect } from '@cachelane/sdk/node';
   *
   * await using engine = await connect({ namespace: 'github.com/acme/web', confine: true });
   * spawn('node', ['plugin.js'], { env: { PATH: process.env['PATH'], ...(await engine.environment()) } });
   * ```
   */
  environment(): Promise<Readonly<Record<string, string>>>;
  /** Where and who the program is, and what decided that. */
  context(options?: CallOptions): Promise<Context>;
  /** Volumes that hold something, by namespace, key and compat; asked for page by page. */
  volumes(options?: VolumesOptions): AsyncIterableIterator<VolumeInfo>;
  /** What is held, by namespace or by lane. */
  usage(options?: UsageOptions): Promise<readonly Usage[]>;
  /** What sessions have of volumes at this moment: locked lanes, pinned layers, kept directories. */
  leases(options?: CallOptions): Promise<readonly Lease[]>;
  /**
   * Makes a namespace that is there without volumes, until `cachelane ns rm`; one that is there already stays from then on. A path that is not spelled canonically is E_NAMESPACE, whose hint has the spelling.
   *
   * @example
   * ```ts
   * import { connect } from '@cachelane/sdk/node';
   *
   * await using engine = await connect();
   * const { namespace, isNew } = await engine.createNamespace('teams/payments');
   * console.log(namespace, isNew ? 'was made' : 'was there already');
   * ```
   */
  createNamespace(path: string, options?: ChangeOptions): Promise<CreatedNamespace>;
  /** What the program's project shares with others, by volume and whom it is for, and what others share with it. Nothing is told of a namespace that is not there yet: a run, or {@link Engine.createNamespace}, makes it. */
  grants(options?: NamespaceOptions & CallOptions): Promise<Grants>;
  /** As {@link CacheVolume.grant}, of all volumes that the namespace has, now and later. */
  grantAll(to: string, options?: NamespaceOptions & GrantOptions): Promise<Grant>;
  /** Takes back what {@link Engine.grantAll} gave; null where there is none. Grants of single volumes stay. */
  withdrawGrantAll(to: string, options?: NamespaceOptions & ChangeOptions): Promise<Grant | null>;
  /**
   * Directories to work in, one for each volume, with what a run here would find; at most 32. Nobody else sees what is done there (but in SHARED volumes) before it is committed.
   *
   * @example
   * ```ts
   * import { writeFile } from 'node:fs/promises';
   * import { connect } from '@cachelane/sdk/node';
   *
   * await using engine = await connect();
   * await using fork = await engine.attach([engine.cacheVolume('notes')]);
   * await writeFile(`${fork.directory}/today.txt`, 'kept');
   * await fork.commit();
   * ```
   */
  attach(volumes: readonly Attachable[], options?: AttachOptions): Promise<Fork>;
  /** What forks and clean-ups of this session tell while they work. */
  events(options?: CallOptions): EngineEvents;
  /** Any document of the engine's schema, in this session. Values go into variables. Its result is what the document says, which nothing checks. It is never asked again by itself: a change may have been made whose answer was lost. */
  query<Result>(
    document: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Result>;
  /** Ends the session, and what it left. Idempotent. */
  close(): Promise<void>;
}
