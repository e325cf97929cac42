import {
  digestOf,
  limits,
  squashPlan,
  type Digest,
  type Entry,
  type LayerId,
  type LayerStore,
  type SquashStep,
  type StagedEntry,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { composeSources, fromLayer, unitedOrigins } from './versions.ts';

export interface SquashDependencies {
  readonly layers: LayerStore;
  readonly tool: Tool;
}

/** Raised when a squash or a resolution is made differently: older derived layers are made anew. */
const derivationVersion = 1;

export function derivedKey(kind: 'squash' | 'resolution', tool: Tool, ids: readonly LayerId[]): Digest {
  return digestOf(`${kind}\0${derivationVersion}\0${tool.name}\0${tool.rulesVersion}\0${ids.join('\0')}`);
}

/**
 * Stands for a lane's layers (top first) with few: counted from the bottom, each full block of `squashFanOut` neighbours
 * is one derived layer, blocks of blocks likewise. A new layer on top leaves the blocks below as they are.
 */
export async function squashLane(
  deps: SquashDependencies,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<StoredLayer[]> {
  const result: StoredLayer[] = [];
  let rest = ids;
  while (rest.length > 0) {
    let size = 1;
    while (size * limits.squashFanOut <= rest.length) size *= limits.squashFanOut;
    result.unshift(await block(deps, rest.slice(rest.length - size), signal));
    rest = rest.slice(0, rest.length - size);
  }
  return result;
}

/** One layer with the effect of all. */
export async function squashAll(
  deps: SquashDependencies,
  ids: readonly LayerId[],
  parts: readonly StoredLayer[],
  signal: AbortSignal,
): Promise<StoredLayer> {
  const key = derivedKey('squash', deps.tool, ids);
  const known = await deps.layers.openDerived(key, signal);
  if (known !== undefined) return known;
  const entries: StagedEntry[] = [];
  for (const [, step] of squashPlan(parts)) entries.push(stageStep(step, parts, deps.tool));
  return deps.layers.derive(key, { changes: null, entries, sealedAtMs: latestSeal(parts) }, signal);
}

/** A derived layer is as old as what it was made of: a time in the future must not gain weight by being carried over. */
export function latestSeal(layers: readonly StoredLayer[]): number {
  return Math.max(0, ...layers.map(({ sealedAtMs }) => sealedAtMs));
}

async function block(deps: SquashDependencies, ids: readonly LayerId[], signal: AbortSignal): Promise<StoredLayer> {
  if (ids.length === 1) return deps.layers.open(ids[0] as LayerId, signal);
  const known = await deps.layers.openDerived(derivedKey('squash', deps.tool, ids), signal);
  if (known !== undefined) return known;
  const parts: StoredLayer[] = [];
  const step = ids.length / limits.squashFanOut;
  for (let from = 0; from < ids.length; from += step)
    parts.push(await block(deps, ids.slice(from, from + step), signal));
  return squashAll(deps, ids, parts, signal);
}

function stageStep(step: SquashStep, parts: readonly StoredLayer[], tool: Tool): StagedEntry {
  switch (step.kind) {
    case 'removed':
      return { from: 'removal', entry: step.entry };
    case 'keep': {
      const entry: Entry = step.below ? { ...step.found.entry, removed: 'below' } : step.found.entry;
      if (entry.type === 'dir') return { from: 'made', entry };
      return { from: 'layer', entry, layer: parts[step.found.depth] as StoredLayer };
    }
    case 'compose': {
      const sources = step.versions.map(({ entry, depth }) => fromLayer(entry, parts[depth] as StoredLayer));
      const answer = composeSources(tool, sources);
      const picked = sources[answer.kind === 'pick' ? answer.index : 0] as (typeof sources)[number];
      const content = answer.kind === 'pick' ? picked.content() : answer.content;
      const entry: Entry = {
        ...picked.entry,
        form: step.form,
        removed: step.below ? 'below' : null,
        sizeBytes: content.length,
        digest: digestOf(content),
        origins: unitedOrigins(step.versions.map((version) => version.entry)),
      };
      return { from: 'content', entry, content };
    }
  }
}
