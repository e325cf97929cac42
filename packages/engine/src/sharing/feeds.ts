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

/** A feed rule, and the present name of the tier. */
export interface ListedFeed extends Omit<FeedRecord, 'tierId'> {
  readonly tier: Namespace;
}

/** One feed rule of a tier by its names. */
export interface FeedOf extends Omit<FeedKey, 'tierId'> {
  readonly tier: Namespace;
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
}

export interface AddedFeed {
  readonly feed: ListedFeed;
  /** False: there was such a rule, and it is left as it is. */
  readonly isNew: boolean;
  /** There was no such namespace yet. */
  readonly isNewTier: boolean;
}

/** Lets runs of projects bring what they save to a tier, which stays from then on. Errors: E_USAGE for a tier that would feed itself, and for lanes of T0. */
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
  throw new CachelaneError('E_USAGE', `${lanes} feeds no tier: nobody vouches for lanes of level T0`, {
    hint: 'name a lane of another level, or leave it out for the default branch',
  });
}

function requireOthers(own: readonly Namespace[], { from }: Pick<FeedKey, 'from'>): void {
  if (from.below || !isOwn({ own }, [from.namespace])) return;
  throw new CachelaneError('E_USAGE', `${from.namespace} does not feed itself`, {
    hint: `name the projects that feed it with --from: github.com/acme/web, or ${own[0] ?? from.namespace}/** for all below it`,
  });
}

/** Takes a feed rule back; null where there was none. What it brought stays. */
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

/** Those of a tier by any of its names. */
export async function listFeeds(
  metadata: Metadata,
  tier: Namespace,
  signal: AbortSignal,
): Promise<readonly ListedFeed[]> {
  const record = await metadata.findNamespace(tier, signal);
  if (record === undefined) return [];
  return (await metadata.feedsOf(record.id, signal)).map((feed) => ({ ...feed, tier: record.paths[0] ?? tier }));
}
