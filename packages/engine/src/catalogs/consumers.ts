import type {
  HeadRecord,
  LayerId,
  Metadata,
  Namespace,
  NamespaceId,
  NamespaceRecord,
  VolumeName,
  VolumeRecord,
} from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';

/** A project that used a volume by its definition. */
export interface CatalogConsumer {
  readonly definition: string;
  readonly record: NamespaceRecord;
  /** The version of its last use. */
  readonly version: number;
  readonly usedAtMs: number;
  /** Null: the volume was removed. */
  readonly volume: VolumeRecord | null;
  readonly heads: readonly HeadRecord[];
  /** Content size of its layers, each counted once. */
  readonly sizeBytes: number;
}

export interface ConsumersWanted {
  readonly namespaceId: NamespaceId;
  /** Null: all definitions. */
  readonly definition: string | null;
  /** Whether the caller may see uses by these namespaces; default: all. */
  readonly mayTell?: (names: readonly Namespace[]) => boolean;
  /** Whether the caller may see this volume; default: all. A hidden volume is shown as removed. */
  readonly mayTellVolume?: (names: readonly Namespace[], volume: VolumeName) => boolean;
}

/** Returns consumers by definition and name. */
export async function catalogConsumers(
  metadata: Metadata,
  { namespaceId, definition, mayTell = () => true, mayTellVolume = () => true }: ConsumersWanted,
  signal: AbortSignal,
): Promise<readonly CatalogConsumer[]> {
  const found: CatalogConsumer[] = [];
  const uses = await metadata.catalogUses(namespaceId, definition, signal);
  // Read all namespaces, so that the work does not reveal to a confined session how many consumers are hidden.
  const records = new Map((await metadata.listNamespaces(signal)).map((record) => [record.id, record]));
  for (const use of uses) {
    const record = records.get(use.consumerId);
    if (record === undefined || !mayTell(record.paths)) continue;
    const got = use.volumeId === null ? undefined : await metadata.volume(use.volumeId, signal);
    const names = got === undefined ? [] : (records.get(got.namespaceId)?.paths ?? []);
    const volume = got !== undefined && mayTellVolume(names, got.name) ? got : undefined;
    const heads = volume === undefined ? [] : await metadata.headsOf([volume.id], signal);
    const sizeBytes = await sizeOf(metadata, heads, signal);
    const { definition: name, version, atMs: usedAtMs } = use;
    found.push({ definition: name, record, version, usedAtMs, volume: volume ?? null, heads, sizeBytes });
  }
  const keyOf = ({ definition: name, record }: CatalogConsumer): string => `${name} ${record.paths[0] ?? ''}`;
  return found.toSorted((a, b) => compareText(keyOf(a), keyOf(b)));
}

export interface DefinitionUsage {
  readonly consumers: number;
  /** Several consumers may share one volume. */
  readonly volumes: number;
  readonly sizeBytes: number;
  /** Null: never. */
  readonly lastUsedAtMs: number | null;
}

export async function definitionUsage(
  metadata: Metadata,
  consumers: readonly CatalogConsumer[],
  signal: AbortSignal,
): Promise<DefinitionUsage> {
  const volumes = volumesOf(consumers);
  const heads = volumes.flatMap((each) => each.heads);
  return {
    consumers: new Set(consumers.map(({ record }) => record.id)).size,
    volumes: volumes.length,
    sizeBytes: await sizeOf(metadata, heads, signal),
    lastUsedAtMs: consumers.length === 0 ? null : Math.max(...consumers.map(({ usedAtMs }) => usedAtMs)),
  };
}

export interface ConsumedVolume {
  readonly volume: VolumeRecord;
  readonly heads: readonly HeadRecord[];
}

/** Returns the consumers' volumes that have contents, each once. */
export function volumesOf(consumers: readonly CatalogConsumer[]): readonly ConsumedVolume[] {
  const found = new Map<string, ConsumedVolume>();
  for (const { volume, heads } of consumers)
    if (volume !== null && heads.length > 0) found.set(volume.id, { volume, heads });
  return [...found.values()];
}

async function sizeOf(metadata: Metadata, heads: readonly HeadRecord[], signal: AbortSignal): Promise<number> {
  const ids = new Set<LayerId>(heads.flatMap(({ layers }) => layers));
  let total = 0;
  for (const id of ids) total += (await metadata.layer(id, signal))?.counts.sizeBytes ?? 0;
  return total;
}
