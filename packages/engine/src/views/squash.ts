import {
  digestOf,
  limits,
  squashMark,
  squashPlan,
  withNothingBelow,
  type Digest,
  type Entry,
  type LayerId,
  type LayerStore,
  type SquashStep,
  type StagedEntry,
  type StageRequest,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { composeSources, fromLayer, unitedOrigins } from './versions.ts';

export interface SquashDependencies {
  readonly layers: LayerStore;
  readonly tool: Tool;
}

/** Raise when squashes or resolutions are computed differently: old derived layers are then ignored. */
const derivationVersion = 1;

export function derivedKey(kind: 'squash' | 'resolution', tool: Tool, ids: readonly LayerId[]): Digest {
  return digestOf(`${kind}\0${derivationVersion}\0${tool.name}\0${tool.rulesVersion}\0${ids.join('\0')}`);
}

/** Neighbouring layers of a lane that one squashed layer replaces in a view. */
export interface Fold {
  /** Top first. */
  readonly ids: readonly LayerId[];
  readonly entryCount: number;
  /** Bottom first; empty for a single layer. */
  readonly parts: readonly Fold[];
}

/** Returns few layers with the effect of a lane's layers (top first). A new layer on top leaves lower folds unchanged, so each is squashed once. */
export async function squashLane(
  deps: SquashDependencies,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<StoredLayer[]> {
  const layers: StoredLayer[] = [];
  for (const fold of await foldsOf(deps, ids, signal)) layers.push(await openFold(deps, fold, signal));
  return layers;
}

/**
 * Groups layers (top first) into folds. From the bottom up, the topmost `squashFanOut` folds merge when the lowest is not much larger than the rest.
 * So work grows with what was added, and a million entries make a dozen folds.
 */
export async function foldsOf(
  { layers }: Pick<SquashDependencies, 'layers'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<readonly Fold[]> {
  const folds: Fold[] = [];
  for (const id of ids.toReversed()) {
    const { entryCount } = await layers.open(id, signal);
    folds.push({ ids: [id], entryCount, parts: [] });
    while (isFoldable(folds)) folds.push(folded(folds.splice(-limits.squashFanOut)));
  }
  return folds.toReversed();
}

/** How many times larger than the folds above it the lowest fold may be. */
const foldRatio = 4;

function isFoldable(folds: readonly Fold[]): boolean {
  const [lowest, ...above] = folds.slice(-limits.squashFanOut);
  if (lowest === undefined || above.length < limits.squashFanOut - 1) return false;
  return lowest.entryCount <= foldRatio * above.reduce((sum, { entryCount }) => sum + entryCount, 0);
}

/** Joins folds (top first, as from {@link foldsOf}) into one. */
export function wholeOf(folds: readonly Fold[]): Fold {
  return folded(folds.toReversed());
}

/** Bottom first. */
function folded(parts: readonly Fold[]): Fold {
  return {
    ids: parts.toReversed().flatMap((fold) => fold.ids),
    entryCount: parts.reduce((sum, { entryCount }) => sum + entryCount, 0),
    parts,
  };
}

async function openFold(deps: SquashDependencies, fold: Fold, signal: AbortSignal): Promise<StoredLayer> {
  const [id] = fold.ids;
  if (fold.parts.length === 0) return await deps.layers.open(id as LayerId, signal);
  const known = await deps.layers.openDerived(derivedKey('squash', deps.tool, fold.ids), signal);
  return known ?? (await squashAll(deps, fold.ids, await openParts(deps, fold, signal), signal));
}

/** Top first. */
async function openParts(deps: SquashDependencies, fold: Fold, signal: AbortSignal): Promise<readonly StoredLayer[]> {
  const parts: StoredLayer[] = [];
  for (const part of fold.parts.toReversed()) parts.push(await openFold(deps, part, signal));
  return parts;
}

/** Returns the request to stage a fold as a stored layer, copied from a derived layer if there is one. */
export async function stageFold(
  deps: SquashDependencies,
  { fold, hasCleanUp }: { readonly fold: Fold; readonly hasCleanUp: boolean },
  signal: AbortSignal,
): Promise<StageRequest> {
  const known = await deps.layers.openDerived(derivedKey('squash', deps.tool, fold.ids), signal);
  const plain: StageRequest =
    known === undefined
      ? stageSquash(await openParts(deps, fold, signal), deps.tool)
      : {
          changes: null,
          entries: Array.from(known.index.entries(), (entry) => stageFrom(entry, known)),
          sealedAtMs: known.sealedAtMs,
        };
  return forGood(plain, { ids: fold.ids, hasCleanUp });
}

export interface GoodSquash {
  /** The layers it replaces. */
  readonly ids: readonly LayerId[];
  readonly hasCleanUp: boolean;
}

/** Marks a squash as stored. With a clean-up it covers the whole head, so removals are dropped: they would hide paths of layers it is later put on. */
export function forGood({ entries, ...request }: StageRequest, { ids, hasCleanUp }: GoodSquash): StageRequest {
  const left = hasCleanUp ? entries.flatMap(onTheBottom) : entries;
  return { ...request, entries: [...left, { from: 'removal', entry: squashMark(ids) }] };
}

function onTheBottom(staged: StagedEntry): readonly StagedEntry[] {
  const entry = withNothingBelow(staged.entry);
  return entry === null ? [] : [{ ...staged, entry }];
}

/** Returns one derived layer with the effect of all. */
export async function squashAll(
  deps: SquashDependencies,
  ids: readonly LayerId[],
  parts: readonly StoredLayer[],
  signal: AbortSignal,
): Promise<StoredLayer> {
  const key = derivedKey('squash', deps.tool, ids);
  const known = await deps.layers.openDerived(key, signal);
  if (known !== undefined) return known;
  return deps.layers.derive(key, stageSquash(parts, deps.tool), signal);
}

/** Returns one layer with the effect of `parts` (top first). The result only depends on parts, tool and rules, so it need not be transferred. */
export function stageSquash(parts: readonly StoredLayer[], tool: Tool): StageRequest {
  const entries = Array.from(squashPlan(parts), ([, step]) => stageStep(step, parts, tool));
  return { changes: null, entries, sealedAtMs: latestSeal(parts) };
}

/** Returns an entry of a layer as an entry of another one. */
export function stageFrom(entry: Entry, layer: StoredLayer): StagedEntry {
  if (entry.removed === 'counted' || entry.removed === 'hint') return { from: 'removal', entry };
  return entry.type === 'dir' ? { from: 'made', entry } : { from: 'layer', entry, layer };
}

/** A derived layer is as old as its newest source, so that a time in the future gains no weight. */
export function latestSeal(layers: readonly StoredLayer[]): number {
  return Math.max(0, ...layers.map(({ sealedAtMs }) => sealedAtMs));
}

function stageStep(step: SquashStep, parts: readonly StoredLayer[], tool: Tool): StagedEntry {
  switch (step.kind) {
    case 'removed':
      return { from: 'removal', entry: step.entry };
    case 'keep': {
      const entry: Entry = step.below ? { ...step.found.entry, removed: 'below' } : step.found.entry;
      return stageFrom(entry, parts[step.found.depth] as StoredLayer);
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
