import type { Attachable, CacheVolume, VolumeOptions } from '../volume/cache-volume.ts';
import type { CallOptions, ChangeOptions } from '../volume/call-options.ts';
import type { Catalog, LockedVersion } from '../volume/catalog.ts';
import type { Fork } from './fork.ts';
import type { UsageGroup } from '../generated/inputs.ts';
import type { Context, CreatedNamespace, EngineEvent, Grant, Lease, Usage, VolumeInfo } from '../generated/results.ts';
import type { GrantOptions, Grants, NamespaceOptions } from '../volume/grant-options.ts';

export interface VolumesOptions extends CallOptions {
  /** Only volumes of this namespace. */
  readonly namespace?: string | undefined;
  /** Only volumes of this namespace and those below it. */
  readonly under?: string | undefined;
  /** Only volumes with this key. */
  readonly key?: string | undefined;
  /** Page size, 1 to 1000. The default is 100. */
  readonly pageSize?: number | undefined;
}

export interface UsageOptions extends CallOptions {
  /** The default is `NAMESPACE`. */
  readonly by?: UsageGroup | undefined;
}

export interface AttachOptions extends CallOptions {
  /**
   * How long to wait for runs that hold a LOCKED volume, 0 to 86400. Then throws E_LOCKED. The default is that of
   * `cachelane run`.
   */
  readonly lockTimeoutSeconds?: number | undefined;
  /**
   * Allows the paths of earlier forks to be reused, for tools that record the location of their cache, as in `run`. A
   * path is not reused while a left-over process was given it. By default, each path is new, so that a late writer to
   * an ended fork harms nothing.
   */
  readonly samePath?: boolean | undefined;
}

/** Events from the call on, until the reader stops. Throws E_ENGINE_GONE if the stream breaks. */
export interface EngineEvents extends AsyncIterableIterator<EngineEvent> {
  /** Resolves when the engine has accepted the request. Later events are not missed. */
  readonly opened: Promise<void>;
}

/**
 * A program's session with an engine. Volume names refer to the program's own project, and several programs can share
 * one engine. The session ends with {@link Engine.close}, or a minute after the program has ended. Its open forks are
 * then discarded.
 */
export interface Engine extends AsyncDisposable {
  /** The engine's address. */
  readonly address: string;
  /**
   * Returns a volume by key: a tool's name (`npm`, `go-build`), a volume of cachelane.yaml, or any text. Sends no
   * request.
   */
  cacheVolume(key: string, options?: VolumeOptions): CacheVolume;
  /**
   * Returns a namespace's catalog, by name or by an alias from the user's configuration, cachelane.yaml (both under
   * `catalogs`) or cachelane.lock. `locked` fixes the version; generated clients use it. The default is the version
   * that the project has locked, else the latest. Sends no request.
   */
  catalog(named: string, locked?: LockedVersion): Catalog;
  /** Returns a volume by its id. Sends no request. */
  volume(id: string): CacheVolume;
  /** Returns the same session with another default namespace. Closing it has no effect. */
  withNamespace(namespace: string): this;
  /**
   * Returns the same session for a child namespace, by names from the outside in, such as `scope('npm', '@acme/build')`
   * for a library. Libraries that use the same key then have different volumes. Closing it has no effect.
   */
  scope(...names: readonly string[]): this;
  /**
   * Returns environment variables by which a child process joins this session through `connect()` or `cachelane query`,
   * while the session lives. They contain the session's token, never the engine's. This confines a child only if it
   * cannot reach the engine or its home in another way: use a port, and do not pass the engine's own variables.
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
  /** Returns the program's namespace and lanes, and how they were decided. */
  context(options?: CallOptions): Promise<Context>;
  /** Returns non-empty volumes, sorted by namespace, key and compat. Loads page by page. */
  volumes(options?: VolumesOptions): AsyncIterableIterator<VolumeInfo>;
  /** Returns used space by namespace or lane. */
  usage(options?: UsageOptions): Promise<readonly Usage[]>;
  /** Returns current leases: locked lanes, pinned layers, kept directories. */
  leases(options?: CallOptions): Promise<readonly Lease[]>;
  /**
   * Creates a namespace that stays, also without volumes, until `cachelane ns rm`. An existing one stays from then on.
   * Throws E_NAMESPACE for a path that is not canonical; the hint has the canonical one.
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
  /**
   * Returns the grants of the program's project to others, and of others to it. Empty for a namespace that does not
   * exist yet: a run, or {@link Engine.createNamespace}, creates it.
   */
  grants(options?: NamespaceOptions & CallOptions): Promise<Grants>;
  /** Grants all present and future volumes of the namespace, see {@link CacheVolume.grant}. */
  grantAll(to: string, options?: NamespaceOptions & GrantOptions): Promise<Grant>;
  /** Withdraws {@link Engine.grantAll}; null if there is no such grant. Grants of single volumes stay. */
  withdrawGrantAll(to: string, options?: NamespaceOptions & ChangeOptions): Promise<Grant | null>;
  /**
   * Makes a private directory for each of up to 32 volumes, with the content that a run would get. Until the commit, no
   * other client sees its changes (except in SHARED volumes).
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
  /** Returns events of this session's forks and clean-ups. */
  events(options?: CallOptions): EngineEvents;
  /**
   * Executes any GraphQL document in this session. Pass values as variables. The result type is not checked. It is
   * never repeated automatically, since a mutation may have been carried out.
   */
  query<Result>(
    document: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Result>;
  /** Ends the session and discards its open forks. Idempotent. */
  close(): Promise<void>;
}
