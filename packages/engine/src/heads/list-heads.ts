import {
  compatKey,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type Metadata,
  type Namespace,
  type NamespaceRecord,
  type VolumeRecord,
} from '@cachelane/core';

/** A head with its volume and namespace. */
export interface ListedHead {
  readonly namespace: Namespace;
  readonly volume: VolumeRecord;
  readonly head: HeadRecord;
  /** Records of its layers, top first; null if missing. */
  readonly layers: readonly (LayerRecord | null)[];
  /** Files of all layers; a path counts once per layer. */
  readonly files: number;
  readonly sizeBytes: number;
}

/** Returns all heads, by namespace, volume, compat and lane. */
export async function listHeads(metadata: Metadata, signal: AbortSignal): Promise<readonly ListedHead[]> {
  const namespaces = await metadata.listNamespaces(signal);
  const volumes = await metadata.listVolumes(signal);
  return await listed(metadata, { namespaces, volumes, heads: await metadata.listHeads(signal) }, signal);
}

/** Returns the heads of some volumes without reading others. */
export async function listHeadsOf(
  metadata: Metadata,
  volumes: readonly VolumeRecord[],
  signal: AbortSignal,
): Promise<readonly ListedHead[]> {
  const namespaces: NamespaceRecord[] = [];
  for (const id of new Set(volumes.map(({ namespaceId }) => namespaceId))) {
    const record = await metadata.namespace(id, signal);
    if (record !== undefined) namespaces.push(record);
  }
  const ids = volumes.map(({ id }) => id);
  return await listed(metadata, { namespaces, volumes, heads: await metadata.headsOf(ids, signal) }, signal);
}

interface Rows {
  readonly namespaces: readonly NamespaceRecord[];
  readonly volumes: readonly VolumeRecord[];
  readonly heads: readonly HeadRecord[];
}

async function listed(metadata: Metadata, rows: Rows, signal: AbortSignal): Promise<readonly ListedHead[]> {
  const namespaces = new Map(rows.namespaces.map((record) => [record.id, record]));
  const volumes = new Map(rows.volumes.map((volume) => [volume.id, volume]));
  const described: ListedHead[] = [];
  for (const head of rows.heads) {
    const volume = volumes.get(head.volumeId);
    const namespace = volume === undefined ? undefined : namespaces.get(volume.namespaceId)?.paths[0];
    // Removed between two reads.
    if (volume === undefined || namespace === undefined) continue;
    described.push(await describeHead(metadata, { namespace, volume, head }, signal));
  }
  return described.toSorted(byPlace);
}

/** Adds the layers' records and totals to a head. */
export async function describeHead(
  metadata: Metadata,
  place: Pick<ListedHead, 'namespace' | 'volume' | 'head'>,
  signal: AbortSignal,
): Promise<ListedHead> {
  const layers: (LayerRecord | null)[] = [];
  for (const id of place.head.layers) layers.push((await metadata.layer(id, signal)) ?? null);
  const sum = (of: (layer: LayerRecord) => number): number =>
    layers.reduce((total, layer) => total + (layer === null ? 0 : of(layer)), 0);
  return { ...place, layers, files: sum(({ files }) => files), sizeBytes: sum(({ counts }) => counts.sizeBytes) };
}

/** Returns how many heads name each layer. */
export function holdersOf(heads: readonly Pick<ListedHead, 'head'>[]): ReadonlyMap<LayerId, number> {
  const holders = new Map<LayerId, number>();
  for (const { head } of heads) for (const id of new Set(head.layers)) holders.set(id, (holders.get(id) ?? 0) + 1);
  return holders;
}

function byPlace(a: ListedHead, b: ListedHead): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.volume.name, b.volume.name) ||
    byCompat(a.volume, b.volume) ||
    compareText(a.head.lane, b.head.lane)
  );
}

export function byCompat(a: VolumeRecord, b: VolumeRecord): number {
  return compareText(compatKey(a.compat), compatKey(b.compat));
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
