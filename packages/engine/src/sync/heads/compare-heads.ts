import {
  commonAfter,
  comparable,
  limits,
  mergeHeads,
  type EventSink,
  type HeadManifest,
  type HeadName,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type LayerStore,
  type ManifestLayer,
  type Metadata,
  type NamespaceId,
  type RemoteId,
  type RunId,
  Squashes,
  type SquashRecord,
  type SyncedHead,
  type VolumeId,
} from '@cachelane/core';
import { cleanUpsAmong, standing } from '../../base/clean-ups.ts';
import { isRecordedHere } from '../../heads/known-squashes.ts';

/** A head that exists here and in the remote. */
export interface SyncedPlace {
  readonly remoteId: RemoteId;
  readonly volumeId: VolumeId;
  readonly namespaceId: NamespaceId;
  readonly name: HeadName;
}

/** Both heads at one moment, and their merge. */
export interface Comparison {
  readonly head: HeadRecord | undefined;
  readonly synced: SyncedHead | undefined;
  /** Squashes known locally or in the remote. */
  readonly squashes: Squashes;
  /** Layers that both heads have named, without those that the remote lost. */
  readonly common: ReadonlySet<LayerId>;
  /** The merged layers, top first, without squashes. */
  readonly layers: readonly LayerId[];
  /** Layers of revoked runs that the remote's head still names. */
  readonly revoked: readonly LayerId[];
  /** The merged layers with the squashes that fit; the remote's first. */
  readonly merged: readonly LayerId[];
  /** Layers that clean-ups made. */
  readonly cleanUps: ReadonlySet<LayerId>;
  /** Clean-up layers that are dropped because other machines changed the volume. */
  readonly gaveWay: readonly LayerId[];
}

export function layersOf(manifest: HeadManifest | null): readonly LayerId[] {
  return manifest?.layers.map(({ id }) => id) ?? [];
}

/** Returns the layers of a manifest, with those that its squashes replaced. */
export function everyLayerOf(manifest: HeadManifest | null): readonly ManifestLayer[] {
  return manifest === null ? [] : [...manifest.layers, ...manifest.squashes.flatMap(({ layers }) => layers)];
}

function squashesIn(manifest: HeadManifest | null): readonly SquashRecord[] {
  return (manifest?.squashes ?? []).map(({ id, atMs, layers }) => ({
    id,
    atMs,
    layers: layers.map((each) => each.id),
  }));
}

/** Returns the revision of the compared record; 0 without a record. */
export function revisionOf({ synced }: Pick<Comparison, 'synced'>): number {
  return synced?.revision ?? 0;
}

/** Returns the revision of a place's record; 0 without a record. */
export type NotedRevisions = (place: SyncedPlace) => number;

/** Reads all revisions, for callers that do not know yet which heads they will compare. */
export async function notedRevisions(metadata: Metadata, signal: AbortSignal): Promise<NotedRevisions> {
  const records = await metadata.listSyncedHeads(null, signal);
  return ({ remoteId, volumeId, name }) => {
    const isOf = (record: SyncedHead): boolean =>
      record.remote === remoteId && record.volumeId === volumeId && record.lane === name.lane;
    return revisionOf({ synced: records.find(isOf) });
  };
}

/**
 * Compares the local head with a manifest. Read the manifest after the record: layers sent in between look removed in an older manifest.
 * Callers check that {@link revisionOf} is what it was before they read the manifest. A layer that the remote lacks, and does not list as
 * removed, is lost there; the next push sends it again.
 */
