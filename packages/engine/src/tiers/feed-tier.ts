import {
  CachelaneError,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type RunId,
  type SessionId,
  type SquashRecord,
  Squashes,
  type Tool,
  isCachelaneError,
  limits,
  mergesByPath,
  unverifiedIn,
  verifiedOf,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import { cleanUpsAmong } from '../base/clean-ups.ts';
import type { LanePlace } from '../heads/known-squashes.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { Origins } from '../provenance/origins.ts';
import { isSame } from '../sync/heads/compare-heads.ts';
import { fedStack } from './fed-stack.ts';

type FeedDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'random'>;

export interface TierFeed {
  readonly own: LanePlace;
  readonly tier: LanePlace;
  readonly tool: Tool;
  /** Whether none of these layers may be fed. */
  readonly isRefused: (ids: ReadonlySet<LayerId>) => Promise<boolean>;
  /** The run that moves the tier's head. */
  readonly run: RunId;
  /** Its pins protect the layers until the tier's head names them. */
  readonly sessionId: SessionId;
  /** Throws E_QUOTA if the tier has no room for layers of this size. */
  readonly admit: (sizeBytes: number) => Promise<void>;
}

export interface Fed {
  readonly head: HeadRecord;
  /** The layers that were added. */
  readonly layers: readonly LayerRecord[];
}

/**
 * Adds what the own head shows and the tier lacks to the tier, by compare-and-swap. Returns null if nothing is missing or the layers are
 * refused. Errors: E_QUOTA; E_LAYER_REFUSED for changes of a revoked run; E_LAYER_MISSING for a missing layer of the own head;
 * E_HEAD_MOVED; E_NOT_FOUND if the tier was removed.
 */
export async function feedTier(deps: FeedDependencies, feed: TierFeed, signal: AbortSignal): Promise<Fed | null> {
  let missing: CachelaneError | undefined;
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const move = await planMove(deps, feed, signal);
    if (move === null) return null;
    try {
      const head = await commit(deps, feed, move, signal);
      if (head !== null) return { head, layers: move.records };
      missing = undefined;
    } catch (error) {
      // The own head moved and its old layers were collected: try the new head.
      if (!isCachelaneError(error, 'E_LAYER_MISSING')) throw error;
      missing = error;
    }
    await backOff(deps, attempt, signal);
  }
  // The own head has not moved, so its layer really is missing.
  if (missing !== undefined) throw missing;
  throw new CachelaneError('E_HEAD_MOVED', `the tier's head moved ${limits.commitAttempts} times`, { retryable: true });
}

interface Move {
  readonly tier: HeadRecord | undefined;
  /** The tier's next head, top first. */
  readonly layers: readonly LayerId[];
  /** Records of the added layers. */
  readonly records: readonly LayerRecord[];
}

async function planMove(deps: FeedDependencies, feed: TierFeed, signal: AbortSignal): Promise<Move | null> {
  const { metadata } = deps;
  const own = await metadata.head(feed.own.volumeId, feed.own.lane, signal);
  if (own === undefined) return null;
  const tier = await metadata.head(feed.tier.volumeId, feed.tier.lane, signal);
  const before = tier?.layers ?? [];
  const layers = await stackOf(deps, feed, { own: own.layers, tier: before }, signal);
  if (isSame(layers, before)) return null;
  const fresh = new Set(layers).difference(new Set(before));
  // `explain` says why; a warning after each run would be noise.
  if (await feed.isRefused(fresh)) return null;
  const records: LayerRecord[] = [];
  for (const id of fresh) {
    const record = await metadata.layer(id, signal);
    if (record !== undefined) records.push(record);
  }
  return { tier, layers, records };
}

interface Heads {
  readonly own: readonly LayerId[];
  readonly tier: readonly LayerId[];
}

