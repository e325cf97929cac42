import {
  LayerStack,
  limits,
  type BytePath,
  type LayerId,
  type LayerStore,
  type PinnedLink,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { emptySight, layOver, loadResolution, lookUpSight, stageResolution, type Sight } from './resolution.ts';
import { derivedKey, latestSeal, squashAll, squashLane, type SquashDependencies } from './squash.ts';
import type { SourcedEntry } from './versions.ts';

/** What a run sees of one volume. */
export interface View {
  /** For the mounter: top first. */
  readonly layers: readonly StoredLayer[];
  /** What the command finds at a path when it starts. */
  lookUp(path: BytePath): SourcedEntry | undefined;
  /** Everything strictly below a directory. */
  below(directory: BytePath): Iterable<SourcedEntry>;
  /** Members of an atomic group. */
  members(group: string): Iterable<SourcedEntry>;
}

export interface ViewDependencies {
  readonly layers: LayerStore;
}

/**
 * Composes the pinned links (nearest first) into a view. Drivers' answers and squashes are cached as derived layers.
 * Errors: those of `LayerStore.open`.
 */
export async function openView(
  deps: ViewDependencies,
  tool: Tool,
  links: readonly PinnedLink[],
  signal: AbortSignal,
): Promise<View> {
  const squashDeps: SquashDependencies = { ...deps, tool };
  const lanes = distinctLayers(links);
  if (lanes.every((lane) => lane.length === 0)) return emptyView;
  const plain = await fewLayers(squashDeps, lanes, signal);
  const resolved = await openResolution(squashDeps, lanes.flat(), signal);
  return viewOf(resolved.entryCount === 0 ? plain : [resolved, ...plain]);
}

/** A view without layers: a cold cache. */
export const emptyView: View = viewOf([]);

function viewOf(layers: readonly StoredLayer[]): View {
  let stack: LayerStack<StoredLayer> | undefined;
  const sight = (): Sight => ({ resolution: emptySight.resolution, stack: (stack ??= new LayerStack(layers)) });
  return {
    layers,
    lookUp: (path) => lookUpSight(sight(), path),
    *below(directory) {
      for (const { entry } of sight().stack.visibleBelow(directory))
        yield lookUpSight(sight(), entry.path) as SourcedEntry;
    },
    *members(group) {
      for (const { entry } of sight().stack.members(group)) yield lookUpSight(sight(), entry.path) as SourcedEntry;
    },
  };
}

/** Returns the layers of each link, top first, without layers of nearer links. */
function distinctLayers(links: readonly PinnedLink[]): readonly (readonly LayerId[])[] {
  const seen = new Set<LayerId>();
  return links.map((link) =>
    link.layers.filter((id) => {
      const fresh = !seen.has(id);
      seen.add(id);
      return fresh;
    }),
  );
}

/** Returns layers with the effect of all lanes. While there are more than `limits.viewLayers`, the farthest lanes are squashed whole. */
async function fewLayers(
  deps: SquashDependencies,
  lanes: readonly (readonly LayerId[])[],
  signal: AbortSignal,
): Promise<readonly StoredLayer[]> {
  const parts: StoredLayer[][] = [];
  for (const lane of lanes) parts.push(await squashLane(deps, lane, signal));
  for (let last = parts.length - 1; last >= 0 && parts.flat().length > limits.viewLayers; last--) {
    const lane = parts[last] as StoredLayer[];
    if (lane.length > 1) parts[last] = [await squashAll(deps, lanes[last] as LayerId[], lane, signal)];
  }
  return parts.flat();
}

/** Returns the derived layer with the drivers' answers; empty if there is nothing to decide. */
async function openResolution(
  deps: SquashDependencies,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<StoredLayer> {
  const key = derivedKey('resolution', deps.tool, ids);
  const known = await deps.layers.openDerived(key, signal);
  if (known !== undefined) return known;
  const sight = await composeSight(deps, ids, signal);
  return deps.layers.derive(
    key,
    { changes: null, entries: stageResolution(sight), sealedAtMs: latestSeal(sight.stack.layers) },
    signal,
  );
}

/** Starts from the largest known resolution of lower layers and adds the rest. */
async function composeSight(deps: SquashDependencies, ids: readonly LayerId[], signal: AbortSignal): Promise<Sight> {
  let sight = emptySight;
  let from = ids.length;
  for (let start = 1; start < ids.length; start++) {
    const rest = ids.slice(start);
    const known = await deps.layers.openDerived(derivedKey('resolution', deps.tool, rest), signal);
    if (known === undefined) continue;
    sight = { resolution: loadResolution(known), stack: new LayerStack(await squashLane(deps, rest, signal)) };
    from = start;
    break;
  }
  for (let index = from - 1; index >= 0; index--) {
    sight = layOver(sight, await deps.layers.open(ids[index] as LayerId, signal), deps.tool);
  }
  return sight;
}
