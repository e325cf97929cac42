import {
  headKey,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type Remote,
  type RunId,
  type RunRecord,
} from '@cachelane/core';
import type { EngineDependencies } from '../engine.ts';
import { squashesOf } from '../known-squashes.ts';
import { toolOf } from '../provenance/revoke-runs.ts';
import type { FetchedLayers } from '../remove-runs.ts';
import { everyLayerOf, type SyncedPlace } from './compare-heads.ts';
import { isAboutLayer, pullLayer } from './pull-layer.ts';
import { readHead } from './remote-heads.ts';

export type FetchDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'transfers' | 'clock' | 'tools' | 'bootId'
> & { readonly remote: Remote };

export interface ReplacedIn {
  readonly place: Omit<SyncedPlace, 'remoteId'>;
  /** Whose volume it is. */
  readonly tool: string;
  /** As it is here. */
  readonly head: HeadRecord;
}

/**
 * What squashes of a head here replaced, and only the remote still has: with it runs can be taken out as if they had never been. What the remote does not have, or has damaged, is left out: what
 * depends on it is dropped whole.
 */
export async function fetchReplaced(
  deps: FetchDependencies,
  { place, tool, head }: ReplacedIn,
  signal: AbortSignal,
): Promise<FetchedLayers> {
  const { remote, metadata, layers, bootId, clock, tools } = deps;
  const squashes = await squashesOf(metadata, head, signal);
  const missing: LayerId[] = [];
  for (const id of squashes.within(head.layers).flatMap((squash) => squash.layers)) {
    if (!(await layers.has(id, signal))) missing.push(id);
  }
  if (missing.length === 0) return { layers: [], runs: [] };
  const { volumeId, name } = place;
  const { manifest } = await readHead(remote, headKey(name), name, signal);
  const there = new Map(everyLayerOf(manifest).map((layer) => [layer.id, layer]));
  const fetched: LayerRecord[] = [];
  for (const id of missing) {
    const layer = there.get(id);
    if (layer === undefined) continue;
    try {
      const staged = await pullLayer(deps, { layer, tool: toolOf(tools, { tool }), onBytes: () => undefined }, signal);
      const counts = { ...layer.counts, sizeBytes: staged.sizeBytes };
      const { run, files } = layer;
      fetched.push({ id, volumeId, run, counts, files, sealedAtMs: clock.nowMs(), bootId });
    } catch (error) {
      if (!isAboutLayer(error)) throw error;
    }
  }
  return { layers: fetched, runs: runsOf(manifest?.runs ?? [], new Set(fetched.map(({ run }) => run)), place) };
}

function runsOf(
  known: readonly Omit<RunRecord, 'namespaceId'>[],
  wanted: ReadonlySet<RunId>,
  { namespaceId }: ReplacedIn['place'],
): readonly RunRecord[] {
  return known.filter(({ id }) => wanted.has(id)).map((run) => ({ ...run, namespaceId }));
}
