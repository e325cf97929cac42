import type { NamespaceId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { Namespace } from '../../names/namespace.ts';
import type { VolumeName } from '../../names/volume.ts';
import type { GrantRecord } from '../../sharing/grant.ts';
import type { Grantee } from '../../sharing/grantee.ts';

/** Identifies a grant. */
export type GrantKey = Pick<GrantRecord, 'ownerId' | 'volume' | 'to'>;

/** A rule that saves of some projects also go to a tier. */
export interface FeedRecord {
  /** The namespace that receives them. */
  readonly tierId: NamespaceId;
  /** The projects. */
  readonly from: Grantee;
  /** Null: all volumes. */
  readonly volume: VolumeName | null;
  /** The projects' default branch, or one lane by name. */
  readonly lanes: 'default' | LaneName;
  readonly atMs: number;
  /** Who set the rule; display text. */
  readonly by: string;
}

/** Identifies a feed rule. */
export type FeedKey = Pick<FeedRecord, 'tierId' | 'from' | 'volume' | 'lanes'>;

/**
 * Grants and feed rules between namespaces. They are deleted with their owner, so a later namespace at the same path
 * has none. Grantees, projects and volumes may not exist. They keep no namespace alive ({@link
 * NamespaceStore.createNamespace} does). Lists are ordered by owner, volume (rules for all volumes first), grantee
 * and lanes. Errors: E_NOT_FOUND when putting a rule for a missing owner or tier.
 */
export interface SharingStore {
  /** Adds a grant, replacing one with the same key. */
  putGrant(grant: GrantRecord, signal: AbortSignal): Promise<void>;
  /** Returns false if the grant did not exist. */
  removeGrant(key: GrantKey, signal: AbortSignal): Promise<boolean>;
  grantsOf(ownerId: NamespaceId, signal: AbortSignal): Promise<readonly GrantRecord[]>;
  /**
   * Returns the grants of all owners that cover one of the names, as {@link isCovered} says. The cost depends on
   * these grants only.
   */
  grantsTo(names: readonly Namespace[], signal: AbortSignal): Promise<readonly GrantRecord[]>;
  /** Adds a feed rule, replacing one with the same key. */
  putFeed(feed: FeedRecord, signal: AbortSignal): Promise<void>;
  /** Returns false if the rule did not exist. */
  removeFeed(key: FeedKey, signal: AbortSignal): Promise<boolean>;
  feedsOf(tierId: NamespaceId, signal: AbortSignal): Promise<readonly FeedRecord[]>;
}
