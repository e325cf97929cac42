import type { HeadRecord, LayerId, LayerStore, VolumeRecord } from '@cachelane/core';

/** The description of an export. */
export interface ExportManifest {
  readonly format: 'cachelane-export';
  readonly version: 1;
  /** Where it was made; it can be imported elsewhere. */
  readonly namespace: string;
  readonly volume: string;
  readonly lane: string;
  readonly generation: number;
  readonly tool: string;
  readonly compat: Readonly<Record<string, string>>;
  /** Top first. */
  readonly layers: readonly LayerId[];
}

/** One file of an export. */
export interface ExportPart {
  readonly name: string;
  readonly data: AsyncIterable<Uint8Array>;
}

export interface ExportedHead {
  readonly namespace: string;
  readonly volume: VolumeRecord;
  readonly head: HeadRecord;
}

export const manifestName = 'cachelane-export.json';

/**
 * Yields the parts of an export: its manifest, then index and contents of each layer, lowest first, as an import needs them. Throws
 * E_LAYER_MISSING and E_LAYER_CORRUPT while they are read.
 */
export async function* exportParts(
  layers: LayerStore,
  { namespace, volume, head }: ExportedHead,
  signal: AbortSignal,
): AsyncGenerator<ExportPart> {
  const manifest: ExportManifest = {
    format: 'cachelane-export',
    version: 1,
    namespace,
    volume: volume.name,
    lane: head.lane,
    generation: head.generation,
    tool: volume.tool,
    compat: volume.compat,
    layers: head.layers,
  };
  yield { name: manifestName, data: once(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)) };
  for (const id of head.layers.toReversed()) {
    const { index, data } = await layers.pack(id, signal);
    yield { name: `layers/${id}/index`, data: once(index) };
    yield { name: `layers/${id}/data.tar.zst`, data };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
