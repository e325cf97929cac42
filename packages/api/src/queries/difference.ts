import { CachelaneError, displayPath, type HeadRecord, type LayerId } from '@cachelane/core';
import { changeOf, compareSnapshots, toolOf, type SnapshotState } from '@cachelane/engine';
import { findVolumeRecord } from '../volumes/held.ts';
import { laneIn } from '../values/lane-in.ts';
import { requireWithin } from '../values/pages.ts';
import type { ApiRequest } from '../request/request.ts';
import { volumeWithId } from '../volumes/find-volume.ts';

const pathsAtMost = 10_000;

interface StateInput {
  readonly volume: string;
  readonly lane?: string | null;
  readonly generation?: number | null;
}

export interface DiffArguments {
  readonly before: StateInput;
  readonly after: StateInput;
  readonly first: number;
}

const kinds = { added: 'ADDED', changed: 'CHANGED', removed: 'REMOVED' } as const;

/** Compares two snapshots. Errors: E_NOT_FOUND, E_LIMIT, E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function difference(request: ApiRequest, { before, after, first }: DiffArguments): Promise<object> {
  requireWithin('first', first, pathsAtMost);
  const states = { before: await stateOf(request, before), after: await stateOf(request, after) };
  const { world, readings, signal } = request;
  const all = await readings.take(signal, async () => await compareSnapshots(world.deps.layers, states, signal));
  const counts = { added: 0, changed: 0, removed: 0 };
  for (const each of all) counts[changeOf(each)]++;
  const paths = all.slice(0, first).map((each) => ({ path: displayPath(each.path), kind: kinds[changeOf(each)] }));
  return { ...counts, paths, isCut: all.length > first };
}

async function stateOf(request: ApiRequest, input: StateInput): Promise<SnapshotState> {
  const { world, caller, signal } = request;
  const subject = await volumeWithId(request, input.volume);
  const lane = laneIn(input.lane) ?? caller.project.context.lane;
  const volume = await findVolumeRecord(request, subject);
  const head = volume === null ? undefined : await world.deps.metadata.head(volume.id, lane, signal);
  if (volume === null || head === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `${subject.namespace}:${subject.key} has nothing on lane ${lane}`);
  }
  return {
    layers: await layersAt(request, head, input.generation ?? head.generation),
    tool: toolOf(world.deps.tools, volume),
  };
}

async function layersAt(
  { world, signal }: ApiRequest,
  { volumeId, lane, generation, layers }: HeadRecord,
  wanted: number,
): Promise<readonly LayerId[]> {
  if (wanted === generation) return layers;
  const move = (await world.deps.metadata.history(volumeId, lane, signal)).find((each) => each.generation === wanted);
  if (move !== undefined) return move.layers;
  throw new CachelaneError('E_NOT_FOUND', `the history of lane ${lane} has no generation ${wanted}`);
}
