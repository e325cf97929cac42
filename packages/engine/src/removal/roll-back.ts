import {
  CachelaneError,
  isCachelaneError,
  limits,
  type CommitResult,
  type Context,
  type HeadRecord,
  type HistoryRecord,
  type LayerCounts,
  type LayerId,
  type RunId,
  type Squashes,
  type Tool,
  type VolumeId,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import { cleanUpsAmong } from '../base/clean-ups.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { squashesOf } from '../heads/known-squashes.ts';
import type { Remainder } from './remains.ts';
import { takeOut } from './remove-runs.ts';
import { isDamage } from '../base/is-damage.ts';
import { compareSnapshots, composeSnapshot, type PathDifference, type SnapshotState } from '../views/compare.ts';
import { requireWritable } from '../base/require-writable.ts';
import { rolledBackBy } from './rolled-back-by.ts';

export type RollBackDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'random' | 'bootId'>;

export interface RollBackRequest {
  readonly volumeId: VolumeId;
  readonly tool: Tool;
  /** The caller's context: only its own lane may be rolled back, and only if it may write. */
  readonly context: Pick<Context, 'lane' | 'canWrite' | 'why'>;
  /** Null: the previous generation. */
  readonly to: number | null;
  /** The run that moves the head. */
  readonly by: RunId;
  /** Whether the run id names this one change, so that a repeated call does not do it again. */
  readonly isOnce?: boolean;
}

export interface RollBackPlan {
  readonly from: HeadRecord;
  readonly to: HistoryRecord;
  /** What changes for readers; null if the present state is too damaged to compare. */
  readonly differences: readonly PathDifference[] | null;
}

export interface RolledBack extends RollBackPlan {
  /** Null: the head already names these layers. */
  readonly head: HeadRecord | null;
  /** Layers of concurrent runs; they stay on top. */
  readonly keptOnTop: number;
}

/**
 * Returns what {@link rollBack} would do; moves no head, but may publish layers without revoked runs. Errors: E_USAGE for a read-only lane, E_NOT_FOUND for an unknown generation,
 * E_LAYER_MISSING and E_LAYER_CORRUPT if its layers are gone.
 */
export async function planRollBack(
  deps: RollBackDependencies,
  request: RollBackRequest,
  signal: AbortSignal,
): Promise<RollBackPlan> {
  requireWritable(request.context);
  const { lane } = request.context;
  const from = await deps.metadata.head(request.volumeId, lane, signal);
  if (from === undefined)
    throw new CachelaneError('E_NOT_FOUND', `lane ${lane} is empty, so there is nothing to roll back`);
  const history = await deps.metadata.history(request.volumeId, lane, signal);
  const to = targetOf(history, from, request.to);
  await requireLayers(deps, to, signal);
  return { from, to, differences: await differencesOf(deps, request, { from, to }, signal) };
}

/**
 * Moves the head back to the layers of an earlier generation, as a new generation; a second rollback undoes it. A concurrent run loses
 * nothing: its layer stays on top. Errors: those of {@link planRollBack}, and E_HEAD_MOVED. With `isOnce`, also E_HEAD_MOVED if it was done
 * before; {@link rolledBackBy} then returns the result.
 */
export async function rollBack(
  deps: RollBackDependencies,
  request: RollBackRequest,
  signal: AbortSignal,
): Promise<RolledBack> {
  const plan = await planRollBack(deps, request, signal);
  const { from, to } = plan;
  let head = from;
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    await requireNotDone(deps, request, signal);
    const squashes = await squashesOf(deps.metadata, from, signal);
    const pushed = await pushedOnto(deps, { from, head, squashes }, signal);
    const plain = [...pushed, ...squashes.expand(to.layers)];
    const back = squashes.contract(plain, [...to.layers, ...head.layers]);
    const remainder = await withoutRevoked(deps, request, back, signal);
    const layers = remainder?.layers ?? back;
    // With `isOnce`, record even an empty move: a repeated call must not undo later changes.
    if (request.isOnce !== true && isSameStack(squashes.expand(layers), squashes.expand(head.layers)))
      return { ...plan, head: null, keptOnTop: pushed.length };
    const result = await commitBack(
      deps,
      request,
      { plan, head, layers, rewritten: remainder?.rewritten ?? [] },
      signal,
    );
    if (result.kind === 'moved') return { ...plan, head: result.head, keptOnTop: pushed.length };
    if (result.head === null) throw movedOtherwise(from);
    head = result.head;
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times while it was rolled back`, {
    hint: 'try again when fewer runs end at the same time',
    retryable: true,
  });
}

/** Checked after the head was read, so that a later change makes the commit fail. */
async function requireNotDone(
  { metadata }: RollBackDependencies,
  { volumeId, context: { lane }, by, isOnce = false }: RollBackRequest,
  signal: AbortSignal,
): Promise<void> {
  if (!isOnce || (await rolledBackBy(metadata, { volumeId, lane, by }, signal)) === null) return;
  throw new CachelaneError('E_HEAD_MOVED', 'the same rollback was already made', {
    hint: 'repeat it with the same id to get its result',
    retryable: true,
  });
}

function targetOf(
  history: readonly HistoryRecord[],
  { generation, lane }: HeadRecord,
  to: number | null,
): HistoryRecord {
  const wanted = to ?? generation - 1;
  const found = history.find((move) => move.generation === wanted);
  if (found !== undefined) return found;
  const known = history.map((move) => move.generation);
  const [newest, oldest] = [known[0], known.at(-1)];
  const kept =
    newest === undefined || oldest === undefined
      ? 'its history is empty'
      : newest === oldest
        ? `its history has only generation ${newest}`
        : `its history goes from generation ${oldest} to ${newest}`;
  const problem =
    to === null
      ? `there is no generation before ${generation} in lane ${lane}`
      : `there is no generation ${to} in lane ${lane}`;
  throw new CachelaneError('E_NOT_FOUND', problem, { hint: `${kept}; run cachelane log to list them` });
}

/** Files may have been deleted by hand. */
async function requireLayers(deps: RollBackDependencies, to: HistoryRecord, signal: AbortSignal): Promise<void> {
  const gone: LayerId[] = [];
  for (const id of to.layers) if (!(await deps.layers.has(id, signal))) gone.push(id);
  if (gone.length === 0) return;
  const names = gone.slice(0, 3).map((id) => id.slice(0, 12));
  const more = gone.length > names.length ? `, and ${gone.length - names.length} more` : '';
  throw new CachelaneError(
    'E_LAYER_MISSING',
    `generation ${to.generation} cannot be restored: ${gone.length} of its ${to.layers.length} layers are gone (${names.join(', ')}${more})`,
    { hint: 'choose another generation from cachelane log' },
  );
}

async function differencesOf(
  deps: RollBackDependencies,
  request: RollBackRequest,
  { from, to }: Pick<RollBackPlan, 'from' | 'to'>,
  signal: AbortSignal,
): Promise<RollBackPlan['differences']> {
  const { layers } = deps;
  const { tool } = request;
  const before: SnapshotState = { layers: from.layers, tool };
  const target: SnapshotState = { layers: to.layers, tool };
  try {
    const differences = await compareSnapshots(layers, { before, after: target }, signal);
    const remainder = await withoutRevoked(deps, request, to.layers, signal);
    if (remainder === null) return differences;
    return await compareSnapshots(layers, { before, after: { layers: remainder.layers, tool } }, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  // The present state may be damaged, but the target must be whole.
  await composeSnapshot(layers, target, signal);
  return null;
}

/** Removes revoked runs from the target. Returns null if the target has none. */
async function withoutRevoked(
  deps: RollBackDependencies,
  { volumeId, context: { lane }, tool, by }: RollBackRequest,
  stack: readonly LayerId[],
  signal: AbortSignal,
): Promise<Remainder | null> {
  const volume = await deps.metadata.volume(volumeId, signal);
  const revoked = volume === undefined ? [] : await deps.metadata.revokedRuns(volume.namespaceId, signal);
  if (revoked.length === 0) return null;
  const runs = new Set(revoked.map(({ run }) => run));
  return await takeOut(deps, { volumeId, lane, tool, runs, by }, stack, signal);
}

interface Since {
  readonly from: HeadRecord;
  readonly head: HeadRecord;
  readonly squashes: Squashes;
}

/**
 * Returns layers that runs added since. Throws if the head moved in another way, since the caller has not seen what would be lost. Drops
 * clean-ups of what is rolled back.
 */
async function pushedOnto(
  { metadata }: RollBackDependencies,
  { from, head, squashes }: Since,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const [before, now] = [squashes.expand(from.layers), squashes.expand(head.layers)];
  const count = now.length - before.length;
  if (count < 0 || !isSameStack(now.slice(count), before)) throw movedOtherwise(from);
  const pushed = now.slice(0, count);
  const cleanUps = await cleanUpsAmong(metadata, pushed, signal);
  return pushed.filter((id) => !cleanUps.has(id));
}

function isSameStack(one: readonly LayerId[], other: readonly LayerId[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

function movedOtherwise({ lane }: HeadRecord): CachelaneError {
  return new CachelaneError('E_HEAD_MOVED', `another command removed layers from lane ${lane}`, {
    hint: 'check cachelane log and roll back again',
    retryable: true,
  });
}

async function commitBack(
  deps: RollBackDependencies,
  request: RollBackRequest,
  move: Remainder & { readonly plan: RollBackPlan; readonly head: HeadRecord },
  signal: AbortSignal,
): Promise<CommitResult> {
  const { plan, head, layers, rewritten } = move;
  try {
    return await deps.metadata.commit(
      {
        volumeId: request.volumeId,
        lane: request.context.lane,
        expectedGeneration: head.generation,
        layers,
        layer: null,
        rewritten,
        run: request.by,
        counts: countsOf(plan.differences ?? []),
        atMs: deps.clock.nowMs(),
      },
      signal,
    );
  } catch (error) {
    if (!isCachelaneError(error, 'E_LAYER_MISSING')) throw error;
    throw new CachelaneError('E_LAYER_MISSING', `generation ${plan.to.generation} was just collected`, {
      hint: 'choose another generation from cachelane log',
      cause: error,
    });
  }
}

/** Counts for the history. No layer was added, so no bytes. */
function countsOf(differences: readonly PathDifference[]): LayerCounts {
  const count = (of: (difference: PathDifference) => boolean): number => differences.filter(of).length;
  return {
    added: count(({ before }) => before === null),
    changed: count(({ before, after }) => before !== null && after !== null),
    removed: count(({ after }) => after === null),
    sizeBytes: 0,
  };
}
