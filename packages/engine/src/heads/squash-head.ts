import {
  asCachelaneError,
  isCleanUp,
  isHeldFile,
  limits,
  warningOf,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type SessionId,
  type StagedLayer,
  type Tool,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { stageFold, foldsOf, wholeOf, type Fold } from '../views/squash.ts';

export type SquashHeadDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId' | 'events'>;

export interface HeadSquash {
  readonly head: HeadRecord;
  readonly tool: Tool;
  /** Its pins protect a squash until the head names it. */
  readonly sessionId: SessionId;
}

/**
 * Squashes neighbouring small layers of a head for good, so that it stays short. Keeps what other runs commit; changes nothing if another
 * process changed those layers. Returns the head afterwards. A failure gives a warning: the next view only takes longer.
 */
export async function squashHead(
  deps: SquashHeadDependencies,
  request: HeadSquash,
  signal: AbortSignal,
): Promise<HeadRecord> {
  let { head } = request;
  try {
    for (const squash of await squashesFor(deps, head.layers, signal)) {
      head = (await replace(deps, request, squash, signal)) ?? head;
    }
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(warningOf(error, `layers of lane ${head.lane} were not squashed: ${error.message}`));
  }
  return head;
}

interface Squash {
  readonly fold: Fold;
  readonly hasCleanUp: boolean;
}

/**
 * Returns what to squash. A clean-up's removals hide what lies below, so its layer joins a squash only together with those layers. Until
 * then, layers above it are squashed separately.
 */
async function squashesFor(
  deps: Pick<SquashHeadDependencies, 'layers'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<readonly Squash[]> {
  const folds = await foldsOf(deps, ids, signal);
  if (folds.length > 1 && ids.length > limits.headLayers) return [{ fold: wholeOf(folds), hasCleanUp: true }];
  const squashes: Squash[] = [];
  for (const fold of folds) {
    // Usually there is nothing to do, and asking a layer may mean 100,000 entries.
    if (fold.parts.length === 0) continue;
    const cleanUps = new Set<LayerId>();
    for (const id of fold.ids) if (isCleanUp((await deps.layers.open(id, signal)).index)) cleanUps.add(id);
    const hasCleanUp = cleanUps.size > 0;
    if (!hasCleanUp || fold === folds.at(-1)) {
      squashes.push({ fold, hasCleanUp });
      continue;
    }
    for (const stretch of stretchesBetween(fold.ids, cleanUps))
      for (const each of await foldsOf(deps, stretch, signal)) squashes.push({ fold: each, hasCleanUp: false });
  }
  return squashes.filter(({ fold }) => fold.parts.length > 0);
}

function stretchesBetween(ids: readonly LayerId[], cleanUps: ReadonlySet<LayerId>): readonly (readonly LayerId[])[] {
  const stretches: LayerId[][] = [[]];
  for (const id of ids) {
    if (cleanUps.has(id)) stretches.push([]);
    else stretches.at(-1)?.push(id);
  }
  return stretches;
}

async function replace(
  deps: SquashHeadDependencies,
  request: HeadSquash,
  { fold, hasCleanUp }: Squash,
  signal: AbortSignal,
): Promise<HeadRecord | undefined> {
  const { metadata, layers, clock } = deps;
  const stage = await stageFold({ layers, tool: request.tool }, { fold, hasCleanUp }, signal);
  const staged = await layers.stage(stage, signal);
  await metadata.updateSession(request.sessionId, { pins: [staged.id] }, signal);
  await layers.publish(staged, signal);
  const layer = await recordOf(deps, request, { fold, staged }, signal);
  const { volumeId, lane } = request.head;
  return await metadata.squash({ volumeId, lane, layer, layers: fold.ids, atMs: clock.nowMs() }, signal);
}

async function recordOf(
  { metadata, layers, bootId }: SquashHeadDependencies,
  { head }: HeadSquash,
  { fold, staged }: { readonly fold: Fold; readonly staged: StagedLayer },
  signal: AbortSignal,
): Promise<LayerRecord> {
  const run = await runOf({ metadata }, fold.ids, signal);
  const files = Array.from(staged.index.entries()).filter(isHeldFile).length;
  const { sealedAtMs } = await layers.open(staged.id, signal);
  const counts = { added: files, changed: 0, removed: 0, sizeBytes: staged.sizeBytes };
  return { id: staged.id, volumeId: head.volumeId, run: run ?? head.run, counts, files, sealedAtMs, bootId };
}

/**
 * Returns the run that a squash is recorded for: the latest maker of its layers, except a clean-up if possible. A clean-up's layer is
 * dropped if other machines changed the volume, and the squash would be dropped with all its contents.
 */
async function runOf(
  { metadata }: Pick<SquashHeadDependencies, 'metadata'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<LayerRecord['run'] | undefined> {
  let latest: LayerRecord['run'] | undefined;
  for (const id of ids) {
    const run = (await metadata.layer(id, signal))?.run;
    latest ??= run;
    if (run !== undefined && (await metadata.run(run, signal))?.purpose !== 'prune') return run;
  }
  return latest;
}
