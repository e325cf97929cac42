import {
  isCovered,
  isPersonal,
  type HeadManifest,
  type HeadRecord,
  type LayerId,
  type Metadata,
  type NamespaceId,
  type Remote,
  type Revocation,
  type RunId,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import { squashesOf } from '../../heads/known-squashes.ts';
import { toolOf } from '../../provenance/revoke-runs.ts';
import { removeRuns, type FetchedLayers } from '../../removal/remove-runs.ts';
import { loseLayers } from '../../heads/damaged-layers.ts';
import { namesRunIn, takeApart } from '../../heads/take-apart.ts';
import { everyLayerOf, type SyncedPlace } from '../heads/compare-heads.ts';
import { fetchReplaced, nothingFetched } from './fetch-replaced.ts';

export type HeedDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'transfers' | 'clock' | 'random' | 'bootId' | 'tools'
> & {
  /** Null: it does not answer. */
  readonly remote: Remote | null;
};

/**
 * Records revocations from a remote head. A head may revoke only runs of its own namespace, whatever runs it names: a writer of one project
 * must not remove what others saved elsewhere. A tier fed by that namespace loses those runs too. If a run is
 * known only from a tier's head, its namespace is unknown, so only that head may revoke it.
 */
export async function noteRevocations(
  metadata: Pick<Metadata, 'revokedRuns' | 'revokeRuns' | 'run' | 'listNamespaces' | 'feedsOf'>,
  { place, manifest }: { readonly place: SyncedPlace; readonly manifest: HeadManifest | null },
  signal: AbortSignal,
): Promise<void> {
  if (manifest === null || manifest.revoked.length === 0) return;
  const { namespaceId } = place;
  const known = await revokedRuns(metadata, namespaceId, signal);
  const news = await ofRunsHere(
    metadata,
    manifest.revoked.filter(({ run }) => !known.has(run)),
    signal,
  );
  if (news.length === 0) return;
  const fed = await tiersFedBy(metadata, namespaceId, signal);
  const noted = news.flatMap(({ revocation, namespaceId: ranIn }) =>
    [namespaceId, ...(ranIn === namespaceId ? fed : [])].map((each) => ({ ...revocation, namespaceId: each })),
  );
  await metadata.revokeRuns(noted, signal);
}

/** Returns the tiers that have a feed rule for a namespace. */
async function tiersFedBy(
  metadata: Pick<Metadata, 'listNamespaces' | 'feedsOf'>,
  namespaceId: NamespaceId,
  signal: AbortSignal,
): Promise<readonly NamespaceId[]> {
  const all = await metadata.listNamespaces(signal);
  const names = all.find(({ id }) => id === namespaceId)?.paths ?? [];
  const tiers: NamespaceId[] = [];
  for (const { id, paths } of all) {
    const rules = id === namespaceId ? [] : await metadata.feedsOf(id, signal);
    if (paths.some(isPersonal) || rules.some(({ from }) => isCovered(from, names))) tiers.push(id);
  }
  return tiers;
}

/** Filters out runs that are unknown here: nothing of them is here. */
async function ofRunsHere(
  metadata: Pick<Metadata, 'run'>,
  revocations: readonly Revocation[],
  signal: AbortSignal,
): Promise<readonly { readonly revocation: Revocation; readonly namespaceId: NamespaceId }[]> {
  const found = [];
  for (const revocation of revocations) {
    const record = await metadata.run(revocation.run, signal);
    if (record !== undefined) found.push({ revocation, namespaceId: record.namespaceId });
  }
  return found;
}

/** Returns the revocations for a remote head: runs of its namespace, runs that it names, and those that it lists already. */
export async function revocationsOf(
  metadata: Pick<Metadata, 'revokedRuns' | 'run'>,
  { place, manifest }: { readonly place: SyncedPlace; readonly manifest: HeadManifest | null },
  signal: AbortSignal,
): Promise<readonly Revocation[]> {
  const named = new Set(manifest?.runs.map(({ id }) => id));
  const revoked = await metadata.revokedRuns(place.namespaceId, signal);
  const told = revoked.filter(({ namespaceId }) => namespaceId !== null);
  const everywhere = await ofRunsHere(
    metadata,
    revoked.filter(({ namespaceId }) => namespaceId === null),
    signal,
  );
  const own = everywhere.flatMap(({ revocation, namespaceId }) =>
    namespaceId === place.namespaceId || named.has(revocation.run) ? [revocation] : [],
  );
  return latestFirst([...told, ...own].map(({ run, atMs, by }) => ({ run, atMs, by })));
}

export interface Heeding {
  readonly place: Omit<SyncedPlace, 'remoteId'>;
  readonly tool: string;
  /** The run that moves the head. */
  readonly by: RunId;
  /** The remote's head. Its revocations count for this head, whatever namespace the run is of. */
  readonly manifest: HeadManifest | null;
}

/**
 * Removes revoked runs from a local head, also from layers of other runs. To open squashes exactly, it downloads what they replaced.
 * Removing the run from a squash alone would remove more, on every machine. If the remote does not answer, such a squash leaves the head
 * until it does. Errors: those of the remote, E_HEAD_MOVED.
 */
export async function heedRevocations(deps: HeedDependencies, heeding: Heeding, signal: AbortSignal): Promise<void> {
  const { place, tool, by, manifest } = heeding;
  const runs = await revokedFor(deps.metadata, { place, manifest }, signal);
  if (runs.size === 0) return;
  const { volumeId, name } = place;
  const head = await deps.metadata.head(volumeId, name.lane, signal);
  if (head === undefined) return;
  const squashes = await squashesOf(deps.metadata, head, signal);
  const ids = [...head.layers, ...squashes.within(head.layers).flatMap(({ layers }) => layers)];
  if (!(await isAnyOf(deps, { ids, runs }, signal))) return;
  const { remote } = deps;
  const fetches = async (now: HeadRecord): Promise<FetchedLayers> => {
    if (remote !== null) return await fetchReplaced({ ...deps, remote }, { place, tool, head: now, by }, signal);
    await setAside(deps, heeding, { head: now, runs }, signal);
    return nothingFetched;
  };
  const request = { volumeId, lane: name.lane, tool: toolOf(deps.tools, { tool }), runs, by, fetchReplaced: fetches };
  await removeRuns(deps, request, signal);
}

/**
 * Drops squashes that contain a revoked run and whose missing parts are in the remote. The next pull restores them. If the remote's head is
 * unknown, local sync records tell what the remote has.
 */
async function setAside(
  deps: HeedDependencies,
  { place: { volumeId, name }, by, manifest }: Heeding,
  { head, runs }: { readonly head: HeadRecord; readonly runs: ReadonlySet<RunId> },
  signal: AbortSignal,
): Promise<void> {
  const squashes = await squashesOf(deps.metadata, head, signal);
  const noted = manifest === null ? await deps.metadata.listSyncedHeads(null, signal) : [];
  const synced = noted.filter((each) => each.volumeId === volumeId && each.lane === name.lane);
  const there = new Set([...everyLayerOf(manifest).map(({ id }) => id), ...synced.flatMap(({ layers }) => layers)]);
  const aside = new Set<LayerId>();
  for (const id of await takeApart(deps, { head, runs }, signal)) {
    const isTold = squashes.partsOf(id).length > 0 && there.has(id);
    if (isTold && (await namesRunIn(deps.layers, { id, runs }, signal))) aside.add(id);
  }
  if (aside.size === 0) return;
  const isAside = (id: LayerId): boolean => aside.has(id) || squashes.partsOf(id).some(isAside);
  const bad = new Set([...head.layers, ...squashes.records.map(({ id }) => id)].filter(isAside));
  await loseLayers(deps, { volumeId, lane: name.lane, bad, run: by }, signal);
}

async function revokedRuns(
  metadata: Pick<Metadata, 'revokedRuns'>,
  namespaceId: NamespaceId,
  signal: AbortSignal,
): Promise<ReadonlySet<RunId>> {
  return new Set((await metadata.revokedRuns(namespaceId, signal)).map(({ run }) => run));
}

/** Returns the runs revoked here or by the remote's head. */
async function revokedFor(
  metadata: Pick<Metadata, 'revokedRuns'>,
  { place, manifest }: Pick<Heeding, 'place' | 'manifest'>,
  signal: AbortSignal,
): Promise<ReadonlySet<RunId>> {
  const there = manifest?.revoked.map(({ run }) => run) ?? [];
  return new Set([...(await revokedRuns(metadata, place.namespaceId, signal)), ...there]);
}

/** Returns each run once, with its first revocation. */
export function latestFirst(revocations: readonly Revocation[]): readonly Revocation[] {
  const byRun = new Map<RunId, Revocation>();
  for (const each of revocations) {
    const known = byRun.get(each.run);
    if (known === undefined || each.atMs < known.atMs) byRun.set(each.run, each);
  }
  return [...byRun.values()].toSorted((a, b) => b.atMs - a.atMs);
}

/** Whether a local layer names one of the runs. */
async function isAnyOf(
  { layers }: Pick<HeedDependencies, 'layers'>,
  { ids, runs }: { readonly ids: readonly LayerId[]; readonly runs: ReadonlySet<RunId> },
  signal: AbortSignal,
): Promise<boolean> {
  for (const id of runs.size === 0 ? [] : ids) if (await namesRunIn(layers, { id, runs }, signal)) return true;
  return false;
}
