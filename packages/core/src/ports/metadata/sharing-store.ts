import type { NamespaceId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { Namespace } from '../../names/namespace.ts';
import type { VolumeName } from '../../names/volume.ts';
import type { GrantRecord } from '../../sharing/grant.ts';
import type { Grantee } from '../../sharing/grantee.ts';

/** There is one grant for each. */
export type GrantKey = Pick<GrantRecord, 'ownerId' | 'volume' | 'to'>;

/** That what runs of some projects save goes to a tier as well. */
export interface FeedRecord {
  /** The namespace that gets it. */
  readonly tierId: NamespaceId;
  /** The projects. */
  readonly from: Grantee;
  /** Null: all that they save. */
  readonly volume: VolumeName | null;
  /** Of the projects: that of the default branch, as a run knows it, or one by its name. */
  readonly lanes: 'default' | LaneName;
  readonly atMs: number;
  /** Who said so, for people. */
  readonly by: string;
}

/** There is one feed rule for each. */
export type FeedKey = Pick<FeedRecord, 'tierId' | 'from' | 'volume' | 'lanes'>;

/**
 * What namespaces share with each other. It goes with the namespace whose it is, so that one that comes later under the same path has none of it; that of a grantee, or of projects, need not be there, and neither
 * need a volume. No namespace stays because of it ({@link NamespaceStore.createNamespace} makes it stay). All lists are in the order of owner, volume (those of all first), grantee and lanes. Errors: E_NOT_FOUND, of what puts, for an owner or a tier that is not there.
 */
export interface SharingStore {
  /** In the place of another one with the same key. */
  putGrant(grant: GrantRecord, signal: AbortSignal): Promise<void>;
  /** False: there was none. */
  removeGrant(key: GrantKey, signal: AbortSignal): Promise<boolean>;
  grantsOf(ownerId: NamespaceId, signal: AbortSignal): Promise<readonly GrantRecord[]>;
  /** Those that cover one of the names as {@link isCovered} says, of all owners, each once; costs what these have been granted, whatever else was. */
  grantsTo(names: readonly Namespace[], signal: AbortSignal): Promise<readonly GrantRecord[]>;
  /** In the place of another one with the same key. */
  putFeed(feed: FeedRecord, signal: AbortSignal): Promise<void>;
  /** False: there was none. */
  removeFeed(key: FeedKey, signal: AbortSignal): Promise<boolean>;
  feedsOf(tierId: NamespaceId, signal: AbortSignal): Promise<readonly FeedRecord[]>;
}
