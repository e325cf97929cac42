import {
  CachelaneError,
  type HeadRecord,
  type LayerId,
  type LayerStore,
  type StagedLayer,
  type Tool,
  type VolumeRecord,
} from '@cachelane/core';
import { neverAborted } from '../base/never-aborted.ts';
import { foldsOf, stageFold, wholeOf } from '../views/squash.ts';

/** Names the tar members' layout too: exports without hard links had another one. */
export const exportFormat = 'cachelane-volume';

/** The description of an export. */
export interface ExportManifest {
  readonly format: typeof exportFormat;
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

export interface ExportDependencies {
  readonly layers: LayerStore;
  readonly tools: readonly Tool[];
}

export interface OpenExport extends AsyncDisposable {
  readonly manifest: ExportManifest;
  /** The manifest, then index and contents of each layer, lowest first. Errors: E_LAYER_MISSING, E_LAYER_CORRUPT. */
  readonly parts: AsyncIterable<ExportPart>;
}

/**
 * Opens an export of a head: one layer with its present contents, or all its layers with `history`.
 * Errors: E_USAGE for a volume of an unknown tool without `history`.
 */
export async function openExport(
  deps: ExportDependencies,
  { namespace, volume, head }: ExportedHead,
  { history, signal }: { readonly history: boolean; readonly signal: AbortSignal },
): Promise<OpenExport> {
  const { layers } = deps;
  const squash = history || head.layers.length < 2 ? null : await stageWhole(deps, { volume, head }, signal);
  const exported = squash === null ? head.layers : [squash];
  const manifest: ExportManifest = {
    format: exportFormat,
    version: 1,
    namespace,
    volume: volume.name,
    lane: head.lane,
    generation: head.generation,
    tool: volume.tool,
    compat: volume.compat,
    layers: squash === null ? head.layers : [squash.id],
  };
  return {
    manifest,
    parts: exportParts(layers, { manifest, exported }, signal),
    async [Symbol.asyncDispose]() {
      if (squash !== null) await layers.unstage(squash, neverAborted);
    },
  };
}

/** Stages a layer with the effect of the whole head. */
async function stageWhole(
  { layers, tools }: ExportDependencies,
  { volume, head }: Omit<ExportedHead, 'namespace'>,
  signal: AbortSignal,
): Promise<StagedLayer> {
  const tool = tools.find(({ name }) => name === volume.tool);
  if (tool === undefined) {
    throw new CachelaneError('E_USAGE', `no tool is called ${volume.tool}, so its layers cannot be joined`, {
      hint: 'export all layers: --history',
    });
  }
  const fold = wholeOf(await foldsOf({ layers }, head.layers, signal));
  return await layers.stage(await stageFold({ layers, tool }, { fold, hasCleanUp: true }, signal), signal);
}

interface Exported {
  readonly manifest: ExportManifest;
  /** Top first. */
  readonly exported: readonly (LayerId | StagedLayer)[];
}

async function* exportParts(
  layers: LayerStore,
  { manifest, exported }: Exported,
  signal: AbortSignal,
): AsyncGenerator<ExportPart> {
  yield { name: manifestName, data: once(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)) };
  for (const layer of exported.toReversed()) {
    const id = typeof layer === 'string' ? layer : layer.id;
    const { index, data } = await layers.pack(layer, signal);
    yield { name: `layers/${id}/index`, data: once(index) };
    yield { name: `layers/${id}/data.tar.zst`, data };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
