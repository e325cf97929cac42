import {
  isCleanUp,
  limits,
  type LayerId,
  type LayerStore,
  type ManifestLayer,
  type Squashes,
  type StagedLayer,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { neverAborted } from '../../base/never-aborted.ts';
import { isDamage } from '../../base/is-damage.ts';
import { forGood, stageSquash } from '../../views/squash.ts';

/** How a squash of another machine can be made here for less than it takes to send it. */
export interface SquashPlan {
  readonly id: LayerId;
  /** As that machine had them. */
  readonly replaces: readonly LayerId[];
  /** The same, taken apart as far as is worth it. */
  readonly parts: readonly LayerId[];
  /** Those of them that are not here. */
  readonly missing: readonly ManifestLayer[];
}

export interface SquashInput {
  readonly layer: ManifestLayer;
  /** The head here: what belongs to it may be used. */
  readonly local: readonly LayerId[];
  /** All that the remote's head names, also by its squashes. */
  readonly there: ReadonlyMap<LayerId, ManifestLayer>;
}

/** Null where the layer is no squash, or sending it costs no more. */
export function planSquash(squashes: Squashes, { layer, local, there }: SquashInput): SquashPlan | null {
  const here = new Set([...local, ...squashes.within(local).flatMap(({ layers }) => layers)]);
  const replaces = squashes.partsOf(layer.id);
  const own = cheapest(replaces, [layer.id]);
  return own === null || own.cost >= costOf(layer) ? null : { id: layer.id, replaces, ...own };

  function cheapest(ids: readonly LayerId[], above: readonly LayerId[]): Way | null {
    const ways = ids.map((id) => wayTo(id, above));
    return ids.length === 0 || ways.includes(null) ? null : joined(ways as readonly Way[]);
  }

  function wayTo(id: LayerId, above: readonly LayerId[]): Way | null {
    if (here.has(id)) return { parts: [id], missing: [], cost: 0 };
    const apart = above.includes(id) ? null : cheapest(squashes.partsOf(id), [...above, id]);
    const sent = there.get(id);
    if (sent === undefined || (apart !== null && apart.cost < costOf(sent))) return apart;
    return { parts: [id], missing: [sent], cost: costOf(sent) };
  }
}

interface Way extends Pick<SquashPlan, 'parts' | 'missing'> {
  readonly cost: number;
}

function joined(ways: readonly Way[]): Way {
  return {
    parts: ways.flatMap(({ parts }) => parts),
    missing: ways.flatMap(({ missing }) => missing),
    cost: ways.reduce((sum, { cost }) => sum + cost, 0),
  };
}

/** Many small layers take longer than one that is not much larger. */
function costOf(layer: ManifestLayer): number {
  return wireBytes(layer) + limits.layerRequestBytes;
}

export function wireBytes({ indexBytes, data }: ManifestLayer): number {
  return indexBytes + data.sizeBytes;
}

/**
 * Makes a squash of layers that are here, and publishes it; nothing refers to it yet. It is the layer that is meant only where its id is the same: null where it is not, as with other rules of the tool, or
 * where something of it is missing here.
 */
export async function makeSquash(
  { layers }: { readonly layers: LayerStore },
  { squash, tool }: { readonly squash: SquashPlan; readonly tool: Tool },
  signal: AbortSignal,
): Promise<StagedLayer | null> {
  try {
    const parts: StoredLayer[] = [];
    for (const id of squash.parts) parts.push(await layers.open(id, signal));
    const hasCleanUp = parts.some(({ index }) => isCleanUp(index));
    const request = forGood(stageSquash(parts, tool), { ids: squash.replaces, hasCleanUp });
    const staged = await layers.stage(request, signal);
    if (staged.id === squash.id) {
      await layers.publish(staged, signal);
      return staged;
    }
    await layers.unstage(staged, neverAborted);
    return null;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}
