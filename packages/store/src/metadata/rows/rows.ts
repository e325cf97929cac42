import type {
  Compat,
  HeadRecord,
  HistoryRecord,
  LaneName,
  LayerCounts,
  LayerId,
  LayerRecord,
  NamespaceId,
  RemoteId,
  RunId,
  RunPurpose,
  RunRecord,
  SessionId,
  SessionRecord,
  Sync,
  SyncedHead,
  VolumeId,
  VolumeName,
  VolumeRecord,
} from '@cachelane/core';
import { corruptStore } from '../../sqlite/sqlite-errors.ts';

/** Table rows and their decoded forms. Only the JSON in a row is checked. */

export interface VolumeRow {
  readonly id: VolumeId;
  readonly namespace_id: NamespaceId;
  readonly name: VolumeName;
  readonly compat: string;
  readonly tool: string;
  readonly sync: Sync | null;
  readonly created_ms: number;
}

export interface HeadRow {
  readonly volume_id: VolumeId;
  readonly lane: LaneName;
  readonly generation: number;
  readonly layers: string;
  readonly updated_ms: number;
  readonly run_id: RunId;
}

interface CountsRow {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly size_bytes: number;
}

export interface HistoryRow extends CountsRow {
  readonly volume_id: VolumeId;
  readonly lane: LaneName;
  readonly generation: number;
  readonly layers: string;
  readonly layer_id: LayerId | null;
  readonly run_id: RunId;
  readonly at_ms: number;
}

export interface LayerRow extends CountsRow {
  readonly id: LayerId;
  readonly volume_id: VolumeId;
  readonly run_id: RunId;
  readonly files: number;
  readonly sealed_ms: number;
  readonly boot_id: string;
}

export interface RunRow {
  readonly id: RunId;
  readonly namespace_id: NamespaceId;
  readonly lane: LaneName;
  readonly started_ms: number;
  readonly revision: string | null;
  readonly workflow: string | null;
  readonly purpose: RunPurpose;
}

export interface SyncedRow {
  readonly remote: RemoteId;
  readonly volume_id: VolumeId;
  readonly lane: LaneName;
  readonly layers: string;
  readonly revision: number;
  readonly at_ms: number;
}

export interface SessionRow {
  readonly id: SessionId;
  readonly run_id: RunId;
  readonly namespace_id: NamespaceId;
  readonly lane: LaneName;
  readonly boot_id: string;
  readonly opened_ms: number;
  readonly place: string | null;
  readonly targets: string;
  readonly pins: string;
}

/** Decodes JSON columns of the store in `file`. Errors: E_STORE_CORRUPT for invalid JSON. */
export interface Decoder {
  layers(json: string): readonly LayerId[];
  texts(json: string): readonly string[];
  compat(json: string): Compat;
}

export function decoderOf(file: string): Decoder {
  const parse = (json: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw corruptStore(file, 'is damaged (a row cannot be read)', error);
    }
  };
  const texts = (json: string): readonly string[] => {
    const value = parse(json);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw corruptStore(file, 'is damaged (a row is not a list)');
  };
  return {
    texts,
    layers: (json) => texts(json) as readonly LayerId[],
    compat: (json) => {
      const value = parse(json);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Compat;
      throw corruptStore(file, 'is damaged (a row is not a record)');
    },
  };
}

/** Returns the same text for equal records, whatever the order of their fields. */
export function compatKey(compat: Compat): string {
  const names = Object.keys(compat).toSorted();
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, compat[name]])));
}

export function toVolume(row: VolumeRow, decode: Decoder): VolumeRecord {
  return {
    id: row.id,
    namespaceId: row.namespace_id,
    name: row.name,
    compat: decode.compat(row.compat),
    tool: row.tool,
    sync: row.sync,
    createdAtMs: row.created_ms,
  };
}

export function toHead(row: HeadRow, decode: Decoder): HeadRecord {
  return {
    volumeId: row.volume_id,
    lane: row.lane,
    generation: row.generation,
    layers: decode.layers(row.layers),
    updatedAtMs: row.updated_ms,
    run: row.run_id,
  };
}

function toCounts(row: CountsRow): LayerCounts {
  return { added: row.added, changed: row.changed, removed: row.removed, sizeBytes: row.size_bytes };
}

export function toHistory(row: HistoryRow, decode: Decoder): HistoryRecord {
  return {
    volumeId: row.volume_id,
    lane: row.lane,
    generation: row.generation,
    layers: decode.layers(row.layers),
    layer: row.layer_id,
    run: row.run_id,
    atMs: row.at_ms,
    counts: toCounts(row),
  };
}

export function toLayer(row: LayerRow): LayerRecord {
  return {
    id: row.id,
    volumeId: row.volume_id,
    run: row.run_id,
    counts: toCounts(row),
    files: row.files,
    sealedAtMs: row.sealed_ms,
    bootId: row.boot_id,
  };
}

export function toRun(row: RunRow): RunRecord {
  return {
    id: row.id,
    namespaceId: row.namespace_id,
    lane: row.lane,
    startedAtMs: row.started_ms,
    revision: row.revision,
    workflow: row.workflow,
    purpose: row.purpose,
  };
}

export function toSynced(row: SyncedRow, decode: Decoder): SyncedHead {
  return {
    remote: row.remote,
    volumeId: row.volume_id,
    lane: row.lane,
    layers: decode.layers(row.layers),
    revision: row.revision,
    atMs: row.at_ms,
  };
}

export function toSession(row: SessionRow, decode: Decoder): SessionRecord {
  return {
    id: row.id,
    run: row.run_id,
    namespaceId: row.namespace_id,
    lane: row.lane,
    bootId: row.boot_id,
    openedAtMs: row.opened_ms,
    place: row.place,
    targets: decode.texts(row.targets),
    pins: decode.layers(row.pins),
  };
}
