import {
  displayPath,
  type Entry,
  type LayerId,
  type LayerRecord,
  type RunRecord,
  type VolumeRecord,
} from '@cachelane/core';
import { formatBytes, formatFields, formatTable, formatTime, plural } from '../base/format.ts';
import { isoTime } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

// `cachelane inspect LAYER`: the record, the source, and the entries in byte order.

export interface ReadLayer {
  readonly id: LayerId;
  readonly sealedAtMs: number;
  /** Null if nothing refers to the layer. */
  readonly record: LayerRecord | null;
  readonly run: RunRecord | null;
  readonly volume: VolumeRecord | null;
  readonly namespace: string | null;
  /** Other volumes that have it, as `NAMESPACE:NAME`. */
  readonly alsoIn: readonly string[];
  readonly entries: readonly Entry[];
}

/** Errors: E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function readLayer({ metadata, layers, signal }: ReadStore, id: LayerId): Promise<ReadLayer> {
  const stored = await (await layers()).open(id, signal);
  const record = (await metadata.layer(id, signal)) ?? null;
  const run = record === null ? null : ((await metadata.run(record.run, signal)) ?? null);
  const holding = await metadata.volumesHolding(id, signal);
  // Prefer the volume that saved the layer, if it still holds it. Other volumes may have it from a feed rule.
  const first = record === null || holding.includes(record.volumeId) ? record?.volumeId : holding[0];
  const places = [];
  for (const each of new Set([...(first === undefined ? [] : [first]), ...holding])) {
    const volume = await metadata.volume(each, signal);
    const namespace = volume === undefined ? undefined : await metadata.namespace(volume.namespaceId, signal);
    if (volume !== undefined) places.push({ volume, namespace: namespace?.paths[0] ?? null });
  }
  const [place, ...others] = places;
  return {
    id,
    sealedAtMs: stored.sealedAtMs,
    record,
    run,
    volume: place?.volume ?? null,
    namespace: place?.namespace ?? null,
    alsoIn: others.map(({ volume, namespace }) => `${namespace}:${volume.name}`),
    entries: [...stored.index.entries()],
  };
}

export function layerJson({ id, sealedAtMs, record, run, volume, namespace, alsoIn, entries }: ReadLayer): unknown {
  return {
    layer: id,
    namespace,
    volume: volume?.name ?? null,
    compat: volume?.compat ?? null,
    alsoIn,
    lane: run?.lane ?? null,
    run: record?.run ?? null,
    revision: run?.revision ?? null,
    workflow: run?.workflow ?? null,
    at: isoTime(sealedAtMs),
    added: record?.counts.added ?? null,
    changed: record?.counts.changed ?? null,
    removed: record?.counts.removed ?? null,
    bytes: record?.counts.sizeBytes ?? null,
    entries: entries.map(entryJson),
  };
}

function entryJson(entry: Entry): unknown {
  return {
    path: displayPath(entry.path),
    type: entry.type,
    mode: modeText(entry),
    mtime: timeOf(entry),
    sizeBytes: entry.sizeBytes,
    digest: entry.digest,
    class: entry.mergeClass,
    form: entry.form,
    group: entry.group,
    removed: entry.removed,
    runs: entry.origins,
  };
}

function modeText({ mode }: Entry): string {
  return `0${mode.toString(8).padStart(3, '0')}`;
}

function timeOf({ mtimeNs }: Entry): string {
  return isoTime(Number(mtimeNs / 1_000_000n));
}

export function layerText({ id, sealedAtMs, record, run, volume, namespace, alsoIn, entries }: ReadLayer): string {
  const counts = record?.counts;
  const fields = formatFields([
    ['layer', id],
    ['volume', volume === null ? 'nothing refers to this layer' : `${namespace ?? '?'}:${volume.name}`],
    ...alsoIn.map((each) => ['also in', each] as const),
    ['sealed', formatTime(sealedAtMs)],
    ['run', record?.run ?? 'unknown'],
    ['lane', run?.lane ?? 'unknown'],
    ...named('revision', run?.revision),
    ...named('workflow', run?.workflow),
    ...(counts === undefined
      ? []
      : [
          [
            'changes',
            `${counts.added} added, ${counts.changed} changed, ${counts.removed} removed, ${formatBytes(counts.sizeBytes)}`,
          ] as const,
        ]),
    ['entries', plural(entries.length, 'entry', 'entries')],
  ]);
  return `${fields}\n${entryTable(entries)}`;
}

function named(name: string, value: string | null | undefined): readonly (readonly [string, string])[] {
  return value === null || value === undefined ? [] : [[name, value]];
}

function entryTable(entries: readonly Entry[]): string {
  return formatTable(
    [
      { title: 'CLASS' },
      { title: 'FORM' },
      { title: 'TYPE' },
      { title: 'MODE' },
      { title: 'SIZE', align: 'right' },
      { title: 'PATH' },
    ],
    entries.map((entry) => [
      entry.mergeClass,
      entry.removed === null ? entry.form : `removed (${entry.removed})`,
      entry.type,
      entry.removed === null ? modeText(entry) : '',
      entry.type === 'file' && entry.removed === null ? formatBytes(entry.sizeBytes) : '',
      displayPath(entry.path),
    ]),
  );
}
