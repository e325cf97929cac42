import {
  CachelaneError,
  isCachelaneError,
  type BytePath,
  isHeldFile,
  limits,
  onLineage,
  type ChangeSet,
  type Clock,
  type CollectedPart,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerRecord,
  type LayerStore,
  type Metadata,
  type NamespaceId,
  type Random,
  type RunId,
  type SessionId,
  type StagedLayer,
  type Tool,
  type VolumeId,
} from '@cachelane/core';
import { cleanUpsAmong } from '../base/clean-ups.ts';
import { backOff } from '../base/back-off.ts';
import { squashesOf } from '../heads/known-squashes.ts';
import { neverAborted } from '../base/never-aborted.ts';
import type { Lineage } from '../tiers/lineage.ts';
import type { View } from '../views/view.ts';
import type { MergeOutcome } from './conflicts.ts';
import { meeting } from './meeting.ts';
import { planSeal, type SealPlan } from './seal-plan.ts';

export interface SaveDependencies {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly bootId: string;
}

export interface SaveRequest {
  readonly changes: ChangeSet;
  readonly view: View;
  readonly tool: Tool;
  readonly volumeId: VolumeId;
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly run: RunId;
  /** Other runs that may have made some of the changes. */
  readonly alsoOf: readonly RunId[];
  readonly part: CollectedPart | null;
  /** See `SealInput`. */
  readonly checksLinks: boolean;
  readonly onlyKnown: boolean;
  readonly onUnknown: (path: BytePath) => void;
  /**
   * A prune run: removals count, and the layer goes right above those that it saw. What other runs pushed meanwhile lies on top of it, so that
   * nothing of theirs is taken away by somebody who did not know it.
   */
  readonly prunes: boolean;
  readonly onDamage: (path: BytePath) => void;
  readonly sessionId: SessionId;
  /** Layers of the own lane that the run saw. */
  readonly seen: readonly LayerId[];
  /** Whether what was found is on top of something that the lane had. */
  readonly hadHead: boolean;
  /** The lane has nothing of it any more: nothing is saved. Told before E_NOT_FOUND is thrown. */
  readonly onRemoved: () => void;
  /** What has to lie below what is saved, where the lane has none of it yet. */
  readonly lineage: Lineage;
  readonly onProgress: (done: number) => void;
  /** Throws E_QUOTA where there is no room for a layer of this size. */
  readonly admit: (sizeBytes: number) => Promise<void>;
}

export interface Saved extends MergeOutcome {
  readonly layer: LayerRecord;
  readonly head: HeadRecord;
}

export interface SaveEnd extends Pick<SealPlan, 'taken' | 'touched' | 'isAll'> {
  /** Null: nothing that means anything changed, or a part went on changing. */
  readonly saved: Saved | null;
}

/** Seals the changes into one layer and pushes it onto the lane. Errors: E_QUOTA, E_HEAD_MOVED, E_NOT_FOUND, and those of the ports. */
export async function saveVolume(deps: SaveDependencies, request: SaveRequest, signal: AbortSignal): Promise<SaveEnd> {
  const nowMs = deps.clock.nowMs();
  const origins = [...new Set([request.run, ...request.alsoOf])].toSorted();
  const plan = planSeal({ ...request, origins, nowMs });
  const { taken, touched, isAll } = plan;
  if (plan.entries.length === 0) return { saved: null, taken, touched, isAll };
  const revoked = (await deps.metadata.revokedRuns(request.namespaceId, signal)).find(({ run }) =>
    origins.includes(run),
  );
  if (revoked !== undefined) {
    throw new CachelaneError('E_LAYER_REFUSED', `${revoked.run} is revoked, and may have made some of it`);
  }
  const staged = await deps.layers.stage(
    { changes: request.changes, entries: plan.entries, sealedAtMs: nowMs },
    signal,
  );
  if (!isAsPlanned(request, plan)) {
    await deps.layers.unstage(staged, neverAborted);
    return { saved: null, taken: new Set(), touched, isAll: false };
  }
  try {
    await request.admit(staged.sizeBytes);
  } catch (error) {
    await deps.layers.unstage(staged, neverAborted);
    throw error;
  }
  const record = layerRecord(deps, request, { plan, staged, nowMs });
  // The pin keeps a collector away from the moment the layer is there until the head refers to it.
  await deps.metadata.updateSession(request.sessionId, { pins: [staged.id] }, signal);
  await deps.layers.publish(staged, signal);
  return { saved: await push(deps, request, record, signal), taken, touched, isAll };
}

