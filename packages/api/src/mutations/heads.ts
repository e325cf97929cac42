import { hash } from 'node:crypto';
import { CachelaneError, newId, type LaneName, type LayerId, type RunId, type VolumeId } from '@cachelane/core';
import {
  toolOf,
  planRollBack,
  pruneCommand,
  pruneVolume,
  removeVolumes,
  requireWritable,
  rollBack,
  describeHead,
  type RollBackPlan,
  type RolledBack,
} from '@cachelane/engine';
import { laneIn } from '../lane-in.ts';
import { heldBy } from '../nodes/held.ts';
import { savedNode } from '../nodes/saved-node.ts';
import type { ApiRequest } from '../request.ts';
import { volumeToChange } from '../root/find-volume.ts';
import { volumeRequest } from './volume-request.ts';

export interface RollbackArguments {
  readonly volume: string;
  readonly generation?: number | null;
  readonly dryRun: boolean;
  readonly key?: string | null;
}

/** Errors: E_USAGE, E_NOT_FOUND, E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function rollback(request: ApiRequest, args: RollbackArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  requireWritable(context);
  const subject = await volumeToChange(request, args.volume);
  const { volume } = await heldBy(request, subject);
  if (volume === null) throw new CachelaneError('E_NOT_FOUND', `${subject.namespace}:${subject.key} holds nothing`);
  const by = runOf(request, volume.id, args);
  const done = await movedBy(request, { volumeId: volume.id, lane: context.lane, by });
  if (done !== null) return done;
  const wanted = {
    volumeId: volume.id,
    tool: toolOf(world.deps.tools, volume),
    context,
    to: args.generation ?? null,
    by,
  };
  return rolledBackNode(
    args.dryRun ? await planRollBack(world.deps, wanted, signal) : await rollBack(world.deps, wanted, signal),
  );
}

/** The same change has the same run, whoever repeats it and whichever engine it reaches. Errors: E_USAGE. */
function runOf({ world }: ApiRequest, volume: VolumeId, { key = null, generation = null }: RollbackArguments): RunId {
  if (key === null) return newId('run', world.deps.random.bytes(16));
  if (key.length >= 1 && key.length <= 200)
    return newId('run', hash('sha256', JSON.stringify(['rollback', volume, generation, key]), 'buffer'));
  throw new CachelaneError('E_USAGE', 'key is a text of 1 to 200 characters');
}

interface Moved {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly by: RunId;
}

/** What an earlier attempt did under the same name; null where there was none that came so far. */
async function movedBy({ world, signal }: ApiRequest, { volumeId, lane, by }: Moved): Promise<object | null> {
  const history = await world.deps.metadata.history(volumeId, lane, signal);
  const index = history.findIndex(({ run }) => run === by);
  const move = history[index];
  if (move === undefined) return null;
  const [before, ...earlier] = history.slice(index + 1);
  const source = earlier.find(({ layers }) => isBottomOf(layers, move.layers));
  return {
    lane,
    from: before?.generation ?? move.generation - 1,
    to: source?.generation ?? move.generation,
    generation: move.generation,
    keptOnTop: source === undefined ? 0 : move.layers.length - source.layers.length,
  };
}

function isBottomOf(part: readonly LayerId[], whole: readonly LayerId[]): boolean {
  const top = whole.length - part.length;
  return top >= 0 && part.every((id, index) => id === whole[top + index]);
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

/** Errors: E_USAGE; E_NOT_FOUND where there is nothing to remove. */
export async function remove(request: ApiRequest, args: RemoveArguments): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  // Also of another lane, or of all: whoever may save nothing may not take away what others saved.
  requireWritable(context);
  const lane = laneToRemove(context.lane, args);
  if (caller.client.place.isConfined && lane !== context.lane) {
    throw new CachelaneError('E_USAGE', `a confined session removes nothing of other lanes than ${context.lane}`);
  }
  const subject = await volumeToChange(request, args.volume);
  const { volume, heads } = await heldBy(request, subject);
  const going = heads.filter((head) => lane === null || head.lane === lane);
  if (volume === null || (going.length === 0 && lane !== null)) {
    const where = lane === null ? '' : ` in lane ${lane}`;
    throw new CachelaneError('E_NOT_FOUND', `${subject.namespace}:${subject.key} holds nothing${where}`);
  }
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

/** Null: all of them. Errors: E_USAGE. */
function laneToRemove(own: LaneName, { lane, allLanes }: RemoveArguments): LaneName | null {
  const named = laneIn(lane);
  if (allLanes && named !== null) throw new CachelaneError('E_USAGE', 'lane and allLanes exclude each other');
  return allLanes ? null : (named ?? own);
}

export interface PruneArguments {
  readonly volume: string;
  readonly dryRun: boolean;
}

/** Errors: E_USAGE for a tool that has no such command and for a lane that may not be written, E_COMMAND where it fails. */
export async function prune(request: ApiRequest, { volume: id, dryRun }: PruneArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { project, client } = caller;
  requireWritable(project.context);
  const subject = await volumeToChange(request, id);
  const { argv } = pruneCommand(toolOf(world.deps.tools, subject));
  if (dryRun) return { command: argv, saved: null };
  const { outcome, report } = await pruneVolume(
    { ...world.deps, events: client.events },
    {
      ...project.run,
      context: project.context,
      volume: volumeRequest(request, subject),
      // An engine has one standard output, and its word on it is not the command's.
      argv: ['sh', '-c', 'exec "$0" "$@" >/dev/null 2>&1', ...argv],
      mounter: null,
      lockWaitMs: 0,
      signal,
    },
  );
  if (outcome.exitCode === 0 && report.skipped === null) return { command: argv, saved: savedNode(report) };
  const why = outcome.exitCode === 0 ? report.skipped : `exit code ${outcome.exitCode}`;
  throw new CachelaneError('E_COMMAND', `${argv.join(' ')}: ${why}: nothing was pruned`);
}
