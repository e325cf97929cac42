import type { HeadRecord, LayerRecord } from '@cachelane/core';
import { type ListedHead } from '@cachelane/engine';
import { compatText, type FoundVolume } from '../context/find-volume.ts';
import { formatBytes, formatTable, formatTime, plural } from '../base/format.ts';
import { isoTime, shortId } from '../host/print.ts';

// `cachelane inspect VOLUME`: every head with its layers, top first.

export function volumeJson(found: FoundVolume, heads: readonly ListedHead[]): unknown {
  return {
    namespace: found.namespace,
    volume: found.variants[0]?.name,
    heads: heads.map(({ volume, head, layers, files, sizeBytes }) => ({
      compat: volume.compat,
      tool: volume.tool,
      lane: head.lane,
      generation: head.generation,
      updatedAt: isoTime(head.updatedAtMs),
      lastRun: head.run,
      files,
      sizeBytes,
      layers: head.layers.map((id, index) => layerRow(id, layers[index] ?? null, head)),
    })),
  };
}

/** A squashed or foreign layer keeps its run and time; its lane is the listing head's. */
function layerRow(id: string, layer: LayerRecord | null, head: HeadRecord): unknown {
  return {
    layer: id,
    run: layer?.run ?? null,
    lane: head.lane,
    at: layer === null ? null : isoTime(layer.sealedAtMs),
    added: layer?.counts.added ?? null,
    changed: layer?.counts.changed ?? null,
    removed: layer?.counts.removed ?? null,
    bytes: layer?.counts.sizeBytes ?? null,
    files: layer?.files ?? null,
  };
}

const right = { align: 'right' } as const;

export function volumeText(found: FoundVolume, heads: readonly ListedHead[]): string {
  const name = `${found.namespace}:${found.variants[0]?.name ?? ''}`;
  if (heads.length === 0) return `${name} is empty.\n`;
  return heads.map((listed) => `${name}, ${headText(listed)}`).join('\n');
}

function headText({ volume, head, layers, files, sizeBytes }: ListedHead): string {
  const title = `lane ${head.lane}, generation ${head.generation}, compat ${compatText(volume.compat)}, tool ${volume.tool}`;
  const state = `${plural(files, 'file')}, ${formatBytes(sizeBytes)}, last changed ${formatTime(head.updatedAtMs)} by ${head.run}`;
  const table = formatTable(
    [
      { title: 'LAYER' },
      { title: 'SEALED' },
      { title: 'RUN' },
      { title: 'ADDED', ...right },
      { title: 'CHANGED', ...right },
      { title: 'REMOVED', ...right },
      { title: 'FILES', ...right },
      { title: 'SIZE', ...right },
    ],
    head.layers.map((id, index) => {
      const layer = layers[index];
      if (layer === null || layer === undefined) return [shortId(id), 'unknown', '', '', '', '', '', ''];
      const { counts } = layer;
      return [
        shortId(id),
        formatTime(layer.sealedAtMs),
        shortId(layer.run),
        String(counts.added),
        String(counts.changed),
        String(counts.removed),
        String(layer.files),
        formatBytes(counts.sizeBytes),
      ];
    }),
  );
  return `${title}\n${state}\n\n${table}`;
}
