import {
  CachelaneError,
  granteeText,
  isOwn,
  laneTrust,
  type FeedKey,
  type FeedRecord,
  type Metadata,
  type Namespace,
} from '@cachelane/core';
import { sharingNamespace, type SharingDependencies } from './sharing-namespace.ts';

/** A feed rule with the present name of the tier. */
export interface ListedFeed extends Omit<FeedRecord, 'tierId'> {
  readonly tier: Namespace;
}

/** One feed rule, by the tier's names. */
export interface FeedOf extends Omit<FeedKey, 'tierId'> {
  readonly tier: Namespace;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface AddedFeed {
  readonly feed: ListedFeed;
  /** False: the rule existed already and is unchanged. */
  readonly isNew: boolean;
  /** The namespace was created for the rule. */
  readonly isNewTier: boolean;
}

/** Adds a feed rule and makes the tier permanent. Errors: E_USAGE for a tier that would feed itself, and for T0 lanes. */
export async function addFeed(
  deps: SharingDependencies,
  { dryRun, tier: asked, ...wanted }: FeedOf & Pick<FeedRecord, 'by'>,
  signal: AbortSignal,
): Promise<AddedFeed> {
  requireVouched(wanted);
  const { metadata, clock } = deps;
  const check = (own: readonly Namespace[]): void => requireOthers(own, wanted);
  const {
    record,
    namespace: tier,
    isNew: isNewTier,
  } = await sharingNamespace(deps, { path: asked, dryRun }, { signal, check });
  const feed = { tier, ...wanted, atMs: clock.nowMs() };
  if (record === null) return { feed, isNew: true, isNewTier };
  const before = await findFeed(metadata, { ...wanted, tierId: record.id }, signal);
  if (before !== null) return { feed: { ...before, tier }, isNew: false, isNewTier };
  if (!dryRun) {
    const { tier: _, ...stored } = feed;
    await metadata.putFeed({ ...stored, tierId: record.id }, signal);
  }
  return { feed, isNew: true, isNewTier };
}

function requireVouched({ lanes }: Pick<FeedKey, 'lanes'>): void {
  if (lanes === 'default' || laneTrust(lanes) !== 'T0') return;
  throw new CachelaneError('E_USAGE', `${lanes} cannot feed a tier: T0 lanes are not trusted`, {
    hint: 'name a lane of another level, or none for the default branch',
  });
}

function requireOthers(own: readonly Namespace[], { from }: Pick<FeedKey, 'from'>): void {
  if (from.below || !isOwn({ own }, [from.namespace])) return;
  throw new CachelaneError('E_USAGE', `${from.namespace} cannot feed itself`, {
    hint: `name the projects that feed it with --from: github.com/acme/web, or ${own[0] ?? from.namespace}/** for all below it`,
  });
}

/** Removes a feed rule; returns null if there was none. Layers that were fed stay. */
export async function removeFeed(
  metadata: Metadata,
  { tier: asked, dryRun, ...rule }: FeedOf,
  signal: AbortSignal,
): Promise<ListedFeed | null> {
  const record = await metadata.findNamespace(asked, signal);
  if (record === undefined) return null;
  const key = { ...rule, tierId: record.id };
  const feed = await findFeed(metadata, key, signal);
  if (feed !== null && !dryRun) await metadata.removeFeed(key, signal);
  return feed === null ? null : { ...feed, tier: record.paths[0] ?? asked };
}

async function findFeed(
  metadata: Metadata,
  { tierId, from, volume, lanes }: FeedKey,
  signal: AbortSignal,
): Promise<FeedRecord | null> {
  const isSame = (each: FeedRecord): boolean =>
    each.volume === volume && each.lanes === lanes && granteeText(each.from) === granteeText(from);
  return (await metadata.feedsOf(tierId, signal)).find(isSame) ?? null;
}

/** Returns the feed rules of a tier, by any of its names. */
export async function listFeeds(
  metadata: Metadata,
  tier: Namespace,
  signal: AbortSignal,
): Promise<readonly ListedFeed[]> {
  const record = await metadata.findNamespace(tier, signal);
  if (record === undefined) return [];
  return (await metadata.feedsOf(record.id, signal)).map((feed) => ({ ...feed, tier: record.paths[0] ?? tier }));
}
