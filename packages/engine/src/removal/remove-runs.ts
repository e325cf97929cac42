import {
  type BytePath,
  CachelaneError,
  type Entry,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerRecord,
  type RunId,
  type RunRecord,
  type StoredLayer,
  type Tool,
  type VolumeId,
  limits,
} from '@cachelane/core';
import { isDamage } from '../base/is-damage.ts';
import { takeApart } from '../heads/take-apart.ts';
import { withoutRun } from '../heads/without-run.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { type Remainder, type Remains, closeNames, commitRemains, publishRemains } from './remains.ts';
import { stageWithout } from './written-over.ts';

export type RemoveRunsDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId'>;

/** Replaced layers that were just downloaded, with their runs. */
export interface FetchedLayers {
  readonly layers: readonly LayerRecord[];
  readonly runs: readonly RunRecord[];
}

/** Downloads and publishes what a head's squashes replaced and is not here, without recording it. Errors: those of the remote. */
type FetchReplaced = (head: HeadRecord) => Promise<FetchedLayers>;

export interface RemoveRunsRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly tool: Tool;
  /** The runs to remove. */
  readonly runs: ReadonlySet<RunId>;
  /** The run that moves the head. */
  readonly by: RunId;
  /** Called for each state of the head, since another process may have added a squash. Null: there is no remote. */
  readonly fetchReplaced: FetchReplaced | null;
}

/**
 * Removes runs from a head, and names of content that only they had. Exact as far as replaced layers are here; beyond that, removes
 * everything that the runs changed. Returns the new head, or the old one if the runs are not in it. Errors: E_HEAD_MOVED, and those of
 * `fetchReplaced`.
 */
export async function removeRuns(
  deps: RemoveRunsDependencies,
  request: RemoveRunsRequest,
  signal: AbortSignal,
): Promise<HeadRecord | undefined> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const head = await deps.metadata.head(request.volumeId, request.lane, signal);
    if (head === undefined) return undefined;
    const fetched = await request.fetchReplaced?.(head);
    const remainder = await takeOut(deps, { ...request, fetched: fetched?.layers ?? [] }, head.layers, signal);
    if (remainder === null) return head;
    const { layers, rewritten } = remainder;
    const result = await commitRemains(
      deps,
      {
        volumeId: request.volumeId,
        lane: request.lane,
        expectedGeneration: head.generation,
        layers,
        layer: null,
        rewritten: [...(fetched?.layers ?? []), ...rewritten],
        runs: fetched?.runs ?? [],
        run: request.by,
        counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
        atMs: deps.clock.nowMs(),
      },
      signal,
    );
    if (result?.kind === 'moved') return result.head;
  }
  throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times while runs were removed`, {
    retryable: true,
  });
}

interface TakeOutRequest extends Omit<RemoveRunsRequest, 'fetchReplaced'> {
  /** Layers without a record here. */
  readonly fetched?: readonly LayerRecord[];
}

/** Returns the published rest of a stack, or null if the runs are not in it. */
export async function takeOut(
  deps: RemoveRunsDependencies,
  request: TakeOutRequest,
  stack: readonly LayerId[],
  signal: AbortSignal,
): Promise<Remainder | null> {
  const { volumeId, lane, runs, by, tool, fetched = [] } = request;
  const ids = await takeApart(deps, { head: { volumeId, lane, layers: stack }, runs, fetched }, signal);
  const layers = await openReadable(deps, ids, signal);
  // A damaged layer may contain anything of the run, so drop it, as the next run would.
  let touched = layers.length < ids.length;
  const gone = new Set<BytePath>();
  let remains: readonly Remains[] = [];
  for (const [at, { id, layer }] of [...layers.entries()].toReversed()) {
    const record = (await deps.metadata.layer(id, signal)) ?? fetched.find((each) => each.id === id);
    const answer = withoutRun(layer.index, runs, record?.run ?? null);
    touched ||= answer.kind !== 'keep';
    const kept = answer.kind === 'keep' ? [...layer.index.entries()] : answer.kind === 'rewrite' ? answer.entries : [];
    if (answer.kind !== 'keep') addGone(gone, layer, kept);
    if (answer.kind === 'drop') continue;
    const before = layers.slice(at + 1).map((below) => below.layer);
    const entries = stageWithout(kept, { layer, before, after: remains }, tool);
    remains = [{ layer, id, entries, changed: answer.kind === 'rewrite' }, ...remains];
  }
  if (!touched) return null;
  const closed = gone.size === 0 ? remains : closeNames(remains, (path) => gone.has(path), tool);
  return await publishRemains(deps, { volumeId, without: runs, by }, closed, signal);
}

/** Opens the undamaged layers. */
async function openReadable(
  { layers }: RemoveRunsDependencies,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<readonly { readonly id: LayerId; readonly layer: StoredLayer }[]> {
  const opened: { readonly id: LayerId; readonly layer: StoredLayer }[] = [];
  for (const id of ids) {
    try {
      const layer = await layers.open(id, signal);
      // Reading the index may reveal damage.
      void layer.index;
      opened.push({ id, layer });
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return opened;
}

function addGone(gone: Set<BytePath>, layer: StoredLayer, kept: readonly Entry[]): void {
  const left = new Set(kept.map(({ path }) => path));
  for (const entry of layer.index.entries()) {
    if (entry.type === 'file' && entry.removed === null && !left.has(entry.path)) gone.add(entry.path);
  }
}
