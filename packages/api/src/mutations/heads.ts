import { CachelaneError, type LaneName, type RunId } from '@cachelane/core';
import {
  toolOf,
  planRollBack,
  pruneCommand,
  pruneVolume,
  removeVolumes,
  requireWritable,
  rollBack,
  rolledBackBy,
  savedBy,
  describeHead,
  type RollBackPlan,
  type RolledBack,
} from '@cachelane/engine';
import { laneIn } from '../values/lane-in.ts';
import { findVolumeRecord, heldBy } from '../volumes/held.ts';
import { savedNode } from '../nodes/saved-node.ts';
import { volumeId, type VolumeSubject } from '../volumes/volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { volumeToChange } from '../volumes/find-volume.ts';
import { withHint } from './in-api-words.ts';
import { once, runOfChange } from './repeated.ts';
import { volumeRequest } from '../volumes/volume-request.ts';

export interface RollbackArguments {
  readonly volume: string;
  readonly generation?: number | null;
  readonly dryRun: boolean;
  readonly key?: string | null;
}

/** Rolls a head back. Errors: E_USAGE, E_NOT_FOUND, E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function rollback(request: ApiRequest, args: RollbackArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  requireWritable(context);
  const subject = await volumeToChange(request, args.volume);
  const { volume } = await heldBy(request, subject);
  if (volume === null) throw new CachelaneError('E_NOT_FOUND', `${subject.namespace}:${subject.key} is empty`);
  const { lane } = context;
  const by = runOfChange(request, ['rollback', volume.id, args.generation ?? null], args.key);
  const wanted = {
    volumeId: volume.id,
    tool: toolOf(world.deps.tools, volume),
    context,
    to: args.generation ?? null,
    by,
    isOnce: args.key !== null && args.key !== undefined,
  };
  return await once(
    async () => {
      const done = await rolledBackBy(world.deps.metadata, { volumeId: volume.id, lane, by }, signal);
      return done === null ? null : { lane, ...done };
    },
    async () =>
      rolledBackNode(
        args.dryRun ? await planRollBack(world.deps, wanted, signal) : await rollBack(world.deps, wanted, signal),
      ),
  );
}

function rolledBackNode(done: RollBackPlan | RolledBack): object {
  const isDone = 'head' in done;
  return {
    lane: done.from.lane,
    from: done.from.generation,
    to: done.to.generation,
    generation: isDone ? (done.head?.generation ?? null) : null,
    keptOnTop: isDone ? done.keptOnTop : 0,
  };
}

export interface RemoveArguments {
  readonly volume: string;
  readonly lane?: string | null;
  readonly allLanes: boolean;
  readonly dryRun: boolean;
}

/**
 * Removes heads of a volume. Removing nothing is no error, so that a client can retry after a lost answer. Errors:
 * E_USAGE, E_NOT_FOUND.
 */
export async function remove(request: ApiRequest, args: RemoveArguments): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  // A read-only context must not remove what others saved, on any lane.
  requireWritable(context);
  const lane = laneToRemove(context.lane, args);
  if (caller.client.place.isConfined && lane !== context.lane) {
    throw new CachelaneError('E_USAGE', `a confined session can remove only lane ${context.lane}`);
  }
  const subject = await volumeToChange(request, args.volume);
  const { volume, heads } = await heldBy(request, subject);
  const going = heads.filter((head) => lane === null || head.lane === lane);
  if (volume === null || (going.length === 0 && lane !== null)) return [];
  const removed: object[] = [];
  for (const head of going) {
    const { sizeBytes } = await describeHead(
      world.deps.metadata,
      { namespace: subject.namespace, volume, head },
      signal,
    );
    removed.push({ lane: head.lane, generation: head.generation, layers: head.layers.length, sizeBytes });
  }
  const removal = { variants: [volume.id], held: new Set(going.map(({ volumeId }) => volumeId)), lane };
  if (!args.dryRun) await removeVolumes(world.deps, removal, signal);
  return removed;
}

/** Returns the lane to remove; null: all. Errors: E_USAGE. */
function laneToRemove(own: LaneName, { lane, allLanes }: RemoveArguments): LaneName | null {
  const named = laneIn(lane);
  if (allLanes && named !== null) throw new CachelaneError('E_USAGE', 'lane and allLanes exclude each other');
  return allLanes ? null : (named ?? own);
}

export interface PruneArguments {
  readonly volume: string;
  readonly dryRun: boolean;
  readonly key?: string | null;
}

/**
 * Runs the tool's clean-up command. Errors: E_USAGE for a tool without one, for a read-only lane, and from a confined
 * session; E_COMMAND if it fails.
 */
export async function prune(request: ApiRequest, { volume: id, dryRun, key }: PruneArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  requireWritable(context);
  const subject = await volumeToChange(request, id);
  if (caller.client.place.isConfined) throw noCommands();
  const tool = toolOf(world.deps.tools, subject);
  const { argv } = pruneCommand(tool);
  if (dryRun) return { command: argv, saved: null };
  const run = runOfChange(request, ['prune', volumeId(subject), context.lane], key);
  return await once(
    async () => {
      const volume = await findVolumeRecord(request, subject);
      if (volume === null) return null;
      const question = { name: subject.key, volumeId: volume.id, lane: context.lane, run, tool };
      const saved = await savedBy(world.deps, question, signal);
      return saved === null ? null : { command: argv, saved: savedNode(saved) };
    },
    async () => await pruneNow(request, { subject, argv, run }),
  );
}

/** The command would run as the engine's user, and files of the project (`yarnPath`, PATH) decide what it does. */
function noCommands(): CachelaneError {
  return new CachelaneError('E_USAGE', "a confined session cannot run a tool's clean-up command", {
    hint: 'prune in a session that is not confined: files of the project can change what the command does',
  });
}

interface Pruning {
  readonly subject: VolumeSubject;
  readonly argv: readonly string[];
  readonly run: RunId;
}

async function pruneNow(request: ApiRequest, { subject, argv, run }: Pruning): Promise<object> {
  const { world, caller, signal } = request;
  const { project, client } = caller;
  const asked = {
    ...project.run,
    run,
    context: project.context,
    volume: volumeRequest(request, subject),
    // Discard the command's output, because standard output belongs to the engine.
    argv: ['sh', '-c', 'exec "$0" "$@" >/dev/null 2>&1', ...argv],
    mounter: null,
    lockWaitMs: 0,
    signal,
  };
  const deps = { ...world.deps, events: client.events };
  const hint = 'prune does not wait: try again when that run has ended';
  const { outcome, report } = await withHint('E_LOCKED', hint, async () => await pruneVolume(deps, asked));
  if (outcome.exitCode === 0 && report.skipped === null) {
    await world.afterSaving({ context: project.context, reports: [report], events: client.events });
    return { command: argv, saved: savedNode(report) };
  }
  const why = outcome.exitCode === 0 ? report.skipped : `exit code ${outcome.exitCode}`;
  throw new CachelaneError('E_COMMAND', `${argv.join(' ')}: ${why}: nothing was pruned`);
}
