import {
  type Conflict,
  type LayerId,
  type LayerIndex,
  type LayerStore,
  type ManifestLayer,
  type Remote,
  displayPath,
  limits,
  openIndex,
} from '@cachelane/core';
import { describeConflict } from '../../save/conflicts.ts';
import { findConflicts } from '../../save/find-conflicts.ts';
import { readIndex } from '../layers/pull-layer.ts';

export interface Meeting {
  /** The layers that were just sent. */
  readonly mine: readonly LayerId[];
  /** Layers that other machines had sent before, top first. Ours lie on top. */
  readonly theirs: readonly ManifestLayer[];
}

interface ForeignLayer {
  readonly id: LayerId;
  readonly index: LayerIndex;
}

/**
 * Returns paths that this push and unseen layers of other machines both changed, at most `limits.conflictsReported`. Drivers merge what
 * they can on reading. For the rest, our version shows. Reads indexes only, within a memory limit.
 */
export async function foreignConflicts(
  { remote, layers }: { readonly remote: Remote; readonly layers: LayerStore },
  { mine, theirs }: Meeting,
  signal: AbortSignal,
): Promise<readonly Conflict[]> {
  const foreign = await readForeign(remote, theirs, signal);
  const conflicts: Conflict[] = [];
  for (const id of foreign.length === 0 ? [] : mine) {
    const { index } = await layers.open(id, signal);
    for (const conflict of findConflicts(index, foreign)) {
      if (conflict.kind === 'merge') continue;
      if (conflicts.length === limits.conflictsReported) return conflicts;
      const { path, digest } = conflict.theirs;
      const holder = foreign.find((layer) => layer.index.find(path)?.digest === digest);
      conflicts.push({
        path: displayPath(conflict.path),
        resolution: describeConflict(conflict),
        layer: holder?.id ?? null,
      });
    }
  }
  return conflicts;
}

async function readForeign(
  remote: Remote,
  theirs: readonly ManifestLayer[],
  signal: AbortSignal,
): Promise<readonly ForeignLayer[]> {
  let left: number = limits.comparedIndexBytes;
  const foreign: ForeignLayer[] = [];
  for (const layer of theirs) {
    left -= layer.indexBytes;
    if (left < 0) return foreign;
    const bytes = await readIndex(remote, { layer, onBytes: () => undefined }, signal);
    foreign.push({ id: layer.id, index: openIndex(bytes) });
  }
  return foreign;
}