/** Where others are at work, a file may have changed between its digest and its copy. What was read was held against the file then. */
function isAsPlanned({ part }: SaveRequest, { entries }: SealPlan): boolean {
  if (part === null) return true;
  return entries.every(({ from, entry }) => from !== 'change' || entry.type !== 'file' || part.isAsFound(entry.path));
}

function layerRecord(
  deps: SaveDependencies,
  request: SaveRequest,
  sealed: { readonly plan: SealPlan; readonly staged: StagedLayer; readonly nowMs: number },
): LayerRecord {
  return {
    id: sealed.staged.id,
    volumeId: request.volumeId,
    run: request.run,
    counts: sealed.plan.counts,
    files: sealed.plan.entries.filter(({ entry }) => isHeldFile(entry)).length,
    sealedAtMs: sealed.nowMs,
    bootId: deps.bootId,
  };
}

/** Compare-and-swap until it holds. What others pushed meanwhile lies below, and stays. */
async function push(
  deps: SaveDependencies,
  request: SaveRequest,
  layer: LayerRecord,
  signal: AbortSignal,
): Promise<Saved> {
  let head = await deps.metadata.head(request.volumeId, request.lane, signal);
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    // What the run changed, without what it found, is half a cache.
    if (head === undefined && request.hadHead) {
      request.onRemoved();
      throw removedMeanwhile(`what it had on lane ${request.lane}`);
    }
    const wish = {
      volumeId: request.volumeId,
      lane: request.lane,
      expectedGeneration: head?.generation ?? 0,
      layers: await placeLayer(deps, request, { id: layer.id, head: head?.layers ?? [] }, signal),
      layer,
      origins: request.lineage.origins,
      run: request.run,
      counts: layer.counts,
      atMs: deps.clock.nowMs(),
    };
    const result = await deps.metadata.commit(wish, signal).catch((error: unknown) => {
      throw isCachelaneError(error, 'E_NOT_FOUND') ? removedMeanwhile('the volume', error) : error;
    });
    if (result.kind === 'moved') return { layer, head: result.head, ...(await meeting(deps, request, result.head)) };
    head = result.head ?? undefined;
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError(
    'E_HEAD_MOVED',
    `the head moved ${limits.commitAttempts} times while this run tried to save`,
    {
      hint: `run again; the layer ${layer.id.slice(0, 12)} was not pushed`,
      retryable: true,
    },
  );
}

/**
 * Top first. Errors: E_HEAD_MOVED where a prune run's own layers are not what they were: it would hide what it never saw. So it is where another one ended meanwhile: a file that is kept whole
 * shows the lines that this one took out, whose contents this one takes away.
 */
async function placeLayer(
  { metadata }: Pick<SaveDependencies, 'metadata'>,
  request: SaveRequest,
  { id, head }: { readonly id: LayerId; readonly head: readonly LayerId[] },
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const { lineage } = request;
  if (!request.prunes && lineage.layers.length === 0) return [id, ...head];
  const squashes = await squashesOf(metadata, request, signal);
  if (!request.prunes) {
    const below = onLineage([id, ...squashes.expand(head)], lineage.layers);
    return squashes.contract(below, head, (each) => head.includes(each));
  }
  const [all, seen] = [squashes.expand(head), squashes.expand(request.seen)];
  const pushed = all.length - seen.length;
  if (pushed < 0 || !seen.every((each, index) => each === all[pushed + index])) {
    throw nothingPruned('something else took layers out of the lane meanwhile');
  }
  const above = all.slice(0, pushed);
  if ((await cleanUpsAmong(metadata, above, signal)).size > 0) {
    throw nothingPruned('something else was pruned in the lane meanwhile');
  }
  return squashes.contract([...above, id, ...seen], head);
}

function nothingPruned(why: string): CachelaneError {
  return new CachelaneError('E_HEAD_MOVED', why, { hint: 'nothing was pruned: try again', retryable: true });
}

function removedMeanwhile(what: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `${what} was removed while the command ran`, {
    hint: 'what was removed stays removed: begin again, with an empty volume',
    ...(cause === undefined ? {} : { cause }),
  });
}