export async function compareHeads(
  metadata: Metadata,
  { place, manifest, nowMs }: Compared,
  signal: AbortSignal,
): Promise<Comparison> {
  const { remoteId, volumeId, name } = place;
  const synced = await metadata.syncedHead(remoteId, volumeId, name.lane, signal);
  const head = await metadata.head(volumeId, name.lane, signal);
  const [local, remote] = [head?.layers ?? [], layersOf(manifest)];
  const here = await metadata.squashes(volumeId, name.lane, signal);
  const there = squashesIn(manifest);
  const known = new Set([...namesIn(remote, [...there, ...here]), ...(manifest?.removed ?? [])]);
  const { squashes, common } = comparable({
    here,
    there,
    local,
    remote,
    common: new Set(synced?.layers.filter((id) => known.has(id))),
    isKept: ({ atMs }) => atMs >= nowMs - limits.revocationMs,
  });
  const plain = squashes.expand(local);
  const told = new Set(everyLayerOf(manifest).map(({ id }) => id));
  const untold = plain.filter((id) => !common.has(id) || !told.has(id));
  const cleanUps = await allCleanUps(metadata, untold, manifest, signal);
  const merged = mergeHeads({ common, local, remote, takesAway: (id) => cleanUps.has(id), squashes });
  const stays = new Set(merged);
  const has = new Set([...squashes.expand(remote), ...squashes.plain(common)]);
  const gaveWay = plain.filter((id) => !has.has(id) && !stays.has(id));
  const layers = await withoutRevoked(metadata, { stack: merged, manifest, namespaceId: place.namespaceId }, signal);
  const contracted = squashes.contract(layers, [...remote, ...local]);
  const named = new Set(squashes.expand(remote));
  const revoked = merged.filter((id) => !layers.includes(id) && named.has(id));
  return { head, synced, squashes, common, layers, revoked, merged: contracted, cleanUps, gaveWay };
}

export interface Compared {
  readonly place: SyncedPlace;
  readonly manifest: HeadManifest | null;
  readonly nowMs: number;
}

/** Returns every layer that a head names, also through its squashes. */
function namesIn(layers: readonly LayerId[], records: readonly SquashRecord[]): readonly LayerId[] {
  const squashes = new Squashes(records);
  return [...squashes.expand(layers), ...squashes.within(layers).map(({ id }) => id)];
}

interface Unsifted {
  readonly stack: readonly LayerId[];
  readonly manifest: HeadManifest | null;
  readonly namespaceId: NamespaceId;
}

/** Removes what either side has revoked. */
async function withoutRevoked(
  metadata: Metadata,
  { stack, manifest, namespaceId }: Unsifted,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const revocations = [...(await metadata.revokedRuns(namespaceId, signal)), ...(manifest?.revoked ?? [])];
  if (revocations.length === 0) return stack;
  const revoked = new Set(revocations.map(({ run }) => run));
  const runs = new Map(everyLayerOf(manifest).map(({ id, run }) => [id, run]));
  const layers: LayerId[] = [];
  for (const id of stack) {
    const run = runs.get(id) ?? (await metadata.layer(id, signal))?.run;
    if (run === undefined || !revoked.has(run)) layers.push(id);
  }
  return layers;
}

/** Returns the layers behind this head's squashes that {@link adopt} can name: recorded here, or present and in the manifest. */
export async function replacedHere(
  deps: { readonly metadata: Pick<Metadata, 'layer'>; readonly layers: LayerStore },
  { comparison: { head, squashes }, manifest }: Pick<Adoption, 'comparison' | 'manifest'>,
  signal: AbortSignal,
): Promise<ReadonlySet<LayerId>> {
  const told = new Set(everyLayerOf(manifest).map(({ id }) => id));
  const here = new Set<LayerId>();
  for (const id of squashes.within(head?.layers ?? []).flatMap((squash) => squash.layers)) {
    const isUsable = told.has(id) ? await deps.layers.has(id, signal) : await isRecordedHere(deps, id, signal);
    if (isUsable) here.add(id);
  }
  return here;
}

/** Returns clean-up layers known locally or in the remote. */
async function allCleanUps(
  metadata: Metadata,
  local: readonly LayerId[],
  manifest: HeadManifest | null,
  signal: AbortSignal,
): Promise<ReadonlySet<LayerId>> {
  const cleanUps = new Set(manifest?.runs.flatMap(({ id, purpose }) => (purpose === 'prune' ? [id] : [])));
  const away = new Set(everyLayerOf(manifest).flatMap(({ id, run }) => (cleanUps.has(run) ? [id] : [])));
  return away.union(await cleanUpsAmong(metadata, local, signal));
}

