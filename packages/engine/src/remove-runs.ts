import {
  CachelaneError,
  limits,
  withoutRun,
  type BytePath,
  type Entry,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerIndex,
  type LayerRecord,
  type RunId,
  type RunRecord,
  type StoredLayer,
  type Tool,
  type VolumeId,
} from '@cachelane/core';
import type { EngineDependencies } from './engine.ts';
import { isDamage } from './is-damage.ts';
import { closeNames, commitRemains, publishRemains, type Remainder, type Remains } from './remains.ts';
import { takeApart } from './take-apart.ts';
import { stageFrom } from './views/squash.ts';

export type RemoveRunsDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId'>;

/** Layers that squashes replaced and that came from a remote just now, with their runs. */
export interface FetchedLayers {
  readonly layers: readonly LayerRecord[];
  readonly runs: readonly RunRecord[];
}

/** Brings what squashes of a head replaced and is not here: published, and not known here yet. Errors: those of the remote. */
type FetchReplaced = (head: HeadRecord) => Promise<FetchedLayers>;

export interface RemoveRunsRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly tool: Tool;
  /** The runs whose work goes. */
  readonly runs: ReadonlySet<RunId>;
  /** The run on whose behalf the head moves. */
  readonly by: RunId;
  /** Asked of each state of the head that is tried: another process may have put a squash there whose parts are not here. Null: there is no remote to ask. */
  readonly fetchReplaced: FetchReplaced | null;
}

/**
 * Takes runs out of a head: what is left is what the other runs put there, and no name points at content that went with it. As far as the layers that squashes replaced are here, it is as if the runs had
 * never been; beyond that all goes that they had a part in. Returns the new head, or the old one where they had no part in it. Errors: E_HEAD_MOVED, and those of `fetchReplaced`.
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
    const remainder = await takeOut(deps, request, head.layers, signal);
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
  throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times while runs were taken out`, {
    retryable: true,
  });
}

/** What is left of a stack, published; null where the runs have no part in it. */
export async function takeOut(
  deps: RemoveRunsDependencies,
  request: Omit<RemoveRunsRequest, 'fetchReplaced'>,
  stack: readonly LayerId[],
  signal: AbortSignal,
): Promise<Remainder | null> {
  const remains: Remains[] = [];
  const gone = new Set<BytePath>();
  let touched = false;
  const head = { volumeId: request.volumeId, lane: request.lane, layers: stack };
  for (const id of await takeApart(deps, { head, runs: request.runs }, signal)) {
    const opened = await openReadable(deps, id, signal);
    if (opened === null) {
      // Nobody can tell what a damaged layer holds of the run: it goes, as it would at the next run's start.
      touched = true;
      continue;
    }
    const { layer, index } = opened;
    const maker = (await deps.metadata.layer(id, signal))?.run ?? null;
    const answer = withoutRun(index, request.runs, maker);
    touched ||= answer.kind !== 'keep';
    const entries = answer.kind === 'keep' ? [...index.entries()] : answer.kind === 'rewrite' ? answer.entries : [];
    if (answer.kind !== 'keep') addGone(gone, layer, entries);
    if (answer.kind !== 'drop')
      remains.push({
        layer,
        id,
        entries: entries.map((entry) => stageFrom(entry, layer)),
        changed: answer.kind === 'rewrite',
      });
  }
  if (!touched) return null;
  const { volumeId, runs, by } = request;
  const closed = gone.size === 0 ? remains : closeNames(remains, (path) => gone.has(path), request.tool);
  return await publishRemains(deps, { volumeId, without: runs, by }, closed, signal);
}

async function openReadable(
  deps: RemoveRunsDependencies,
  id: LayerId,
  signal: AbortSignal,
): Promise<{ readonly layer: StoredLayer; readonly index: LayerIndex } | null> {
  try {
    const layer = await deps.layers.open(id, signal);
    return { layer, index: layer.index };
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function addGone(gone: Set<BytePath>, layer: StoredLayer, kept: readonly Entry[]): void {
  const left = new Set(kept.map(({ path }) => path));
  for (const entry of layer.index.entries()) {
    if (entry.type === 'file' && entry.removed === null && !left.has(entry.path)) gone.add(entry.path);
  }
}
