import {
  type BytePath,
  CachelaneError,
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
  isCachelaneError,
  isHeldFile,
  limits,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import { cleanUpsAmong } from '../base/clean-ups.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { squashesOf } from '../heads/known-squashes.ts';
import { onLineage } from '../tiers/fed-stack.ts';
import type { Lineage } from '../tiers/lineage.ts';
import type { View } from '../views/view.ts';
import type { MergeOutcome } from './conflicts.ts';
import { meeting } from './meeting.ts';
import { type SealPlan, planSeal } from './seal-plan.ts';

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
  /** A prune run: removals count, and its layer goes directly above the layers it saw. Layers pushed since stay on top, so their files are kept. */
  readonly prunes: boolean;
  readonly onDamage: (path: BytePath) => void;
  readonly sessionId: SessionId;
  /** Layers of the own lane that the run saw. */
  readonly seen: readonly LayerId[];
  /** Whether the run saw contents of the lane. */
  readonly hadHead: boolean;
  /** Called before E_NOT_FOUND is thrown because the head was removed. */
  readonly onRemoved: () => void;
  /** Layers to put below the first save of a lane. */
  readonly lineage: Lineage;
  readonly onProgress: (done: number) => void;
  /** Throws E_QUOTA if a layer of this size is too large. */
  readonly admit: (sizeBytes: number) => Promise<void>;
}

export interface Saved extends MergeOutcome {
  readonly layer: LayerRecord;
  readonly head: HeadRecord;
}

export interface SaveEnd extends Pick<SealPlan, 'taken' | 'touched' | 'isAll'> {
  /** Null if nothing relevant changed, or a part kept changing. */
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
    throw new CachelaneError('E_LAYER_REFUSED', `${revoked.run} is revoked and may have written some of it`);
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
  // The pin protects the layer from collectors until the head names it.
  await deps.metadata.updateSession(request.sessionId, { pins: [staged.id] }, signal);
  await deps.layers.publish(staged, signal);
  return { saved: await push(deps, request, record, signal), taken, touched, isAll };
}

/** In a shared directory, a file may change between its digest and its copy. */
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

/** Pushes by compare-and-swap, with retries. Layers of other runs stay below. */
async function push(
  deps: SaveDependencies,
  request: SaveRequest,
  layer: LayerRecord,
  signal: AbortSignal,
): Promise<Saved> {
  let head = await deps.metadata.head(request.volumeId, request.lane, signal);
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    // The changes alone, without their base, are half a cache.
    if (head === undefined && request.hadHead) {
      request.onRemoved();
      throw removedMeanwhile(`the head on lane ${request.lane}`);
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
      hint: `run again; the layer ${layer.id.slice(0, 12)} was not saved`,
      retryable: true,
    },
  );
}

/** Returns the head's layers with the new one, top first. Errors: E_HEAD_MOVED if the layers that a prune saw have changed, or if another prune ended since; its removals could hide files that others still name. */
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
    throw nothingPruned('another command removed layers from the lane');
  }
  const above = all.slice(0, pushed);
  if ((await cleanUpsAmong(metadata, above, signal)).size > 0) {
    throw nothingPruned('another prune changed the lane');
  }
  return squashes.contract([...above, id, ...seen], head);
}

function nothingPruned(why: string): CachelaneError {
  return new CachelaneError('E_HEAD_MOVED', why, { hint: 'nothing was pruned; try again', retryable: true });
}

function removedMeanwhile(what: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `${what} was removed while the command ran`, {
    hint: 'run the command again; it starts with an empty volume',
    ...(cause === undefined ? {} : { cause }),
  });
}