/** Emits which clean-ups were dropped. Call it after the head has moved. */
export function tellGaveWay(events: EventSink, { name }: SyncedPlace, { gaveWay }: Comparison): void {
  if (gaveWay.length === 0) return;
  events({
    type: 'warning',
    code: 'E_HEAD_MOVED',
    message: `the clean-up of ${name.volume} on lane ${name.lane} was undone: other machines had cleaned up or added files that it did not know of`,
    hint: 'clean up again, from the merged contents',
  });
}

export interface Adoption {
  readonly comparison: Comparison;
  /** The remote's current head. */
  readonly manifest: HeadManifest | null;
  /** Whether a layer's content is here. Layers without content are left out and pulled another time. */
  readonly has: (id: LayerId) => boolean;
  readonly sizeBytes: (id: LayerId) => number;
  /** The run that moves the head. */
  readonly run: RunId;
  readonly bootId: string;
  readonly atMs: number;
}

/**
 * Moves the local head to the merge of both, as far as layers are here, and records what is in common. Returns false if something moved
 * meanwhile: compare again.
 */
export async function adopt(
  metadata: Metadata,
  place: SyncedPlace,
  adoption: Adoption,
  signal: AbortSignal,
): Promise<boolean> {
  const { comparison, manifest, has, atMs } = adoption;
  const { head, synced, squashes } = comparison;
  const { remoteId: remote, volumeId, name } = place;
  const local = head?.layers ?? [];
  const here = new Set(local);
  const isHere = (id: LayerId): boolean => here.has(id) || has(id);
  // Replaces a missing squash by another squash, or by the layers it replaced that are here.
  const told = squashes.contract(comparison.layers, [...layersOf(manifest), ...local], isHere);
  const layers = standing(told, { isHere, cleanUps: comparison.cleanUps });
  const both = commonAfter({
    before: { common: comparison.common, local },
    after: { local: layers, remote: layersOf(manifest) },
    squashes,
  });
  // The next push also removes revoked layers from the remote.
  const common = [...new Set([...both, ...comparison.revoked])];
  const change = {
    remote,
    layers: common,
    squashes: squashesIn(manifest),
    expectedRevision: synced?.revision ?? 0,
  };
  // Without a local head, no push would find what is left to remove from the remote.
  const isTold = head !== undefined || common.length === 0;
  if (isTold && isSame(layers, local)) {
    if (synced !== undefined && isSame(synced.layers, common.toSorted())) return true;
    return await metadata.recordSynced({ ...change, volumeId, lane: name.lane, atMs }, signal);
  }
  // Includes what a squash was made from: it may replace the squash later.
  const taken = everyLayerOf(manifest).filter(({ id }) => !here.has(id) && has(id));
  const { kind } = await metadata.commit(
    {
      volumeId,
      lane: name.lane,
      expectedGeneration: head?.generation ?? 0,
      layers,
      layer: null,
      rewritten: taken.map((layer) => toRecord(layer, place, adoption)),
      // A squash's entries name more runs than its layer does.
      runs: taken.length === 0 ? [] : (manifest?.runs ?? []).map((run) => ({ ...run, namespaceId: place.namespaceId })),
      synced: change,
      run: adoption.run,
      counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
      atMs,
    },
    signal,
  );
  return kind === 'moved';
}

function toRecord(
  { id, run, counts, files }: ManifestLayer,
  { volumeId }: SyncedPlace,
  { sizeBytes, bootId, atMs }: Adoption,
): LayerRecord {
  return { id, volumeId, run, counts: { ...counts, sizeBytes: sizeBytes(id) }, files, sealedAtMs: atMs, bootId };
}

/** Whether both lists are equal. */
export function isSame(a: readonly LayerId[], b: readonly LayerId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
