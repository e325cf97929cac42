import {
  LayerStack,
  mergesVersions,
  type BytePath,
  type Entry,
  type LaneName,
  type LayerId,
  type LayerStore,
  type Metadata,
  type RunId,
  type RunRecord,
  type StoredLayer,
  type VolumeId,
} from '@cachelane/core';
import { squashesOf } from '../heads/known-squashes.ts';

/** The head of one lane of a read chain. */
export interface BlamedHead {
  /** Null: a directory that seeds the volume. */
  readonly volumeId: VolumeId | null;
  readonly lane: LaneName;
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** Below all lanes of the volume. */
  readonly isSeed?: boolean;
}

interface BlamedRun {
  readonly id: RunId;
  /** Null: unknown run. */
  readonly record: RunRecord | null;
}

/** What one layer has at a path. */
export interface Blamed {
  /** `seen`: the reader's version or a part of it; `hidden`: a nearer layer decides. */
  readonly state: 'seen' | 'hidden';
  readonly entry: Entry;
  readonly layer: LayerId;
  readonly head: BlamedHead;
  /** Runs that the entry names. */
  readonly runs: readonly BlamedRun[];
}

export interface BlameQuestion {
  /** Nearest first. */
  readonly heads: readonly BlamedHead[];
  readonly path: BytePath;
}

/**
 * Returns the runs behind the contents at a path, with hidden versions, nearest first. Opens squashes as far as their parts are here.
 * Returns an empty list if no layer has the path. Errors: E_LAYER_MISSING, E_LAYER_CORRUPT.
 */
export async function blamePath(
  deps: { readonly metadata: Metadata; readonly layers: LayerStore },
  { heads, path }: BlameQuestion,
  signal: AbortSignal,
): Promise<readonly Blamed[]> {
  const opened: { readonly layer: StoredLayer; readonly head: BlamedHead }[] = [];
  for (const head of heads) {
    for (const id of await takenApart(deps, head, signal))
      opened.push({ layer: await deps.layers.open(id, signal), head });
  }
  const seen = seenDepths(new LayerStack(opened.map(({ layer }) => layer)), path);
  const blamed: Blamed[] = [];
  for (const [depth, { layer, head }] of opened.entries()) {
    const entry = layer.index.find(path);
    if (entry === undefined) continue;
    const runs: BlamedRun[] = [];
    for (const id of entry.origins) runs.push({ id, record: (await deps.metadata.run(id, signal)) ?? null });
    blamed.push({ state: seen.has(depth) ? 'seen' : 'hidden', entry, layer: layer.key as LayerId, head, runs });
  }
  return blamed;
}

function seenDepths(stack: LayerStack, path: BytePath): ReadonlySet<number> {
  const { versions } = stack.versions(path);
  const nearest = versions[0];
  if (nearest === undefined) return new Set();
  const isMerged = nearest.entry.type === 'file' && mergesVersions(nearest.entry.mergeClass);
  return new Set((isMerged ? versions : [nearest]).map(({ depth }) => depth));
}

async function takenApart(
  { metadata, layers }: { readonly metadata: Metadata; readonly layers: LayerStore },
  head: BlamedHead,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const { volumeId, lane } = head;
  if (volumeId === null) return head.layers;
  const squashes = await squashesOf(metadata, { volumeId, lane }, signal);
  const open = async (id: LayerId): Promise<readonly LayerId[]> => {
    const parts = squashes.partsOf(id);
    if (parts.length === 0 || parts.includes(id)) return [id];
    for (const part of parts) if (!(await layers.has(part, signal))) return [id];
    const found: LayerId[] = [];
    for (const part of parts) found.push(...(await open(part)));
    return found;
  };
  const found: LayerId[] = [];
  for (const id of head.layers) found.push(...(await open(id)));
  return found;
}
