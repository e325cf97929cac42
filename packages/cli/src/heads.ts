import {
  CachelaneError,
  compatKey,
  type HeadRecord,
  type LaneName,
  type LayerRecord,
  type Namespace,
  type VolumeRecord,
} from '@cachelane/core';
import { byCompat, compareText } from './find-volume.ts';
import type { ReadStore } from './store.ts';

/** A head with what it is a head of. */
export interface ListedHead {
  readonly namespace: Namespace;
  readonly volume: VolumeRecord;
  readonly head: HeadRecord;
  /** Of its layers, top first; null for one that the metadata do not know. */
  readonly layers: readonly (LayerRecord | null)[];
  /** Files of its layers; a path that several of them hold counts in each. */
  readonly files: number;
  readonly sizeBytes: number;
}

/** Every head of the store, by namespace, volume, compat and lane. */
export async function listHeads(store: ReadStore): Promise<readonly ListedHead[]> {
  const { metadata, signal } = store;
  const namespaces = new Map((await metadata.listNamespaces(signal)).map((record) => [record.id, record]));
  const volumes = new Map((await metadata.listVolumes(signal)).map((volume) => [volume.id, volume]));
  const listed: ListedHead[] = [];
  for (const head of await metadata.listHeads(signal)) {
    const volume = volumes.get(head.volumeId);
    const namespace = volume === undefined ? undefined : namespaces.get(volume.namespaceId)?.paths[0];
    // Removed between two of the reads.
    if (volume === undefined || namespace === undefined) continue;
    listed.push(await listedHead(store, { namespace, volume, head }));
  }
  return listed.toSorted(byPlace);
}

async function listedHead(
  { metadata, signal }: ReadStore,
  place: Pick<ListedHead, 'namespace' | 'volume' | 'head'>,
): Promise<ListedHead> {
  const layers: (LayerRecord | null)[] = [];
  for (const id of place.head.layers) layers.push((await metadata.layer(id, signal)) ?? null);
  const sum = (of: (layer: LayerRecord) => number): number =>
    layers.reduce((total, layer) => total + (layer === null ? 0 : of(layer)), 0);
  return { ...place, layers, files: sum(({ files }) => files), sizeBytes: sum(({ counts }) => counts.sizeBytes) };
}

function byPlace(a: ListedHead, b: ListedHead): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.volume.name, b.volume.name) ||
    byCompat(a.volume, b.volume) ||
    compareText(a.head.lane, b.head.lane)
  );
}

/** Heads of some volumes, in one lane or in all. */
export async function headsOf(
  store: ReadStore,
  volumes: readonly VolumeRecord[],
  lane: LaneName | null,
): Promise<readonly ListedHead[]> {
  const ids = new Set(volumes.map(({ id }) => id));
  const heads = await listHeads(store);
  return heads.filter(({ volume, head }) => ids.has(volume.id) && (lane === null || head.lane === lane));
}

export function nothingInLane(
  volume: string,
  lane: LaneName,
  { heads, hint }: { readonly heads: readonly ListedHead[]; readonly hint: string },
): CachelaneError {
  const lanes = [...new Set(heads.map(({ head }) => head.lane))];
  return new CachelaneError('E_NOT_FOUND', `${volume} has nothing in lane ${lane}`, {
    hint: lanes.length === 0 ? hint : `it has: ${lanes.join(', ')}`,
  });
}

export interface OneHeadQuestion {
  /** As typed, for people. */
  readonly volume: string;
  readonly variants: readonly VolumeRecord[];
  readonly lane: LaneName;
  /** As `compatKey` writes it; undefined where there is one only. */
  readonly compat: string | undefined;
}

export const compatOption = {
  compat: { value: 'COMPAT', help: 'where a volume has several variants: this one, as in arch=x64,os=linux' },
} as const;

/** The one head that is meant. Errors: E_NOT_FOUND, and E_USAGE where several variants of the volume have that lane. */
export async function oneHead(store: ReadStore, question: OneHeadQuestion): Promise<ListedHead> {
  const { volume: name, variants, lane, compat } = question;
  const heads = await headsOf(store, variants, null);
  const inLane = heads.filter(({ head }) => head.lane === lane);
  const wanted = inLane.filter(({ volume }) => compat === undefined || compatKey(volume.compat) === compat);
  const [only] = wanted;
  if (only !== undefined && wanted.length === 1) return only;
  if (inLane.length === 0) throw nothingInLane(name, lane, { heads, hint: 'see: cachelane ls' });
  const known = inLane.map(({ volume }) => compatKey(volume.compat)).join(' or ');
  if (only === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `${name} has no variant ${compat} in lane ${lane}`, {
      hint: `it has: ${known}`,
    });
  }
  throw new CachelaneError('E_USAGE', `${name} has ${wanted.length} variants in lane ${lane}`, {
    hint: `say which one with --compat: ${known}`,
  });
}
