import {
  CachelaneError,
  headKey,
  limits,
  type HeadManifest,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type Remote,
  type RemoteId,
  type RunId,
  type RunRecord,
} from '@cachelane/core';
import { backOff } from '../../base/back-off.ts';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import { isRecordedHere, squashesOf } from '../../heads/known-squashes.ts';
import { toolOf } from '../../provenance/revoke-runs.ts';
import type { FetchedLayers } from '../../removal/remove-runs.ts';
import {
  adopt,
  compareHeads,
  everyLayerOf,
  replacedHere,
  revisionOf,
  type SyncedPlace,
} from '../heads/compare-heads.ts';
import { isAboutLayer, pullLayer } from '../layers/pull-layer.ts';
import { readHead, readRemoteId } from '../heads/remote-heads.ts';

export type FetchDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'transfers' | 'clock' | 'random' | 'tools' | 'bootId'
> & { readonly remote: Remote };

export interface ReplacedIn {
  readonly place: Omit<SyncedPlace, 'remoteId'>;
  /** The tool of the volume. */
  readonly tool: string;
  /** The local head. */
  readonly head: HeadRecord;
  /** The run that moves the head. */
  readonly by: RunId;
}

export const nothingFetched: FetchedLayers = { layers: [], runs: [] };

/**
 * Downloads what the head's squashes replaced and only the remote still has, so that a run can be removed exactly. If the remote removed
 * some of it, the local head follows first. Skips missing or damaged layers; the squashes that need them are then dropped whole. Errors:
 * those of the remote, E_HEAD_MOVED.
 */
export async function fetchReplaced(
  deps: FetchDependencies,
  replaced: ReplacedIn,
  signal: AbortSignal,
): Promise<FetchedLayers> {
  const squashes = await squashesOf(deps.metadata, replaced.head, signal);
  const missing: LayerId[] = [];
  for (const id of squashes.within(replaced.head.layers).flatMap((squash) => squash.layers)) {
    if (!(await isRecordedHere(deps, id, signal))) missing.push(id);
  }
  if (missing.length === 0) return nothingFetched;
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const found = await readCounterpart(deps, replaced, signal);
    const fetched = await fetchAll(deps, { ...replaced, missing, manifest: found.manifest }, signal);
    const hasAll = fetched.layers.length === missing.length;
    if (hasAll || found.remoteId === null || (await follow(deps, { ...replaced, found, fetched }, signal)))
      return fetched;
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_HEAD_MOVED', `${replaced.place.name.volume} is constantly synced by other runs`, {
    retryable: true,
  });
}

interface Counterpart {
  /** Null: the remote has no head. */
  readonly remoteId: RemoteId | null;
  readonly manifest: HeadManifest | null;
  /** The record's revision before the manifest was read. */
  readonly revision: number;
}

async function readCounterpart(
  { remote, metadata }: FetchDependencies,
  { place: { volumeId, name } }: ReplacedIn,
  signal: AbortSignal,
): Promise<Counterpart> {
  const remoteId = await readRemoteId(remote, signal);
  if (remoteId === null) return { remoteId, manifest: null, revision: 0 };
  const revision = revisionOf({ synced: await metadata.syncedHead(remoteId, volumeId, name.lane, signal) });
  const { manifest } = await readHead(remote, headKey(name), name, signal);
  return { remoteId, manifest, revision };
}

async function fetchAll(
  deps: FetchDependencies,
  {
    place,
    tool,
    missing,
    manifest,
  }: ReplacedIn & Pick<Counterpart, 'manifest'> & { readonly missing: readonly LayerId[] },
  signal: AbortSignal,
): Promise<FetchedLayers> {
  const { bootId, clock, tools } = deps;
  const there = new Map(everyLayerOf(manifest).map((layer) => [layer.id, layer]));
  const fetched: LayerRecord[] = [];
  for (const id of missing) {
    const layer = there.get(id);
    if (layer === undefined) continue;
    try {
      const staged = await pullLayer(deps, { layer, tool: toolOf(tools, { tool }), onBytes: () => undefined }, signal);
      const counts = { ...layer.counts, sizeBytes: staged.sizeBytes };
      const { run, files } = layer;
      fetched.push({ id, volumeId: place.volumeId, run, counts, files, sealedAtMs: clock.nowMs(), bootId });
    } catch (error) {
      if (!isAboutLayer(error)) throw error;
    }
  }
  return { layers: fetched, runs: runsOf(manifest?.runs ?? [], new Set(fetched.map(({ run }) => run)), place) };
}

/** Applies removals of the remote here. Returns false if another process synced the head meanwhile. */
async function follow(
  { metadata, layers, clock, bootId }: FetchDependencies,
  { place, by, found, fetched }: ReplacedIn & { readonly found: Counterpart; readonly fetched: FetchedLayers },
  signal: AbortSignal,
): Promise<boolean> {
  const { remoteId, manifest, revision } = found;
  if (remoteId === null) return true;
  const whole = { ...place, remoteId };
  const comparison = await compareHeads(metadata, { place: whole, manifest, nowMs: clock.nowMs() }, signal);
  if (revisionOf(comparison) !== revision) return false;
  const here = await replacedHere({ metadata, layers }, { comparison, manifest }, signal);
  const sizes = new Map(fetched.layers.map(({ id, counts }) => [id, counts.sizeBytes]));
  const adoption = {
    comparison,
    manifest,
    has: (id: LayerId) => sizes.has(id) || here.has(id),
    sizeBytes: (id: LayerId) => sizes.get(id) ?? 0,
    run: by,
    bootId,
    atMs: clock.nowMs(),
  };
  return await adopt(metadata, whole, adoption, signal);
}

function runsOf(
  known: readonly Omit<RunRecord, 'namespaceId'>[],
  wanted: ReadonlySet<RunId>,
  { namespaceId }: ReplacedIn['place'],
): readonly RunRecord[] {
  return known.filter(({ id }) => wanted.has(id)).map((run) => ({ ...run, namespaceId }));
}
