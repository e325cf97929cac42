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

/** A way to make another machine's squash here for less than its transfer costs. */
export interface SquashPlan {
  readonly id: LayerId;
  /** As the other machine replaced them. */
  readonly replaces: readonly LayerId[];
  /** The same, with squashes opened where that pays. */
  readonly parts: readonly LayerId[];
  /** Parts that are not here. */
  readonly missing: readonly ManifestLayer[];
}

export interface SquashInput {
  readonly layer: ManifestLayer;
  /** The local head. Only its layers may be used. */
  readonly local: readonly LayerId[];
  /** All layers that the remote's head names, also through squashes. */
  readonly there: ReadonlyMap<LayerId, ManifestLayer>;
}

/** Returns null if the layer is no squash, or if its transfer costs no more. */
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

/** Adds a fixed cost per layer: many small layers take longer than one larger layer. */
function costOf(layer: ManifestLayer): number {
  return wireBytes(layer) + limits.layerRequestBytes;
}

export function wireBytes({ indexBytes, data }: ManifestLayer): number {
  return indexBytes + data.sizeBytes;
}

/**
 * Makes and publishes a squash of local layers; no head refers to it yet. Returns null if the id differs from the expected one (other tool
 * rules), or if parts are missing.
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
