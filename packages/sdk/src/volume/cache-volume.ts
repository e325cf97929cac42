import type { AttachMode, CacheSharingMode } from '../generated/inputs.ts';
import type {
  Blamed,
  Entry,
  Explanation,
  Grant,
  Head,
  Pruned,
  Removed,
  RolledBack,
  Snapshot,
  VolumeInfo,
  VolumeUsage,
} from '../generated/results.ts';
import type {
  CallOptions,
  ChangeOptions,
  EntriesOptions,
  KeyedOptions,
  LaneOptions,
  RemoveOptions,
  RollbackOptions,
  SnapshotsOptions,
} from './call-options.ts';
import type { GrantOptions } from './grant-options.ts';

export interface VolumeOptions {
  /** Added to the tool's compat fields: `{ image: 'alpine' }`. Part of the volume's identity. */
  readonly compat?: Readonly<Record<string, string>> | undefined;
  /** How concurrent runs use it. The default is the tool's. Not part of its identity. */
  readonly sharing?: CacheSharingMode | undefined;
  /** The seed below its layers. Not part of its identity: changing it keeps saved layers. */
  readonly source?: VolumeSeed | undefined;
  /**
   * The owner of its files in a container: `1000:1000`, `node`. Not part of its identity, and without effect in a fork,
   * where all files belong to the engine's user.
   */
  readonly owner?: string | undefined;
}

/**
 * The seed of a volume: an absolute directory on the engine's machine, or another volume of the same tool. Its files
 * are visible but never saved.
 *
 * @example
 * ```ts
 * import { homedir } from 'node:os';
 * import { connect } from '@cachelane/sdk/node';
 *
 * await using engine = await connect();
 * const source = { directory: `${homedir()}/.npm` };
 * await engine.run(['npm', 'ci'], { volumes: [engine.cacheVolume('npm', { source })] });
 * ```
 */
export type VolumeSeed = { readonly directory: string } | { readonly volume: CacheVolume };

/** A volume to attach, optionally with options. */
export type Attachable = CacheVolume | AttachRequest;

export interface AttachRequest {
  readonly volume: CacheVolume;
  readonly sharing?: CacheSharingMode | undefined;
  /** Overrides the volume's own source. */
  readonly source?: VolumeSeed | undefined;
  /** The default is `WRITE`. All volumes of a fork have the same mode. */
  readonly mode?: AttachMode | undefined;
  /** An environment variable that points to the directory, for tools without such a setting. */
  readonly variable?: string | undefined;
}

/**
 * A cache volume by name. The first method call requests its id, which is then reused.
 *
 * @example
 * ```ts
 * import { connect } from '@cachelane/sdk/node';
 *
 * await using engine = await connect();
 * const npm = engine.cacheVolume('npm');
 * console.log((await npm.explain())?.why);
 * for await (const { path, sizeBytes } of npm.entries({ under: '_cacache/index-v5' })) console.log(path, sizeBytes);
 * ```
 */
export interface CacheVolume {
  /** Returns the volume of this name in another namespace: `github.com/acme`. Throws E_USAGE for a volume by id. */
  in(namespace: string): CacheVolume;
  /**
   * Returns the volume of this name in a child namespace, by names from the outside in. Throws E_USAGE for a volume by
   * id.
   */
  scope(...names: readonly string[]): CacheVolume;
  /**
   * Returns its opaque id, the same in every session and on every engine. Other programs can use it:
   * `engine.volume(id)`.
   */
  id(options?: CallOptions): Promise<string>;
  /** Returns key, namespace, compat and tool, with warnings about requests that differ. */
  info(options?: CallOptions): Promise<VolumeInfo>;
  /** Returns why a run here would get it in this way; null if it has no path here. */
  explain(options?: CallOptions): Promise<Explanation | null>;
  /** Returns the space that it uses, by lane. */
  usage(options?: CallOptions): Promise<VolumeUsage>;
  /** Returns the bytes in the layers of its heads, each layer counted once. */
  sizeBytes(options?: CallOptions): Promise<number>;
  /** Returns its heads on all lanes, sorted by lane. */
  heads(options?: CallOptions): Promise<readonly Head[]>;
  /** Returns its head on one lane; null if that is empty. */
  head(options?: LaneOptions): Promise<Head | null>;
  /** Returns its states on one lane, newest first. */
  snapshots(options?: SnapshotsOptions): Promise<readonly Snapshot[]>;
  /**
   * Returns what a reader of one lane sees, in byte order of the paths. Loads page by page. Throws E_HEAD_MOVED if the
   * volume changes in between.
   */
  entries(options?: EntriesOptions): AsyncIterableIterator<Entry>;
  /**
   * Returns the runs that wrote a path, nearest first. Without a lane, looks at the whole read chain and the seed below
   * it.
   */
  blame(path: string, options?: LaneOptions): Promise<readonly Blamed[]>;
  /** Restores an earlier generation as a new generation. */
  rollback(options?: RollbackOptions): Promise<RolledBack>;
  /**
   * Removes its head and history on one lane. The result is empty if there was nothing. Open forks that started with it
   * can no longer be saved: their commit throws E_NOT_FOUND.
   */
  remove(options?: RemoveOptions): Promise<readonly Removed[]>;
  /** Returns its grants, sorted by grantee. A confined session of another project sees only grants to itself. */
  grants(options?: CallOptions): Promise<readonly Grant[]>;
  /**
   * Grants it, for any compat, to `github.com/acme/api`, or with `github.com/acme/**` also to those below. Another
   * grant to the same grantee replaces it. The volume may be empty, and the grantee need not exist. A confined session
   * can grant only its own volumes.
   *
   * @example
   * ```ts
   * import { connect } from '@cachelane/sdk/node';
   *
   * await using engine = await connect();
   * const npm = engine.cacheVolume('npm');
   * const { access, trust } = await npm.grant('github.com/acme/api', { access: 'WRITE' });
   * console.log(access, trust, (await npm.grants()).length);
   * await npm.withdrawGrant('github.com/acme/api');
   * ```
   */
  grant(to: string, options?: GrantOptions): Promise<Grant>;
  /** Withdraws a grant; null if there is none. Open sessions can still read, but not save. */
  withdrawGrant(to: string, options?: ChangeOptions): Promise<Grant | null>;
  /** Runs the tool's own clean-up command in it and saves the result. */
  prune(options?: KeyedOptions): Promise<Pruned>;
}
