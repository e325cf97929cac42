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
  /** Added to what the tool says about who can use whose contents: `{ image: 'alpine' }`. Part of what the volume is. */
  readonly compat?: Readonly<Record<string, string>> | undefined;
  /** Who may be at work in it at once; as the tool suits it where it is left out. No part of what the volume is. */
  readonly sharing?: CacheSharingMode | undefined;
  /** What lies below all that is read of it. No part of what the volume is: another one abandons nothing that was saved. */
  readonly source?: VolumeSeed | undefined;
  /**
   * Who its files are to belong to where it is shown to a container: `1000:1000`, `node`. No part of what the volume is, and nothing comes of it in a fork: there all files
   * belong to the engine's user.
   */
  readonly owner?: string | undefined;
}

/**
 * What a volume is seeded from: a directory, absolute and on the engine's machine, or another volume of the same tool. What is there is found, and never saved; a fork that changed nothing saves nothing.
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

/** What a fork is made of: a volume, or one with how it is wanted. */
export type Attachable = CacheVolume | AttachRequest;

export interface AttachRequest {
  readonly volume: CacheVolume;
  readonly sharing?: CacheSharingMode | undefined;
  /** Instead of what the volume was asked for with. */
  readonly source?: VolumeSeed | undefined;
  /** `WRITE` where it is left out. One fork has one mode. */
  readonly mode?: AttachMode | undefined;
  /** An environment variable that is to name the directory, for programs that no setting of their tool leads there. */
  readonly variable?: string | undefined;
}

/**
 * A cache volume by its name. Nothing is asked before a method is called; the first one asks for the id, which stays.
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
  /** The volume of this name in another namespace: `github.com/acme`. Throws E_USAGE for one that was taken by its id. */
  in(namespace: string): CacheVolume;
  /** The volume of this name in a child namespace: names that belong together, outermost first. Throws E_USAGE for one that was taken by its id. */
  scope(...names: readonly string[]): CacheVolume;
  /** Opaque; the same for the same volume, in every session and on every engine. Whoever has it may pass it on: `engine.volume(id)`. */
  id(options?: CallOptions): Promise<string>;
  /** What it is: key, namespace, compat, tool; and warnings of requests for it that differ. */
  info(options?: CallOptions): Promise<VolumeInfo>;
  /** Why a run here would get what it would get; null for a volume that has no place of its own here. */
  explain(options?: CallOptions): Promise<Explanation | null>;
  /** What it holds, by lane. */
  usage(options?: CallOptions): Promise<VolumeUsage>;
  /** Content of the layers that its heads name, each counted once. */
  sizeBytes(options?: CallOptions): Promise<number>;
  /** What it is on each lane that has something, by the name of the lane. */
  heads(options?: CallOptions): Promise<readonly Head[]>;
  /** What it is on one lane; null where that has nothing. */
  head(options?: LaneOptions): Promise<Head | null>;
  /** What it was after its moves on one lane, newest first. */
  snapshots(options?: SnapshotsOptions): Promise<readonly Snapshot[]>;
  /** What a reader of one lane finds, in byte order of the paths; asked for page by page. Throws E_HEAD_MOVED where the volume changes meanwhile. */
  entries(options?: EntriesOptions): AsyncIterableIterator<Entry>;
  /** Which runs provide what a reader finds at a path, nearest first; of the whole read chain, and of the source below it, where no lane is named. */
  blame(path: string, options?: LaneOptions): Promise<readonly Blamed[]>;
  /** Brings back what it was at an earlier generation; itself a new generation. */
  rollback(options?: RollbackOptions): Promise<RolledBack>;
  /** Removes what it holds on one lane, history and all. Empty where it holds nothing. Forks that had found something there are not saved after that: their commit throws E_NOT_FOUND. */
  remove(options?: RemoveOptions): Promise<readonly Removed[]>;
  /** With whom it is shared, by whom it is for. A session of another project that is confined is told what is for that. */
  grants(options?: CallOptions): Promise<readonly Grant[]>;
  /**
   * Lets others use it, whatever its compat: `github.com/acme/api`, or `github.com/acme/**` for that one and those below it. Another grant for the same takes its place. The volume need not hold anything yet, and the other namespace need not be there. A confined session shares what is its own.
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
  /** Takes it back; null where there is none, as when it is asked again. What is open with it goes on reading, and saves nothing more there. */
  withdrawGrant(to: string, options?: ChangeOptions): Promise<Grant | null>;
  /** Runs the tool's own clean-up in it and saves what that removed. */
  prune(options?: KeyedOptions): Promise<Pruned>;
}