/** Squashes with missing parts count as ordinary layers. */
async function stackOf(
  { metadata, layers }: FeedDependencies,
  { own, tier, tool }: TierFeed,
  heads: Heads,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const [mine, theirs] = [
    await metadata.squashes(own.volumeId, own.lane, signal),
    await metadata.squashes(tier.volumeId, tier.lane, signal),
  ];
  const isHere = new Map<LayerId, boolean>();
  const has = async (id: LayerId): Promise<boolean> => {
    if (!isHere.has(id)) isHere.set(id, await layers.has(id, signal));
    return isHere.get(id) === true;
  };
  const known = [...theirs, ...(await whole(mine, has))];
  const cleanUps = await cleanUpsAmong(
    metadata,
    new Squashes([...theirs, ...mine]).expand([...heads.own, ...heads.tier]),
    signal,
  );
  const stack = (records: readonly SquashRecord[]): readonly LayerId[] =>
    fedStack({
      ...heads,
      squashes: new Squashes(records),
      isCleanUp: (id) => cleanUps.has(id),
      merges: mergesByPath(tool),
    });
  const told = stack(known);
  const named = new Set(heads.tier);
  for (const id of told) if (!named.has(id) && !(await has(id))) return stack(await whole(known, has));
  return told;
}

/** Returns the squashes whose parts are all here. */
async function whole(
  records: readonly SquashRecord[],
  has: (id: LayerId) => Promise<boolean>,
): Promise<readonly SquashRecord[]> {
  const squashes = new Squashes(records);
  const kept: SquashRecord[] = [];
  for (const record of records) {
    let isWhole = true;
    for (const id of squashes.expand([record.id])) isWhole &&= await has(id);
    if (isWhole) kept.push(record);
  }
  return kept;
}

/** Returns null if the tier's head moved. */
async function commit(
  deps: FeedDependencies,
  feed: TierFeed,
  { tier, layers, records }: Move,
  signal: AbortSignal,
): Promise<HeadRecord | null> {
  const { metadata } = deps;
  const fresh = records.map(({ id }) => id);
  await metadata.updateSession(feed.sessionId, { pins: fresh }, signal);
  const sizeBytes = records.reduce((sum, { counts }) => sum + counts.sizeBytes, 0);
  await feed.admit(sizeBytes);
  const result = await metadata.commit(
    {
      ...feed.tier,
      expectedGeneration: tier?.generation ?? 0,
      layers,
      layer: null,
      // A collector may have forgotten records before they were pinned.
      rewritten: records,
      origins: await originsOf(deps, records, signal),
      run: feed.run,
      counts: {
        added: records.reduce((sum, { counts }) => sum + counts.added, 0),
        changed: records.reduce((sum, { counts }) => sum + counts.changed, 0),
        removed: 0,
        sizeBytes,
      },
      atMs: deps.clock.nowMs(),
    },
    signal,
  );
  return result.kind === 'moved' ? result.head : null;
}

/** Returns the first path that the personal tier refuses, or null. */
export async function unverifiedAmong(
  { layers }: Pick<EngineDependencies, 'layers'>,
  { ids, tool }: { readonly ids: Iterable<LayerId>; readonly tool: Tool },
  signal: AbortSignal,
): Promise<string | null> {
  const verified = verifiedOf(tool);
  for (const id of ids) {
    const path = unverifiedIn((await layers.open(id, signal)).index, verified);
    if (path !== null) return path;
  }
  return null;
}

/** Returns the runs behind the layers, so that the commit fails if one was revoked. */
export async function originsOf(
  { layers }: Pick<EngineDependencies, 'layers'>,
  records: readonly Pick<LayerRecord, 'id' | 'run'>[],
  signal: AbortSignal,
): Promise<ReadonlySet<RunId>> {
  const origins = new Origins(layers, signal);
  const runs = new Set<RunId>();
  for (const { id, run } of records) for (const each of [run, ...(await origins.of(id))]) runs.add(each);
  return runs;
}
